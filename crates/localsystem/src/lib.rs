//! The whole system as processes on this machine: the real servers, and the three services beside them.
//!
//! `make run` shows it to a person, the load generator measures it. The services are the very programs that are deployed, started
//! with the very settings that users have; nothing here may give them a short cut.

mod binaries;
mod chatctl;
mod ports;
mod process;
mod service;
mod system;

pub use binaries::Binaries;
pub use chatctl::{chatctl, migrate};
pub use ports::require_free;
pub use process::{Launch, Process};
pub use service::Service;
pub use system::{LocalSystem, Options};
