//! Entity tags, and the requests that depend on them: a read that is answered only when there is something new, an update that is
//! made only of what its client has seen.
//!
//! A tag is the version, which each update raises, and for what has a count, the count too: `"3.120"` is version 3 with 120
//! messages counted. So it changes whenever the representation does. A read compares whole tags. An update compares versions
//! alone: a count that has changed meanwhile is nothing that an update could overwrite.

use actix_web::{HttpResponse, HttpResponseBuilder, http::header::ETAG};
use domain::{Application, Chat, Message};
use serde::Serialize;
use service::{http::Conditions, problem::Problem};
use store::Updated;

use crate::representation::{ApplicationBody, ChatBody, MessageBody};

/// What a single resource is shown as.
pub(crate) trait Represented: Sized {
    type Body: From<Self> + Serialize;

    /// Edits, from 1.
    fn version(&self) -> u64;

    /// What changes in the representation without an edit.
    fn count(&self) -> Option<u64>;
}

impl Represented for Application {
    type Body = ApplicationBody;

    fn version(&self) -> u64 {
        self.version
    }

    fn count(&self) -> Option<u64> {
        Some(self.chats_count)
    }
}

impl Represented for Chat {
    type Body = ChatBody;

    fn version(&self) -> u64 {
        self.version
    }

    fn count(&self) -> Option<u64> {
        Some(self.messages_count)
    }
}

impl Represented for Message {
    type Body = MessageBody;

    fn version(&self) -> u64 {
        self.version
    }

    fn count(&self) -> Option<u64> {
        None
    }
}

/// Answers a read of something that is there: 200, or 304 when `If-None-Match` names it as it is.
pub(crate) fn answer_read<T: Represented>(conditions: &Conditions, found: T) -> Result<HttpResponse, Problem> {
    let current = tag(&found);
    if !conditions.match_allows(|listed| listed == current) {
        return Err(Problem::precondition_failed());
    }
    if conditions.none_match_names(|listed| listed == current) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, quoted(&current))).finish());
    }
    Ok(show(found))
}

/// The whole representation with its tag, 200.
pub(crate) fn show<T: Represented>(shown: T) -> HttpResponse {
    with_tag(HttpResponse::Ok(), shown)
}

/// The whole representation with its tag.
pub(crate) fn with_tag<T: Represented>(mut answer: HttpResponseBuilder, shown: T) -> HttpResponse {
    answer.insert_header((ETAG, quoted(&tag(&shown)))).json(T::Body::from(shown))
}

/// Whether an update under these conditions may replace the version. To be asked where nobody else can change it meanwhile.
pub(crate) fn may_replace(conditions: &Conditions, version: u64) -> bool {
    let of_version = |listed: &str| version_in(listed) == Some(version);
    conditions.match_allows(of_version) && !conditions.none_match_names(of_version)
}

/// The outcome of an update that had nothing to change in what was found.
pub(crate) fn unchanged<T: Represented>(conditions: &Conditions, found: Option<T>) -> Updated<T> {
    match found {
        None => Updated::Missing,
        Some(found) if may_replace(conditions, found.version()) => Updated::Done(found),
        Some(_) => Updated::Refused,
    }
}

fn tag(entity: &impl Represented) -> String {
    match entity.count() {
        None => entity.version().to_string(),
        Some(count) => format!("{}.{count}", entity.version()),
    }
}

fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// The version that a tag of the form of ours names, whether this entity has ever had it with that count or not. Another spelling
/// of a number names none.
fn version_in(tag: &str) -> Option<u64> {
    let (version, count) = tag.split_once('.').map_or((tag, None), |(version, count)| (version, Some(count)));
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    count.is_none_or(|count| number(count).is_some()).then(|| number(version))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_spelling_that_we_give_names_a_version() {
        for (tag, version) in [("1", Some(1)), ("3.120", Some(3)), ("18446744073709551615.0", Some(u64::MAX))] {
            assert_eq!(version_in(tag), version, "{tag}");
        }
        for tag in ["", ".", "1.", ".1", "01", "+1", "1.01", "1.x", "x.1", "1.2.3", " 1", "-1", "18446744073709551616"] {
            assert_eq!(version_in(tag), None, "{tag}");
        }
    }
}
