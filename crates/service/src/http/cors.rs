//! Which web pages may call the services from a browser: cross-origin resource sharing, as the Fetch standard has it.
//!
//! Off unless origins are configured. Credentials such as cookies are never allowed: the services know none.

use actix_cors::Cors;
use actix_web::http::Uri;
use actix_web::http::header::HeaderName;
use serde::Deserialize;

/// What pages may read of an answer's head beyond the few headers that the standard lets through by itself.
const EXPOSED: [&str; 10] = [
    "etag",
    "idempotency-replayed",
    "link",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
    "x-search-source",
    "x-unknown-parameters",
];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS"];
/// How long a browser may remember the answer to a preflight, in seconds; none remembers it for longer than two hours.
const MAX_AGE_S: usize = 7200;

/// The origins of pages that may call: `*` for all, or a list such as `https://chat.example, http://localhost:5173`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum CorsOrigins {
    /// Only pages of the services' own origin: no header is sent and no request looked at.
    None,
    /// All pages.
    Any,
    /// Pages of these origins: scheme, host and port.
    Listed(Vec<String>),
}

impl TryFrom<String> for CorsOrigins {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.trim() {
            "" => Ok(Self::None),
            "*" => Ok(Self::Any),
            list => list.split(',').map(origin).collect::<Result<_, _>>().map(Self::Listed),
        }
    }
}

/// An origin in the one form in which browsers send it (RFC 6454, 6.2).
fn origin(text: &str) -> Result<String, String> {
    let origin = text.trim().to_ascii_lowercase();
    let has_scheme = origin.starts_with("http://") || origin.starts_with("https://");
    let is_bare = origin.parse::<Uri>().is_ok_and(|uri| uri.path_and_query().is_none_or(|path| path == "/"));
    if has_scheme && is_bare && !origin.ends_with('/') && !origin.contains(['@', '?', '#', '*']) {
        Ok(origin)
    } else {
        Err(format!("http.cors_origins: {text:?} is not an origin such as https://chat.example, nor the only entry *"))
    }
}

impl CorsOrigins {
    /// What answers preflights and adds the headers; `None` when there is nothing to do.
    pub(super) fn middleware(&self) -> Option<Cors> {
        // Any header may be sent: none of them gives a page a right that its user has not.
        let cors = || {
            let cors = Cors::default().allowed_methods(METHODS).allow_any_header().max_age(MAX_AGE_S);
            cors.expose_headers(EXPOSED.map(HeaderName::from_static))
        };
        match self {
            Self::None => None,
            Self::Any => Some(cors().allow_any_origin().send_wildcard()),
            Self::Listed(origins) => Some(origins.iter().fold(cors(), |cors, origin| cors.allowed_origin(origin))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_listed_or_all_or_none() {
        let parse = |text: &str| CorsOrigins::try_from(text.to_owned());
        let listed = |origins: &[&str]| Ok(CorsOrigins::Listed(origins.iter().map(|&origin| origin.to_owned()).collect()));
        assert_eq!(parse(" "), Ok(CorsOrigins::None));
        assert_eq!(parse("*"), Ok(CorsOrigins::Any));
        assert_eq!(parse("https://Chat.Example"), listed(&["https://chat.example"]));
        assert_eq!(parse("http://localhost:5173, http://[::1]:80"), listed(&["http://localhost:5173", "http://[::1]:80"]));
        for wrong in
            ["chat.example", "https://", "https://a/", "https://a/b", "*,https://a", "https://*.a", "https://a,", "ws://a"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
