//! Query strings: paging and search parameters that cannot be meant, on every list and search.

use testkit::Service::Api;

use super::case::{Case, FAMILIES, Request, World};

/// Wrong on every list.
const LIMITS: [&str; 14] = [
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=x",
    "limit=",
    "limit",
    "limit=1.5",
    "limit=1e2",
    "limit=%31%30%31",
    "limit=%FF",
    "limit=99999999999999999999",
    "limit=5&limit=0",
    "per_page=0",
    "per_page=101",
];

/// Wrong where entries have numbers.
const NUMBERED: [&str; 20] = [
    "after=-1",
    "after=x",
    "after=",
    "after=1.5",
    "after=9007199254740992",
    "after=18446744073709551616",
    "after=%00",
    "after=1%00",
    "after=%D9%A1",
    "before=0",
    "before=-1",
    "before=x",
    "page=0",
    "page=-1",
    "page=x",
    "page=",
    "page=9007199254740991",
    "after=1&before=3",
    "after=1&page=1",
    "before=3&page=1",
];

/// Wrong where entries have tokens.
const OF_APPLICATIONS: [&str; 14] = [
    "after=x",
    "after=",
    "after=1",
    "after=%00",
    "after=0123456789ABCDEF0123456789ABCDEF",
    "after=0123456789abcdef0123456789abcdef0",
    "before=x",
    "before=-1",
    "page=0",
    "page=-1",
    "page=x",
    "page=2001",
    "page=99999999999999999999",
    "after={no}&page=1",
];

/// Wrong in a search, besides its limits.
const OF_SEARCHES: [&str; 14] = [
    "",
    "q",
    "query=",
    "q=",
    "Query=x",
    "query=x&query=",
    "query=x&before=0",
    "query=x&highlight=",
    "query=x&highlight=utf8",
    "query=x&page=2",
    "query=x&page=0",
    "query=x&after=-1",
    "query=x&after=x",
    "query=x&after=1&before=2",
];

pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    let long =
        [format!("query={}", "x".repeat(256)), format!("q={}", "%F0%9F%A6%80".repeat(256)), format!("q={}", "%00".repeat(5_000))];
    for family in FAMILIES {
        let applications = format!("{family}/applications");
        let chats = format!("{applications}/{{app}}/chats");
        let messages = format!("{chats}/1/messages");
        let search = format!("{messages}/search");
        let invalid = |path: &str, query: &str| get(world, path, query).refused(422, "invalid_field");
        for list in [&applications, &chats, &messages] {
            cases.extend(LIMITS.map(|query| invalid(list, query)));
        }
        cases.extend(NUMBERED.iter().flat_map(|query| [invalid(&chats, query), invalid(&messages, query)]));
        cases.extend(OF_APPLICATIONS.map(|query| invalid(&applications, query)));
        cases.extend(LIMITS.map(|query| invalid(&search, &format!("query=x&{query}"))));
        cases.extend(OF_SEARCHES.map(|query| invalid(&search, query)));
        cases.extend(long.iter().map(|query| invalid(&search, query)));
        cases.push(get(world, &applications, "after={no}").refused(404, "application_not_found"));
        cases.push(get(world, &applications, "before={no}").refused(404, "application_not_found"));
        cases.push(get(world, &format!("{chats}/2/messages/search"), "query=x").refused(404, "chat_not_found"));
    }
    let older = |query: &str| get(world, "/chats/1/messages/search", query).line(format!("X-Application-Token: {}", world.token));
    cases.extend(OF_SEARCHES.map(|query| older(query).refused(422, "invalid_field")));
    cases
}

fn get(world: &World, path: &str, query: &str) -> Request {
    Request::new(Api, "GET", world.path(&format!("{path}?{query}")))
}
