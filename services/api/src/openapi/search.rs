//! `…/messages/search`, and its older spelling.

use ::search::MAX_QUERY_CHARS;
use serde_json::{Value, json};
use service::{
    http::Family,
    openapi::{Operation, schemas},
};
use utoipa::openapi::HttpMethod;

use super::{
    id, lists, messages,
    parameters::{Named, Paged},
    pending,
};
use crate::representation::HitBody;

const TAG: &str = "Search";
const SUMMARY: &str = "Search a chat's messages";
const SOURCE: &str = "X-Search-Source";

/// `…/messages/search`
pub(crate) fn search(family: Family) -> [(HttpMethod, Operation); 1] {
    [(HttpMethod::Get, described(Operation::new(&id(family, "searchMessages"), TAG, SUMMARY).chat(), family))]
}

/// `/chats/{number}/messages/search`
pub(crate) fn by_header() -> [(HttpMethod, Operation); 1] {
    let operation = Operation::new("searchMessagesByHeader", TAG, SUMMARY).deprecated().chat_by_header();
    [(HttpMethod::Get, described(operation, Family::Unversioned))]
}

fn described(operation: Operation, family: Family) -> Operation {
    let source = "Where the hits come from: the search index, or the chat itself, read through while the index is down.";
    let hits = lists::page::<HitBody>(family, "messages", "A page of hits, in the order of the numbers.", hit());
    operation
        .describe(
            "A message is found when its folded text contains the folded query: upper and lower case, composed and decomposed accents, \
             full-width and half-width forms are equal, and each run of white space counts as one space.",
        )
        .required_query("query", "Any part of the text.", schemas::string(1, MAX_QUERY_CHARS))
        .query("q", "Read when `query` is absent.", schemas::string(1, MAX_QUERY_CHARS))
        .query("highlight", "Tells where the query stands in each hit, in this unit.", schemas::one_of(["utf16", "codepoint"]))
        .limit()
        .query("after", "Hits with numbers above this one. Not with `before` or `page`.", schemas::count())
        .query("before", "The last hits with numbers below this one. Not with `after` or `page`.", schemas::number())
        .query("page", "Only the first page has an ordinal. Not with `after` or `before`.", schemas::integer(1, 1))
        .answer(200, hits.header(SOURCE, source, schemas::one_of(["index", "scan"])))
        .answer(202, pending("chat"))
        .problem_header(503, SOURCE, "`none`: the index is down, and the chat is too large to be read through.", schemas::one_of(["none"]))
}

fn hit() -> Value {
    let mut hit = messages::example();
    hit["highlights"] = json!([{ "start": 0, "end": 3 }]);
    hit
}
