//! The replicas that are alive, and what each says of itself, by way of Redis. For operators to look at: nothing depends on it.
//!
//! Each replica of a service [reports](Reporter) every two seconds: who it is, what is its own and, while somebody looks, what it
//! has measured since its start. Ten seconds after its last report it is gone. Whoever wants to see them asks the [`Roster`], in
//! one round trip that reads as many entries as there are replicas. Ages are told by Redis' clock, and each replica counts by its
//! own monotonic one, so that clocks which differ change nothing.
//!
//! Two other things go the same way: [a wish to count](Roster::ask_to_count), which the first consumer that reports takes up, and
//! [when Redis was last backed up](Roster::backed_up_at).
//!
//! The crate must never make a service wait for Redis, and no failure here may do more than leave something unseen.

mod error;
mod greeting;
mod reporter;
mod roster;
mod status;

pub use error::Error;
pub use reporter::Reporter;
pub use roster::{Alive, Heard, Roster, Seen, Wishes};
pub use status::{CountOutcome, CountRun, Own, Status, Taken};
