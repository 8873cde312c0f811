//! What may be chosen about a client.

use std::{fmt, time::Duration};

/// What may be chosen about a client; the defaults suit one that talks to a healthy system near by.
#[derive(Clone)]
pub struct Options {
    /// How long one attempt may take, from connecting to the answer's last byte. The services answer within 3 s.
    pub attempt_timeout: Duration,
    /// Within which time from a call's beginning attempts are begun. Zero means one attempt.
    pub patience: Duration,
    /// The longest pause between two attempts, also when the service asks for a longer one.
    pub longest_pause: Duration,
    /// Idle connections that are kept to each service.
    pub connections: usize,
    /// The operator's token, where creating and listing applications needs it. Sent with these calls alone.
    pub admin_token: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            longest_pause: Duration::from_secs(5),
            connections: 64,
            admin_token: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("attempt_timeout", &self.attempt_timeout)
            .field("patience", &self.patience)
            .field("longest_pause", &self.longest_pause)
            .field("connections", &self.connections)
            .field("admin_token", &self.admin_token.as_ref().map(|_| "…"))
            .finish()
    }
}
