//! One row of the table: the bytes of a request and the answer that it must get.

use std::fmt;

use serde_json::Value;
use testkit::Service;

use super::wire::Answer;

/// A token that nobody has.
pub(super) const NOBODY: &str = "0123456789abcdef0123456789abcdef";
/// The families' prefixes.
pub(super) const FAMILIES: [&str; 2] = ["", "/api/v1"];

/// What exists: an application with one chat, 1, of one message, 1.
pub(super) struct World {
    pub(super) token: String,
}

impl World {
    /// A path with `{app}` and `{no}` filled in.
    pub(super) fn path(&self, template: &str) -> String {
        template.replace("{app}", &self.token).replace("{no}", NOBODY)
    }
}

/// What must be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// A problem with this status and code.
    Problem(u16, &'static str),
    /// A problem with this status and code that names this field alone.
    Field(u16, &'static str, &'static str),
    /// A status without a body, and the connection closed: the framework refuses a head before there is a request.
    Bare(u16),
}

impl Expected {
    /// Says what is found instead, if it is something else.
    pub(super) fn hold(self, answer: &Answer) -> Result<(), String> {
        let found = || format!("expected {self:?}, got {answer:?}");
        let holds = match self {
            Self::Bare(status) => answer.status == status && answer.text().is_empty() && answer.header("location").is_none(),
            Self::Problem(status, code) => answer.status == status && is_problem(answer, status, code).unwrap_or(false),
            Self::Field(status, code, field) => {
                answer.status == status && is_problem(answer, status, code).unwrap_or(false) && named(answer) == [field]
            }
        };
        holds.then_some(()).ok_or_else(found)
    }
}

/// The fields in `errors`.
fn named(answer: &Answer) -> Vec<String> {
    let problem: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().filter_map(|error| Some(error["field"].as_str()?.to_owned())).collect()
}

/// In form, with an id; `errors` where fields break rules or a parameter cannot be read, `Allow` for 405 alone, and `Retry-After`
/// for 429 and for what is not there yet.
fn is_problem(answer: &Answer, status: u16, code: &str) -> Option<bool> {
    let problem: Value = serde_json::from_str(&answer.text()).ok()?;
    let errors = problem.get("errors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty());
    Some(
        answer.header("content-type")? == "application/problem+json"
            && answer.header("x-content-type-options")? == "nosniff"
            && problem["code"] == code
            && problem["status"] == status
            && problem["type"] == "about:blank"
            && problem["title"].is_string()
            && problem["detail"].is_string()
            && problem["request_id"].as_str()? == answer.header("x-request-id")?
            && (errors == (code == "invalid_field") || code == "malformed_request")
            && answer.header("allow").is_some() == (status == 405)
            && answer.header("retry-after").is_some() == matches!(status, 409 | 429),
    )
}

/// A request and the answer that it must get.
pub(super) struct Case {
    pub(super) service: Service,
    pub(super) bytes: Vec<u8>,
    pub(super) expected: Expected,
}

impl Case {
    /// Bytes that an HTTP client would not send.
    pub(super) fn raw(service: Service, bytes: impl Into<Vec<u8>>, expected: Expected) -> Self {
        Self { service, bytes: bytes.into(), expected }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.bytes[..self.bytes.len().min(300)];
        write!(f, "{:?} {:?} ({} bytes)", self.service, String::from_utf8_lossy(head), self.bytes.len())
    }
}

/// A request that is to be made bad.
#[derive(Clone)]
pub(super) struct Request {
    service: Service,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// With a method and a path as they shall stand in the first line. The connection ends with the answer.
    pub(super) fn new(service: Service, method: &str, path: impl AsRef<[u8]>) -> Self {
        let head = [method.as_bytes(), b" ", path.as_ref(), b" HTTP/1.1\r\nHost: chat\r\nConnection: close\r\n"].concat();
        Self { service, head, body: Vec::new() }
    }

    /// With a header's line, without its end.
    pub(super) fn line(mut self, line: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(line.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    /// With a body of this length and content.
    pub(super) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        let length = format!("Content-Length: {}", self.body.len());
        self.line(length)
    }

    /// With a body whose type is JSON's.
    pub(super) fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.line("Content-Type: application/json").body(body)
    }

    /// With what follows the head, of which no header tells.
    pub(super) fn tail(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body.extend_from_slice(bytes.as_ref());
        self
    }

    /// As it is sent.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [&self.head, b"\r\n".as_slice(), &self.body].concat()
    }

    /// Must be answered with this problem.
    pub(super) fn refused(self, status: u16, code: &'static str) -> Case {
        Case::raw(self.service, self.bytes(), Expected::Problem(status, code))
    }

    /// Must be answered with this problem, which names the field.
    pub(super) fn refused_for(self, status: u16, code: &'static str, field: &'static str) -> Case {
        Case::raw(self.service, self.bytes(), Expected::Field(status, code, field))
    }

    /// Must be answered with this status alone.
    pub(super) fn cut_off(self, status: u16) -> Case {
        Case::raw(self.service, self.bytes(), Expected::Bare(status))
    }
}
