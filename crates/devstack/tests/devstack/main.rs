//! The stack against the real servers: what a verb promises, and that nothing is left behind.
//! Every test has a stack of its own and bounds every wait.

// Helpers beside the tests are tests too; the lint's own exception does not see that.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod command;
mod full;
mod machine;
mod ownership;
mod rabbitmq;
mod redis;
mod sentences;
