//! RabbitMQ: confirmed group publishing, fences, and ordered consumption.
//!
//! Two handles cover all that the services need. A [`Publisher`] sends accepted creates and answers each caller after the
//! broker's confirm, binds and unbinds epochs, and sends fences. A [`Consumer`] hands out what the queues hold, one ordered
//! stream a partition. Both keep their connections up by themselves; neither needs the broker to be there when it starts.
//!
//! The crate knows names and envelopes from `events` and the protocol from `lapin`; it must never know Redis, MySQL or HTTP.
//! All input and output happens on the runtime where a handle was started, so that handles can be used from any other.

mod bindings;
mod confirms;
mod connection;
mod consumer;
mod dead;
mod depths;
mod error;
mod fences;
mod publisher;
mod repartition;
mod secure;
mod session;
mod settings;
mod topology;

pub use consumer::{Consumer, Deliveries, Delivery, Event, Settled};
pub use depths::Depth;
pub use error::{Error, FenceError, PublishError};
pub use publisher::{Items, Publisher, Publishing};
pub use repartition::{Counts, Repartition};
pub use settings::{AmqpUrl, InvalidUrl, Settings};
