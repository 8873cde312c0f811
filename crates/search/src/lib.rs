//! Elasticsearch: any-substring search over the messages of one chat.
//!
//! A message is found by a query when [`fold`]`(body)` contains [`fold`]`(query)`: case, accents' encoding, width and the kind
//! and number of white space do not matter, everything else does. There are no words and no languages in it, so that any part
//! of any script is found, and there are no false hits.
//!
//! Elasticsearch is given terms that this crate made ([`Terms`]) and does nothing but split them at spaces, so that any 8.x, 9.x
//! or OpenSearch will do, without plugins. It holds no bodies: the index is made from MySQL and can be made again from there.
//!
//! The crate knows nothing of MySQL, of queues or of HTTP routes, and retries nothing: who calls it knows how long to go on.

mod bulk;
mod document;
mod error;
mod find;
mod fold;
mod grams;
mod highlight;
mod index;
mod inspect;
mod mapping;
mod meters;
mod pace;
mod place;
mod query;
mod remove;
mod settings;
mod trace;
mod versions;
mod windows;
mod wire;

pub use bulk::Indexed;
pub use document::{Document, DocumentId};
pub use error::Error;
pub use find::{Cursor, Hit};
pub use fold::fold;
pub use grams::Terms;
pub use highlight::{MAX_HIGHLIGHTS, Unit};
pub use index::SearchIndex;
pub use inspect::{Held, Scan};
pub use query::{MAX_QUERY_CHARS, Query};
pub use settings::Settings;
