//! Folding and the index's terms: folding is done once and for all, and the terms find a query exactly where the rule does.
//! The body and the query are parted by U+0001.
#![no_main]

use fuzz::{Terms, finds, fold};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: &str| {
    let (body, query) = texts.split_once('\u{1}').unwrap_or((texts, ""));
    let (body, query) = (fold(body), fold(query));
    for folded in [&body, &query] {
        assert_eq!(&fold(folded), folded, "a folded text folds to another");
    }
    let terms = Terms::of(&body);
    if !query.is_empty() {
        assert_eq!(finds(&terms, &query), body.contains(&query));
    }
    // A part of the body is always found.
    if let Some((middle, _)) = body.char_indices().nth(body.chars().count() / 2) {
        assert!(finds(&terms, &body[middle..]));
    }
});
