//! A model of the protocol that keeps numbers unique, small enough to be checked in every order of its steps.
//!
//! It is the protocol of `crates/numbering`, `crates/sequencer` and `services/consumer`, with nothing left of them but what they
//! say to Redis, RabbitMQ and MySQL: one chat, one partition, a few replicas, each of which may stall between any two of its
//! steps for as long as it pleases. Redis loses what it holds. The checker of [`stateright`] visits every state that can come of
//! that, and looks whether what `properties` says holds in it. Each guard of the protocol can be taken out, which must give a
//! counterexample: a model that finds nothing wrong without a guard would say nothing with it.
//!
//! Nothing depends on this crate, and it depends on no other of the workspace: it is a test of the protocol, not of its code. So
//! whoever changes a step there changes it here: every [`Call`] names the function it stands for.

mod action;
mod broker;
mod config;
mod consumer;
mod few;
mod ingest;
mod mysql;
mod names;
mod properties;
mod protocol;
mod redis;
mod reduce;
mod rename;
mod state;
mod story;
mod symmetry;

pub use action::{Action, Call};
pub use config::{Bounds, Guard, Guards};
pub use consumer::Consume;
pub use properties::{ALL_STORED, CONFLICT, COUNTER, DOUBLED, LOST, REDELIVERY, REPLACED, STRAGGLER, WAITING};
pub use protocol::Protocol;
pub use redis::Loss;
pub use state::State;
pub use story::story;
