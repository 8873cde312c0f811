//! Elasticsearch splits the terms where this crate means it to, whatever the character.

use elasticsearch::indices::IndicesAnalyzeParts;
use search::{Terms, fold};
use serde_json::{Value, json};

use crate::scratch::Scratch;

/// Elasticsearch's answer holds 10,000 tokens at most; some characters fold to many.
const CHARACTERS_A_TEXT: usize = 5_000;

#[tokio::test]
async fn every_character_that_there_is_stays_whole_in_the_terms() {
    let scratch = Scratch::made().await;
    let client = scratch.client();
    let characters: Vec<char> = ('\0'..=char::MAX).collect();
    for text in characters.chunks(CHARACTERS_A_TEXT) {
        let terms = Terms::of(&fold(&String::from_iter(text)));
        let sent = client
            .indices()
            .analyze(IndicesAnalyzeParts::Index(&scratch.settings.index))
            .filter_path(&["tokens.token"])
            .body(json!({ "field": "grams", "text": terms.grams }))
            .send()
            .await;
        let answer: Value = sent.unwrap().json().await.unwrap();
        let tokens: Vec<_> = answer["tokens"].as_array().unwrap().iter().map(|token| token["token"].as_str().unwrap()).collect();
        assert!(tokens.iter().eq(terms.grams.split(' ').collect::<Vec<_>>().iter()), "from {:?}", text[0]);
    }
}
