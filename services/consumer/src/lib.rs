//! Stores, indexes and counts what was accepted.
//!
//! A message's way through the modules: `decode` reads the payload; `batch` gathers; `stragglers` decides on items of an
//! earlier epoch; `persist` stores a part of a batch in one transaction, of which `plan` says what it holds; `commit` sees the
//! batch through, with `isolate` to find a poisoned item and `letters` to keep it; `settle` acknowledges. `pipeline` ties these
//! together, one a partition. Beside them `index` takes what was stored, and was handed over by `hand_over`, to the search index,
//! `relay` what that missed, in the order and the portions of `grouping`, and [`counts`] keeps the counts. For operators
//! [`retry`] stores a dead letter after all, [`discard`] lets one go, and [`rivals`] shows what a conflict is about; `told` says
//! in words what came of it.
//!
//! The service must never acknowledge what is not stored, never drop an item, and never let search delay storing.

mod batch;
mod ceiling;
mod commit;
mod config;
pub mod counts;
mod decode;
pub mod discard;
mod grouping;
mod hand_over;
mod index;
mod isolate;
mod lease;
mod letters;
mod meters;
mod monitor;
mod oldest;
mod persist;
mod pipeline;
mod plan;
mod relay;
mod reporting;
pub mod retry;
pub mod rivals;
mod settle;
mod start;
mod stragglers;
mod taking;
mod told;
mod traced;

pub use config::{Config, DEFAULT_PORT, InvalidSettings, Settings};
pub use start::{Error, Running, start};
