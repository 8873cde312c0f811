//! Redis: the counters behind every number, and the epoch that guards them.
//!
//! Redis gives numbers fast and may lose everything at any moment. So a counter is used only through a script that compares
//! Redis' *record*, `<epoch>/<run id of the server process>`, with the one that its caller has adopted:
//!
//! - [`Sequencer::adopt`] reads the record and loads the scripts, on one connection to one server process;
//! - the issuing, seeding, raising and reading methods call those scripts, one round trip each. When Redis has restarted, was
//!   flushed, failed over, or a newer epoch was opened, they answer [`Error::Stale`] and have touched nothing;
//! - [`Coalescer`] takes messages' numbers for many callers, in all chats of an application, by one such call;
//! - [`Sequencer::write_record`] is the last step of opening an epoch.
//!
//! When a new epoch is due and how a missing counter is seeded safely is not decided here: that is the numbering's business. The
//! crate must never create a counter by counting, never load a script by itself when a call finds it gone, and never repeat a
//! call that may have reached the server.

mod adoption;
mod cleanup;
mod coalesce;
mod counters;
mod error;
mod forget;
mod issue;
mod keys;
mod limited;
mod meters;
mod once;
mod record;
mod reply;
mod scripts;
mod sequencer;
mod server;
mod settings;
mod shares;

pub use adoption::{Adopted, Adoption, NeedsEpochReason};
pub use coalesce::Coalescer;
pub use counters::{Raise, Seed};
pub use error::{Error, Outage};
pub use forget::{Counter, Counters};
pub use issue::{ChatIssue, MessageIssue};
pub use once::{Digest, Known, Once};
pub use record::Record;
pub use sequencer::Sequencer;
pub use settings::Settings;
