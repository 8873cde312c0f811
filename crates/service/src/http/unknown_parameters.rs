//! Tells clients which of their query parameters nobody read, so that a misspelt one is not ignored in silence: the request is
//! answered as if they were not there, and the header `X-Unknown-Parameters` names them.
//!
//! It must never repeat a value, and of a name only what is fit for a header.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::IgnoredAny;

const HEADER: HeaderName = HeaderName::from_static("x-unknown-parameters");
/// Names told at most.
const MAX_NAMES: usize = 10;
/// Characters told of a name at most.
const MAX_CHARS: usize = 64;

/// The query parameters that a path's GET reads: the endpoint gives them to its requests.
#[derive(Clone, Copy)]
pub(super) struct Known(pub(super) &'static [&'static str]);

/// Names the parameters that the request's endpoint does not know.
pub(super) fn report(request: &HttpRequest, headers: &mut HeaderMap) {
    let query = request.query_string();
    if query.is_empty() {
        return;
    }
    let Some(Known(known)) = request.app_data() else { return };
    let known = if matches!(*request.method(), Method::GET | Method::HEAD) { known } else { &[][..] };
    // Names are sanitized to what a header takes, so this does not fail.
    if let Some(names) = unknown(query, known).and_then(|names| HeaderValue::from_str(&names).ok()) {
        headers.insert(HEADER, names);
    }
}

/// The names, each once, in their order; `None` when all are known.
fn unknown(query: &str, known: &[&str]) -> Option<String> {
    let parameters: Vec<(String, IgnoredAny)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for (name, _) in parameters {
        if names.len() == MAX_NAMES {
            break;
        }
        let name = Some(name).filter(|name| !known.contains(&name.as_str())).map(|name| token(&name));
        names.extend(name.filter(|name| !names.contains(name)));
    }
    (!names.is_empty()).then(|| names.join(", "))
}

/// The name as a token (RFC 9110, section 5.6.2): what cannot stand in one becomes a low line.
fn token(name: &str) -> String {
    let fit = |character: char| if is_token(character) { character } else { '_' };
    let token: String = name.chars().take(MAX_CHARS).map(fit).collect();
    if token.is_empty() { "_".to_owned() } else { token }
}

fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_told_once_in_a_form_that_is_fit_for_a_header() {
        for (query, names) in [
            ("limit=1&after=2", None),
            ("limit=1&limt=2&limt=3&Limit=4", Some("limt, Limit")),
            ("secret", Some("secret")),
            ("a%0d%0aSet-Cookie:+x=1", Some("a__Set-Cookie__x")),
            ("%C3%A9=1&%ff=2&a,b=3", Some("_, a_b")),
            ("=1", Some("_")),
            ("&&limit=1&", None),
        ] {
            assert_eq!(unknown(query, &["limit", "after"]).as_deref(), names, "{query}");
        }
    }

    #[test]
    fn however_many_and_long_the_names_are_the_header_is_short() {
        let query: Vec<String> = (0..1_000).map(|number| format!("{number}{}=x", "n".repeat(1_000))).collect();
        let names = unknown(&query.join("&"), &[]).unwrap();
        assert_eq!(names.split(", ").map(str::len).collect::<Vec<_>>(), [MAX_CHARS; MAX_NAMES]);
    }
}
