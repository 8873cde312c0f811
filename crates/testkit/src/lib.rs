//! A running chat system for each test.
//!
//! [`System::start`] runs the three services in this process, on ports of their own, over real servers: those that the
//! environment names, which all tests share, and for a test that harms one, a private one ([`Builder::own`]). What a test sees is
//! its own: a database, a prefix in the broker and in Redis, an index. All of it is removed when the [`System`] is dropped, also
//! by a panic.
//!
//! This crate is for tests alone: whatever goes wrong in it ends the test with a sentence that says what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends here")]

mod answer;
mod application;
mod balancer;
mod builder;
mod chat;
mod client;
mod environment;
mod eventually;
mod gate;
mod load;
mod replica;
mod report;
mod servers;
mod system;
mod tidy;

pub use answer::Answer;
pub use application::Application;
pub use balancer::Balancer;
pub use builder::Builder;
pub use chat::Chat;
pub use client::{Ask, Client};
pub use eventually::eventually;
pub use gate::turn;
pub use load::Load;
pub use replica::Service;
pub use report::Report;
pub use system::System;

/// One of the servers that a system can have for itself, and what it shows if it speaks TLS.
pub use devstack::{Certificates, Server};
