//! The conditions under which a client wants its request performed: `If-Match` and `If-None-Match` (RFC 9110, section 13.1).
//!
//! Here they are read, strictly: a condition that was meant and cannot be understood must not be dropped, for a client would lose
//! what it wanted to protect. What a tag says is the service's business. `If-Modified-Since`, `If-Unmodified-Since` and
//! `If-Range` are not looked at: their clock of whole seconds cannot tell two edits apart.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest};

use crate::problem::Problem;

/// A request's conditions. Ask for them as a handler's argument; a header that cannot be read is answered 400.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// What one of the two headers lists.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: whatever there is.
    Any,
    Listed(Vec<Tag>),
}

/// An entity tag: `"opaque"`, or weak `W/"opaque"`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    weak: bool,
    /// Without the quotes. It may hold bytes that are no UTF-8, which then equal no tag of ours.
    opaque: Vec<u8>,
}

impl Conditions {
    /// Reads the headers.
    ///
    /// # Errors
    /// `malformed_request` when one of them is not as RFC 9110 defines it.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self { if_match: tags(headers, &IF_MATCH)?, if_none_match: tags(headers, &IF_NONE_MATCH)? })
    }

    /// Whether `If-Match` allows the request, for something that exists and whose tags `is_current` knows. A weak tag never does
    /// (strong comparison). Without the header everything is allowed.
    pub fn match_allows(&self, is_current: impl Fn(&str) -> bool) -> bool {
        let Some(tags) = &self.if_match else { return true };
        tags.any(|tag| !tag.weak && tag.is(&is_current))
    }

    /// Whether `If-None-Match` names what exists: a read then has nothing new to tell, and an update must not be made. Weak tags
    /// count like strong ones (weak comparison).
    pub fn none_match_names(&self, is_current: impl Fn(&str) -> bool) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.any(|tag| tag.is(&is_current)))
    }
}

impl FromRequest for Conditions {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request.headers()))
    }
}

impl Tags {
    fn any(&self, matches: impl Fn(&Tag) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(matches),
        }
    }
}

impl Tag {
    fn is(&self, is_current: impl Fn(&str) -> bool) -> bool {
        std::str::from_utf8(&self.opaque).is_ok_and(is_current)
    }
}

/// The header's lines read as one list; `None` when it is not there.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let lines: Vec<&[u8]> = headers.get_all(name).map(|value| value.as_bytes()).collect();
    let read = if let [line] = lines[..]
        && line.trim_ascii() == b"*"
    {
        Some(Tags::Any)
    } else {
        let lists: Option<Vec<_>> = lines.into_iter().map(list).collect();
        lists.map(|lists| Tags::Listed(lists.concat()))
    };
    let malformed = || Problem::malformed_request(format!("The header {name} must be * or a list of quoted entity tags."));
    read.map(Some).ok_or_else(malformed)
}

/// `#entity-tag`: tags parted by commas, where empty elements count for nothing (RFC 9110, section 5.6.1.2). A comma may also
/// stand inside a tag.
fn list(mut rest: &[u8]) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        match rest {
            [] => return Some(tags),
            [b',', behind @ ..] => rest = behind,
            _ => {
                let (tag, behind) = tag(rest)?;
                tags.push(tag);
                rest = behind.trim_ascii_start();
                if !matches!(rest, [] | [b',', ..]) {
                    return None;
                }
            }
        }
    }
}

/// One tag, and what stands behind it.
fn tag(text: &[u8]) -> Option<(Tag, &[u8])> {
    let (weak, quoted) = match text {
        [b'W', b'/', quoted @ ..] => (true, quoted),
        quoted => (false, quoted),
    };
    let [b'"', text @ ..] = quoted else { return None };
    let end = text.iter().position(|&byte| byte == b'"')?;
    let (opaque, behind) = (&text[..end], &text[end + 1..]);
    let allowed = opaque.iter().all(|&byte| matches!(byte, 0x21 | 0x23..=0x7E | 0x80..));
    allowed.then(|| (Tag { weak, opaque: opaque.to_vec() }, behind))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::problem::Code;

    fn conditions(name: HeaderName, lines: &[&[u8]]) -> Result<Conditions, Code> {
        let mut headers = HeaderMap::new();
        lines.iter().for_each(|line| headers.append(name.clone(), HeaderValue::from_bytes(line).unwrap()));
        Conditions::of(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn a_list_is_compared_strongly_by_one_header_and_weakly_by_the_other() {
        for (lines, strong, weak) in [
            (&[b"\"1\"" as &[u8]] as &[&[u8]], true, true),
            (&[b"W/\"1\""], false, true),
            (&[b"\"2\", \"1\""], true, true),
            (&[b"\"2\"", b"\t\"3\" , \"1\" "], true, true),
            (&[b",, \"1\",,"], true, true),
            (&[b"\"2\",W/\"1\""], false, true),
            (&[b"\"1,\""], false, false),
            (&[b"\"a,b\", \"1\""], true, true),
            (&[b"\"\""], false, false),
            (&[b"\"\xff\""], false, false),
            (&[b"*"], true, true),
            (&[b" * "], true, true),
            (&[b""], false, false),
            (&[], true, false),
        ] {
            let is_current = |tag: &str| tag == "1";
            assert_eq!(conditions(IF_MATCH, lines).unwrap().match_allows(is_current), strong, "{lines:?}");
            assert_eq!(conditions(IF_NONE_MATCH, lines).unwrap().none_match_names(is_current), weak, "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        let malformed: [&[&[u8]]; 13] = [
            &[b"1"],
            &[b"\"1"],
            &[b"1\""],
            &[b"'1'"],
            &[b"w/\"1\""],
            &[b"W/1"],
            &[b"W /\"1\""],
            &[b"\"1\" \"2\""],
            &[b"\"1\"2"],
            &[b"*, \"1\""],
            &[b"\"1\"", b"*"],
            &[b"**"],
            &[b"\"1 2\""],
        ];
        for lines in malformed {
            assert_eq!(conditions(IF_MATCH, lines), Err(Code::MalformedRequest), "{lines:?}");
            assert_eq!(conditions(IF_NONE_MATCH, lines), Err(Code::MalformedRequest), "{lines:?}");
        }
    }
}
