//! The consumer against real servers: MySQL, Redis, RabbitMQ and Elasticsearch, as `make test` starts them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod batching;
mod counting;
mod fences;
mod forwarder;
mod items;
mod outages;
mod poison;
mod processes;
mod queues;
mod redelivery;
mod relaying;
mod replicas;
mod retry;
mod setups;
mod stragglers;
mod tables;
mod world;
