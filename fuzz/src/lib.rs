//! What the targets reach into: files of `service` and `search` that are pure, and private to crates whose other parts bring an
//! HTTP server and an HTTP client. Taken in by path, they are built in seconds, and nothing has to be made public for fuzzing.
//!
//! The properties that targets check stand in the targets.

#[path = "../../crates/search/src/fold.rs"]
mod fold;
#[path = "../../crates/search/src/grams.rs"]
mod grams;
#[path = "../../crates/service/src/object.rs"]
#[allow(dead_code, reason = "an error's cause is read by the service, not by a target")]
mod object;

pub use fold::fold;
pub use grams::Terms;

/// The fields of a request's body, or `None` when it cannot be read.
pub fn read_object(
    bytes: &[u8],
    content_type: Option<&str>,
    wrapper: Option<&str>,
) -> Option<serde_json::Map<String, serde_json::Value>> {
    object::read(bytes, content_type, wrapper).ok()
}

/// What the index is asked for to find a folded text, split as Elasticsearch splits it: one term of the field `short`, or a
/// phrase of `grams`.
pub fn finds(terms: &Terms, folded_query: &str) -> bool {
    if folded_query.chars().count() < grams::GRAM_CHARS {
        let wanted = grams::term(folded_query);
        return terms.short.split(' ').any(|term| term == wanted);
    }
    let phrase = grams::phrase(folded_query);
    let (phrase, places): (Vec<_>, Vec<_>) = (phrase.split(' ').collect(), terms.grams.split(' ').collect());
    places.windows(phrase.len()).any(|window| window == phrase)
}
