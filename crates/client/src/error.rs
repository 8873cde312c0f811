//! Why a call came to nothing.

use crate::Problem;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service refused, or went on asking to be left alone until the client's patience was over.
    #[error("the service answers {problem}")]
    Refused {
        /// The last answer.
        problem: Box<Problem>,
        /// Attempts of which it is not known whether they were accepted.
        unsure: usize,
    },
    /// No attempt was answered in time.
    #[error("the service does not answer")]
    NoAnswer {
        /// Of the last attempt.
        source: reqwest::Error,
        /// Attempts of which it is not known whether they were accepted.
        unsure: usize,
    },
    /// What is asked for was accepted, and is still not stored.
    #[error("this was accepted and is not stored yet")]
    NotYetStored,
    /// The answer is a success, and not what the API says.
    #[error("the service's answer is not as expected")]
    Unexpected(#[source] serde_json::Error),
    /// A base URL, a setting or a part of the request is of no use.
    #[error("{0} cannot be used")]
    Unusable(&'static str),
}

impl Error {
    /// The service's last answer, if there was one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// Whether a create may have been accepted all the same.
    pub fn may_be_accepted(&self) -> bool {
        matches!(self, Self::Refused { unsure: 1.., .. } | Self::NoAnswer { unsure: 1.., .. } | Self::Unexpected(_))
    }
}
