//! Three ways to find any part of a text with Elasticsearch, side by side: ours, a `wildcard` query on a keyword, and a match of
//! any of the query's runs of three characters, which finds more than was asked for.

use search::{Terms, fold};
use serde_json::{Value, json};

use super::bulk::Text;

/// Hits of one search.
pub(super) const HITS: u64 = 50;
/// The alias of the index that the api searches.
pub(super) const OURS: &str = "chat-messages";

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Ours,
    Wildcard,
    AnyGram,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Ours, Self::Wildcard, Self::AnyGram];

    /// Ours is the first version behind [`OURS`].
    pub(super) fn index(self) -> &'static str {
        match self {
            Self::Ours => "chat-messages-v1",
            Self::Wildcard => "rival-wildcard",
            Self::AnyGram => "rival-grams",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Wildcard => "wildcard on a keyword",
            Self::AnyGram => "match of any 3-gram",
        }
    }

    /// What makes the index, with the settings that ours has; ours is made by whoever knows it.
    pub(super) fn creation(self) -> Option<Value> {
        let field = match self {
            Self::Ours => return None,
            Self::Wildcard => json!({ "type": "keyword" }),
            Self::AnyGram => json!({ "type": "text", "analyzer": "whitespace" }),
        };
        Some(json!({
            "settings": { "index.number_of_shards": 1, "index.number_of_replicas": 0, "index.refresh_interval": "500ms" },
            "mappings": {
                "dynamic": "strict",
                "_source": { "enabled": false },
                "_routing": { "required": true },
                "properties": { "room": { "type": "keyword" }, "number": { "type": "long" }, "body": field },
            },
        }))
    }

    pub(super) fn document(self, text: &Text) -> Value {
        let folded = fold(&text.body);
        let body = match self {
            Self::Ours => return text.ours(),
            Self::Wildcard => folded,
            Self::AnyGram => {
                let terms = Terms::of(&folded);
                format!("{} {}", terms.grams, terms.short)
            }
        };
        json!({ "room": text.room(), "number": text.number, "body": body })
    }

    /// A request for the first [`HITS`] of a chat. Ours is asked by the product itself.
    pub(super) fn search(self, room: &str, query: &str) -> Option<Value> {
        let folded = fold(query);
        let condition = match self {
            Self::Ours => return None,
            Self::Wildcard => json!({ "wildcard": { "body": { "value": format!("*{}*", escaped(&folded)) } } }),
            Self::AnyGram => any_gram(&Terms::of(&folded)),
        };
        Some(json!({
            "query": { "bool": { "filter": [{ "term": { "room": room } }, condition] } },
            "sort": [{ "number": "asc" }],
            "size": HITS,
            "track_total_hits": false,
            "stored_fields": "_none_",
        }))
    }
}

fn any_gram(terms: &Terms) -> Value {
    if terms.grams.is_empty() {
        // Of one or two characters the longest term stands last.
        json!({ "term": { "body": terms.short.rsplit(' ').next() } })
    } else {
        json!({ "match": { "body": { "query": terms.grams, "operator": "or" } } })
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a request asks beside the chat.
    fn condition(way: Way, query: &str) -> Value {
        way.search("1-1", query).unwrap()["query"]["bool"]["filter"][1].clone()
    }

    #[test]
    fn any_gram_asks_for_the_longest_terms_that_the_query_has() {
        let any = |text: &str| json!({ "match": { "body": { "query": text, "operator": "or" } } });
        assert_eq!(condition(Way::AnyGram, "Hello"), any("hel ell llo"));
        assert_eq!(condition(Way::AnyGram, "h"), json!({ "term": { "body": "h" } }));
        assert_eq!(condition(Way::AnyGram, "He"), json!({ "term": { "body": "he" } }));
    }

    #[test]
    fn a_wildcard_takes_the_text_at_its_word() {
        assert_eq!(condition(Way::Wildcard, "a*b?\\"), json!({ "wildcard": { "body": { "value": "*a\\*b\\?\\\\*" } } }));
    }

    #[test]
    fn each_has_a_field_for_what_its_documents_hold() {
        let text = Text { application: 1, chat: 2, number: 3, body: "Hello there".to_owned() };
        for way in [Way::Wildcard, Way::AnyGram] {
            let properties = &way.creation().unwrap()["mappings"]["properties"];
            let document = way.document(&text);
            assert!(document.as_object().unwrap().keys().all(|field| properties.get(field).is_some()), "{}", way.name());
        }
    }
}
