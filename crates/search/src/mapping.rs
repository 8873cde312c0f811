//! How the index is made. Its fields and their options must never change under a version: a change is a new version's index.

use serde_json::{Value, json};

use crate::settings::Settings;

/// The chat that a message belongs to.
pub(crate) const ROOM: &str = "room";
/// The message's place among all: its chat's code and its number.
pub(crate) const PLACE: &str = "place";
/// The terms of three characters, with positions.
pub(crate) const GRAMS: &str = "grams";
/// The terms of one and two characters.
pub(crate) const SHORT: &str = "short";

/// The version that is made where there is none.
pub(crate) const FIRST_VERSION: u32 = 1;

/// A version of the index behind the alias.
pub(crate) fn version_name(alias: &str, version: u32) -> String {
    format!("{alias}-v{version}")
}

/// Which version an index of this name is.
pub(crate) fn version_of(alias: &str, name: &str) -> Option<u32> {
    name.strip_prefix(alias)?.strip_prefix("-v")?.parse().ok()
}

/// The body of the request that makes an index and an alias of it in one step.
///
/// - `dynamic: strict`: a document with another field is refused instead of changing the mapping.
/// - No `_source`: bodies are MySQL's, and the index is rebuilt from there.
/// - `_routing.required`: a document that was sent to another shard than its chat's would never be found.
/// - No norms, and no frequencies but where positions need them: nothing here is ranked.
/// - A field for the terms of one and two characters, because a `prefix` query would read every message of the shard that has a
///   term with that beginning: for one common letter in a chat of 60,000 among 120,000 messages 22 ms, against 4 ms.
/// - No index sorting: searches look at one part of a chat after the other already, by the places. Sorting made no search
///   measurably faster and took a quarter of the indexing rate.
pub(crate) fn creation(settings: &Settings, alias: &str) -> Value {
    json!({
        "settings": {
            "index.number_of_shards": settings.shards,
            "index.number_of_replicas": settings.replicas,
            "index.refresh_interval": format!("{}ms", settings.refresh_ms),
        },
        "mappings": {
            "dynamic": "strict",
            "_source": { "enabled": false },
            "_routing": { "required": true },
            "properties": {
                ROOM: { "type": "keyword" },
                PLACE: { "type": "long" },
                GRAMS: { "type": "text", "analyzer": "whitespace", "index_options": "positions", "norms": false },
                SHORT: { "type": "text", "analyzer": "whitespace", "index_options": "docs", "norms": false },
            },
        },
        "aliases": { alias: {} },
    })
}
