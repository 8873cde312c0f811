//! Where an adapter keeps what it keeps, for others that share it: a Redis, and what all keys in it begin with.

use std::time::Duration;

use crate::Primary;

/// See the module.
#[derive(Clone)]
pub struct Place<'a> {
    /// Where the Redis is.
    pub primary: Primary,
    /// What every key begins with.
    pub key_prefix: &'a str,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
}
