//! One request to Elasticsearch and its answer: the only place that touches the client's errors and HTTP statuses.
//!
//! The client treats an answer of any status as a success and has no deadline of its own; here every request has one, and what is
//! not 2xx is an error. Proxies named in the environment are not used: only the configuration says where Elasticsearch is.
//!
//! Redirects are followed, up to ten, for the client lets nobody say that they should not be: its `TransportBuilder` makes its
//! HTTP client itself, and takes neither another one nor a policy. Elasticsearch never redirects; what stands before it must not
//! either, or requests, with the grams of texts in them, go where it says. User and password are not sent along to another host
//! or port.

use std::error::Error as StdError;
use std::time::Duration;

use elasticsearch::Elasticsearch;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::Url;
use elasticsearch::http::response::Response;
use elasticsearch::http::transport::{SingleNodeConnectionPool, TransportBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, classify};

/// A client for the server at `url`, each of whose requests takes no longer than `timeout`. Connects when the first request is
/// sent.
///
/// User and password stay in the URL here: the HTTP client moves them to a header before it sends or reports anything.
pub(crate) fn client(url: &str, timeout: Duration, trust: &tls::Trust) -> Result<Elasticsearch, Error> {
    let url = Url::parse(url).map_err(|cause| Error::Settings(format!("the URL cannot be read: {cause}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::Settings("the URL must begin with http:// or https://".to_owned()));
    }
    let unusable = |cause: elasticsearch::Error| Error::Settings(format!("no HTTP client can be made: {cause}"));
    let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url)).disable_proxy().timeout(timeout);
    if let Some(pem) = trust.pem() {
        // Besides the built-in list, which is what "full" has to do with it.
        let trusted = Certificate::from_pem(pem.as_bytes()).map_err(unusable)?;
        builder = builder.cert_validation(CertificateValidation::Full(trusted));
    }
    Ok(Elasticsearch::new(builder.build().map_err(|cause| unusable(cause.into()))?))
}

/// What a request came to: the answer, if there is one and its status is 2xx.
pub(crate) async fn accepted(sent: Result<Response, elasticsearch::Error>) -> Result<Response, Error> {
    let response = sent.map_err(|cause| unavailable(&cause))?;
    let status = response.status_code();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.bytes().await.unwrap_or_default();
    Err(classify(status.as_u16(), error_type(&body)))
}

/// Like [`accepted`], and reads the answer.
pub(crate) async fn read<T: DeserializeOwned>(sent: Result<Response, elasticsearch::Error>) -> Result<T, Error> {
    let body = accepted(sent).await?.bytes().await.map_err(|cause| unavailable(&cause))?;
    serde_json::from_slice(&body).map_err(Error::protocol)
}

/// The innermost cause says what happened ("Connection refused"); the outer ones would add the URL.
fn unavailable(error: &elasticsearch::Error) -> Error {
    if error.is_timeout() {
        return Error::Unavailable("no answer in time".to_owned());
    }
    if let Some(verdict) = tls::Error::behind(error) {
        return Error::Unavailable(format!("it cannot be reached over TLS: {verdict}"));
    }
    let mut cause: &dyn StdError = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Error::Unavailable(cause.to_string())
}

/// The error's type in an answer that is not 2xx. The reason beside it is left: it may quote a document or a query.
fn error_type(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failure {
        error: Cause,
    }
    serde_json::from_slice(body).map_or_else(|_| "for no stated reason".to_owned(), |failure: Failure| failure.error.kind)
}

/// What became of one document of a bulk request.
#[derive(Deserialize)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) error: Option<Cause>,
}

/// How many of the shards that were asked did what they were asked for.
#[derive(Deserialize)]
pub(crate) struct Shards {
    failed: u64,
}

impl Shards {
    /// An answer of some shards is a 200 all the same.
    pub(crate) fn all(&self) -> Result<(), Error> {
        match self.failed {
            0 => Ok(()),
            _ => Err(Error::Unavailable("only a part of the index answered".to_owned())),
        }
    }
}

/// Why something failed.
#[derive(Deserialize)]
pub(crate) struct Cause {
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_some_shards_is_none() {
        let shards = |json| serde_json::from_str::<Shards>(json).unwrap();
        assert!(shards(r#"{"total":2,"successful":1,"failed":0}"#).all().is_ok());
        assert!(matches!(shards(r#"{"total":2,"successful":1,"failed":1}"#).all(), Err(Error::Unavailable(_))));
    }
}
