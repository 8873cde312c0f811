//! The crate against a real Elasticsearch, each test with an index of its own. `make test` starts the server and says where it
//! is in `ELASTICSEARCH_URL`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod faults;
mod finding;
mod lifecycle;
mod scratch;
mod texts;
mod tokens;
mod writing;
