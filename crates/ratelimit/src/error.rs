//! Why limits cannot be set up. What goes wrong later is an outage, and decided by the settings.

/// Why limits cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings cannot work, and why.
    #[error("{0}")]
    InvalidSettings(&'static str),
}
