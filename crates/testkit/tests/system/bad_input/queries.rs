//! Query strings: paging and search parameters that cannot be meant, on every list and search.

use testkit::Service::Api;

use super::case::{Case, FAMILIES, Request, World};

/// What lists and searches read.
const NAMES: [&str; 8] = ["query", "q", "highlight", "limit", "per_page", "after", "before", "page"];

/// Wrong on every list.
const LIMITS: [&str; 27] = [
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=x",
    "limit=",
    "limit",
    "limit=1.5",
    "limit=1e2",
    "limit=+5",
    "limit=%2B5",
    "limit=5%20",
    "limit=0x5",
    "limit=%D9%A5",
    "limit=%31%30%31",
    "limit=9223372036854775808",
    "limit=-9223372036854775809",
    "limit=18446744073709551617",
    "limit=99999999999999999999",
    "limit=5&limit=0",
    "limit=5&limit=",
    "per_page=0",
    "per_page=",
    "per_page=101",
    "per_page=-1",
    "per_page=%2B5",
    "per_page=18446744073709551617",
    "limit=5&per_page=0",
];

/// Wrong where entries have numbers.
const NUMBERED: [&str; 38] = [
    "after=-1",
    "after=x",
    "after=",
    "after",
    "after=1.5",
    "after=%2B1",
    "after=1&after=",
    "after=1&after=x",
    "after=9007199254740992",
    "after=9223372036854775808",
    "after=-9223372036854775809",
    "after=18446744073709551615",
    "after=18446744073709551616",
    "after=%00",
    "after=1%00",
    "after=%D9%A1",
    "before=0",
    "before=-1",
    "before=x",
    "before=",
    "before=%2B1",
    "before=5&before=0",
    "before=9007199254740992",
    "before=18446744073709551615",
    "before=18446744073709551616",
    "page=0",
    "page=-1",
    "page=x",
    "page=",
    "page=%2B1",
    "page=1&page=0",
    "page=90071992547410",
    "page=9007199254740991",
    "page=9223372036854775808",
    "page=18446744073709551616",
    "after=1&before=3",
    "after=1&page=1",
    "before=3&page=1",
];

/// No UTF-8 behind the percent signs: a byte that begins nothing, Latin-1, overlong, a surrogate, beyond Unicode, cut off.
const NO_UTF_8: [&str; 6] = ["%FF", "caf%E9", "%C0%80", "%ED%A0%80", "%F4%90%80%80", "%E2%82"];

/// Wrong where entries have tokens.
const OF_APPLICATIONS: [&str; 17] = [
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
    "page=",
    "page=%2B1",
    "page=1&page=0",
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
        let invalid = |path: &str, query: &str| get(world, path, query).refused_for(422, "invalid_field", field(query));
        for list in [&applications, &chats, &messages] {
            cases.extend(LIMITS.map(|query| invalid(list, query)));
        }
        cases.extend(NUMBERED.iter().flat_map(|query| [invalid(&chats, query), invalid(&messages, query)]));
        cases.extend(OF_APPLICATIONS.map(|query| invalid(&applications, query)));
        cases.extend(LIMITS.map(|query| invalid(&search, &format!("query=x&{query}"))));
        cases.extend(NUMBERED.map(|query| invalid(&search, &format!("query=y&{query}"))));
        cases.extend(OF_SEARCHES.map(|query| invalid(&search, query)));
        for (path, names, first) in [
            (&applications, &NAMES[3..], ""),
            (&chats, &NAMES[3..], ""),
            (&messages, &NAMES[3..], ""),
            (&search, &NAMES[..], "query=x&"),
        ] {
            let spoilt = names.iter().flat_map(|name| NO_UTF_8.map(|value| (*name, format!("{first}{name}={value}"))));
            cases.extend(spoilt.map(|(name, query)| get(world, path, &query).refused_for(400, "malformed_request", name)));
        }
        cases.extend(long.iter().map(|query| invalid(&search, query)));
        cases.push(get(world, &applications, "after={no}").refused(404, "application_not_found"));
        cases.push(get(world, &applications, "before={no}").refused(404, "application_not_found"));
        cases.push(get(world, &format!("{chats}/2/messages/search"), "query=x").refused(404, "chat_not_found"));
    }
    let older = |query: &str| get(world, "/chats/1/messages/search", query).line(format!("X-Application-Token: {}", world.token));
    cases.extend(OF_SEARCHES.map(|query| older(query).refused_for(422, "invalid_field", field(query))));
    cases.extend(NO_UTF_8.map(|value| older(&format!("q={value}")).refused_for(400, "malformed_request", "q")));
    cases
}

/// Which parameter is to blame: the last one, or the query where there is none.
fn field(query: &str) -> &'static str {
    let last = query.rsplit('&').next().unwrap_or_default();
    let name = last.split('=').next().unwrap_or_default();
    NAMES.into_iter().find(|known| *known == name).unwrap_or("query")
}

fn get(world: &World, path: &str, query: &str) -> Request {
    Request::new(Api, "GET", world.path(&format!("{path}?{query}")))
}
