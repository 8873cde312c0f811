//! The adapter against a real RabbitMQ.
//!
//! `publishing`, `fencing`, `consuming` and `repartition` share the broker that AMQP_URL names, each test under a prefix of its
//! own. The tests in `faults` kill, pause and starve a broker, so each starts one for itself.

// Helpers of tests may fail a test as the tests themselves do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod consuming;
mod faults;
mod fencing;
mod parted;
mod publishing;
mod repartition;
mod support;
