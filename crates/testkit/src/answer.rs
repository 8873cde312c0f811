//! What a service has answered, and what must be true of it.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as it came.
    pub body: Vec<u8>,
    /// How long it took, from sending the request to the answer's last byte.
    pub took: Duration,
}

impl Answer {
    /// A header's value, if it has one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }

    /// The address of the neighbouring page with this relation, if the header `Link` has one.
    pub fn link(&self, relation: &str) -> Option<&str> {
        let relation = format!("; rel=\"{relation}\"");
        self.header("link")?.split(", ").find_map(|link| link.strip_suffix(&relation)?.strip_prefix('<')?.strip_suffix('>'))
    }

    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{} is not JSON: {error}", self.text()))
    }

    /// The body as JSON of an answer that must have this status.
    ///
    /// # Panics
    /// When it has another one.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.text());
        self.json()
    }

    /// The problem that the answer must be: in form, with the status and code, and with its request's id.
    ///
    /// # Panics
    /// When it is not.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{} {}", self.status, self.text());
        let problem = self.json();
        assert_eq!((self.status, &problem["code"]), (status, &Value::from(code)), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], "about:blank", "{problem}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        let request_id = self.header("x-request-id");
        assert!(request_id.is_some_and(|id| !id.is_empty()) && problem["request_id"].as_str() == request_id, "{problem}");
        assert_eq!(self.header("retry-after").is_some(), matches!(status, 409 | 429 | 503), "Retry-After of {problem}");
        problem
    }

    /// The problem of a field that breaks a rule: each with the rule's code.
    ///
    /// # Panics
    /// When it is another problem.
    pub fn invalid(&self, field: &str, rule: &str) -> Value {
        let problem = self.problem(422, "invalid_field");
        let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors in {problem}"));
        let named = errors.iter().any(|error| error["field"] == field && error["code"] == rule && error["detail"].is_string());
        assert!(named, "{field} {rule} is not in {problem}");
        problem
    }
}
