//! The history checker: clients that write down every call and its answer, and a check of all that was answered against what is
//! stored, as databases are tested (Jepsen, Elle): <https://jepsen.io/analyses>.
//!
//! [`workload`] makes a [`record::History`]; [`check`] compares it with MySQL, the index and the api once all is quiet, and makes
//! a [`report::Report`]. Nothing here may be told by the services what they have done, other than by their answers and by what is
//! stored; and nothing may be forgiven that `docs/TESTING.md` does not name.

pub(crate) mod board;
pub(crate) mod broken;
mod calls;
pub(crate) mod check;
mod clock;
pub(crate) mod command;
mod customer;
mod faults;
mod http;
mod options;
pub(crate) mod record;
mod register;
pub(crate) mod report;
mod rivals;
mod running;
mod tally;
mod text;
pub(crate) mod workload;
