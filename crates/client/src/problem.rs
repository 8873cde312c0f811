//! The services' error answers: problem documents (RFC 9457).

use std::{fmt, time::Duration};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The answer's status.
    pub status: u16,
    /// What client programs tell problems apart by, such as `chat_not_found`. Empty when the answer was no problem document:
    /// then something between here and the service gave it, or the service could not read the request's head.
    pub code: String,
    /// For people.
    pub detail: String,
    /// The fields that break a rule, of a 422.
    pub errors: Vec<FieldError>,
    /// What the service's operator finds the request by.
    pub request_id: Option<String>,
    /// How long the service asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// A field or query parameter that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldError {
    /// Its name.
    pub field: String,
    /// The rule's stable code, such as `too_long`.
    pub code: String,
    /// For people.
    pub detail: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Document {
    code: String,
    detail: String,
    errors: Vec<FieldError>,
    request_id: Option<String>,
}

impl Problem {
    pub(crate) fn of(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let Document { code, detail, errors, request_id } = serde_json::from_slice(body).unwrap_or_default();
        let header_id = || headers.get("x-request-id")?.to_str().ok().map(str::to_owned);
        let request_id = request_id.or_else(header_id);
        Self { status, code, detail, errors, request_id, retry_after: retry_after(headers) }
    }
}

/// `Retry-After` in seconds; the services give no dates.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for part in [&self.code, &self.detail].into_iter().filter(|part| !part.is_empty()) {
            write!(f, " {part}")?;
        }
        self.request_id.iter().try_for_each(|id| write!(f, " (request {id})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_members_of_a_problem_are_read() {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "2".parse().unwrap())]);
        let body = br#"{"type":"about:blank","title":"x","status":422,"code":"invalid_field","detail":"name is required.",
            "request_id":"r-1","errors":[{"field":"name","code":"required","detail":"is required"}]}"#;
        let problem = Problem::of(422, &headers, body);
        assert_eq!(problem.to_string(), "422 invalid_field name is required. (request r-1)");
        let field = FieldError { field: "name".into(), code: "required".into(), detail: "is required".into() };
        assert_eq!((problem.errors, problem.retry_after), (vec![field], Some(Duration::from_secs(2))));
    }

    #[test]
    fn another_answer_is_a_problem_without_a_code() {
        for body in [b"<html>Bad gateway</html>".as_slice(), b"", b"[]", b"{\"code\":5}"] {
            let problem = Problem::of(502, &HeaderMap::new(), body);
            assert_eq!((problem.code.as_str(), problem.to_string().as_str()), ("", "502"));
        }
    }
}
