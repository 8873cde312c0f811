//! Reads the parameters of a query string (`application/x-www-form-urlencoded`, WHATWG URL, section 5.1), but strictly: what is
//! not UTF-8 when its percent-encoding is undone is refused and not mended, for nobody can have meant what would come of it.
//!
//! Only what the endpoint has declared with [`Endpoint::parameters`](super::Endpoint::parameters) is read. It must never repeat a
//! value.

use actix_web::HttpRequest;
use percent_encoding::percent_decode;

use super::unknown_parameters::Known;
use crate::problem::Problem;

/// The parameters that the request's endpoint reads, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads the request's query string.
    ///
    /// # Errors
    /// `malformed_request`, which names the parameter whose value is not UTF-8.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let known = request.app_data().map_or(&[][..], |Known(known)| known);
        Self::parse(request.query_string(), known)
    }

    /// Reads those of the parameters in the text that are `known`.
    ///
    /// # Errors
    /// As [`Query::of`].
    pub fn parse(text: &str, known: &[&'static str]) -> Result<Self, Problem> {
        let mut parameters = Vec::new();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A name that is no text is unknown, and unknown parameters change nothing.
            let Some(name) = decode(name).and_then(|name| known.iter().find(|known| **known == name)) else { continue };
            let value = decode(value).ok_or_else(|| Problem::malformed_parameter(name))?;
            parameters.push((*name, value));
        }
        Ok(Self(parameters))
    }

    /// The parameter's value. Of one that occurs twice the last counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// `None` for what is not UTF-8. A `%` without two hexadecimal digits behind it stands for itself.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["query", "limit"];

    #[test]
    fn what_is_known_is_decoded_and_the_last_of_several_counts() {
        for (text, query, limit) in [
            ("", None, None),
            ("query=a+b%20c&limit=5", Some("a b c"), Some("5")),
            ("limit=5&&query&other=x&", Some(""), Some("5")),
            ("%71uery=%E2%82%AC%2B%26&limit=1&limit=2", Some("€+&"), Some("2")),
            ("query=a=b=c", Some("a=b=c"), None),
            ("query=100%&limit=%zz", Some("100%"), Some("%zz")),
            ("Query=x&other=%FF&%FF=x", None, None),
        ] {
            let read = Query::parse(text, KNOWN).unwrap();
            assert_eq!((read.get("query"), read.get("limit")), (query, limit), "{text}");
        }
    }

    #[test]
    fn what_is_no_utf_8_is_told_by_its_parameter() {
        for (text, name) in [
            ("query=%FF", "query"),
            ("limit=5&query=caf%E9", "query"),
            ("query=%C0%80", "query"),
            ("query=%ED%A0%80", "query"),
            ("query=%F4%90%80%80", "query"),
            ("query=%E2%82", "query"),
            ("query=%FF&query=fine", "query"),
            ("query=x&limit=%80", "limit"),
        ] {
            let problem = Query::parse(text, KNOWN).unwrap_err();
            assert_eq!(problem.status(), 400, "{text}");
            assert_eq!(problem.errors().iter().map(|error| &*error.field).collect::<Vec<_>>(), [name], "{text}");
        }
    }
}
