//! What can go wrong between this crate and Elasticsearch, by what the caller can do about it. Must never hold a message's text,
//! a query or a URL: Elasticsearch's own reasons quote documents, so only their type is kept.

/// Why Elasticsearch did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, did not answer in time, or says that it cannot serve now (429 and 5xx). Trying again later helps.
    #[error("Elasticsearch is unavailable: {0}")]
    Unavailable(String),
    /// The index is not there: never made, or lost. It must be filled from MySQL before it is searched.
    #[error("the search index is missing")]
    IndexMissing,
    /// The index was made without a field that documents have now, by another version of this crate. It takes none of them, and
    /// must be made anew from MySQL.
    #[error("the search index was made for other fields")]
    OtherFields,
    /// It refused the request (4xx). Trying again does not help.
    #[error("Elasticsearch refused the request: {status} {kind}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// Elasticsearch's name for the reason, as `illegal_argument_exception`.
        kind: String,
    },
    /// It answered something that this crate cannot read.
    #[error("Elasticsearch gave an answer of unknown form")]
    Protocol(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The settings cannot be used.
    #[error("the settings for Elasticsearch cannot be used: {0}")]
    Settings(String),
}

impl Error {
    /// An answer that cannot be read, and why.
    pub(crate) fn protocol(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Protocol(cause.into())
    }
}

/// The name of the error that Elasticsearch gives an index, or an alias, that does not exist.
pub(crate) const INDEX_MISSING: &str = "index_not_found_exception";

/// The name of the error that it gives a document with a field that the index does not have. All of ours have the same.
pub(crate) const UNKNOWN_FIELD: &str = "strict_dynamic_mapping_exception";

/// What an answer's status and error type mean for the request as a whole.
pub(crate) fn classify(status: u16, kind: String) -> Error {
    match status {
        404 if kind == INDEX_MISSING => Error::IndexMissing,
        status if is_transient(status) => Error::Unavailable(format!("it answered {status} {kind}")),
        status => Error::Rejected { status, kind },
    }
}

/// Whether the same request may succeed later: timeouts, full queues and tripped circuit breakers (429), anything from 500 up.
pub(crate) fn is_transient(status: u16) -> bool {
    status == 408 || status == 429 || status >= 500
}

/// Whether one document of several was refused for what it holds (it cannot be parsed, or is too large), so that it would be
/// refused again. Everything else, as a block on writes (403, set by hand or by the server), a right that is lacking, an index
/// that is closed (400) or an alias that leads to two (400, an illegal argument, which no document of ours holds), is of the index
/// or the server and passes with it: a document that was let go for it would be missing for ever.
pub(crate) fn is_documents_fault(status: u16, kind: &str) -> bool {
    const OF_THE_INDEX: [&str; 3] = ["index_closed_exception", "cluster_block_exception", "illegal_argument_exception"];
    matches!(status, 400 | 413) && !OF_THE_INDEX.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart_by_whether_trying_again_can_help() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(classify(status, "x".to_owned()), Error::Unavailable(_)), "{status}");
        }
        for status in [400, 401, 403, 404, 405, 413] {
            assert!(matches!(classify(status, "x".to_owned()), Error::Rejected { .. }), "{status}");
        }
        assert!(matches!(classify(404, INDEX_MISSING.to_owned()), Error::IndexMissing));
    }
}
