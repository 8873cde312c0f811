//! The one connection to Redis that all callers of an adapter share, kept open by a task that knows what is at its other end.
//!
//! While Redis is away a call learns so at once, without a connection attempt of its own (it waits only for the first attempt
//! after a loss), and when Redis is back the link is too, whether anybody calls or not. It must never send a command twice, nor
//! lend a connection that its owner's [`Greeting`] has not approved of. It knows nothing of keys and scripts: those are its
//! owner's.

mod greeting;
mod info;
mod link;
mod place;
mod primary;
mod secure;
mod sentinels;
mod settings;
mod shared;
mod task;

pub use greeting::{Failure, Greeting};
pub use info::{info_field, is_primary};
pub use link::Link;
pub use place::Place;
pub use primary::Primary;
pub use sentinels::Sentinels;
pub use settings::Settings;
pub use shared::Lent;

/// Settings that cannot work, and why. It shows no URL and no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSettings(pub &'static str);
