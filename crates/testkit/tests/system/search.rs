//! Search: any part of any text, within one chat, soon after it was written.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use search::Query;
use serde_json::json;
use testkit::System;

/// What was written or edited must be found within this time.
const SOON: Duration = Duration::from_secs(2);
/// For tests that search and are about something else.
pub(crate) const SOME_TIME: Duration = Duration::from_secs(20);

const BODIES: [&str; 20] = [
    "Hello, World",
    "hello\u{a0}\n world",
    "O Romeo, Romeo! wherefore art thou Romeo?",
    "Straße",
    "STRASSE",
    "caf\u{e9} au lait",
    "CAFE\u{301}",
    "cafe",
    "你好，世界",
    "東京タワー",
    "ﾀﾜｰ",
    "안녕하세요",
    "السلام عليكم",
    "नमस्ते",
    "👩‍👩‍👧‍👦 family",
    "a_b*c?d\\e\"f",
    "{\"match_all\":{}} AND (x OR y)",
    "50% of C:\\temp",
    "x",
    "ＦＵＬＬ ｗｉｄｔｈ",
];

/// What is asked for, and which of the bodies have it.
const QUERIES: [(&str, &[u64]); 44] = [
    ("hello", &[1, 2]),
    ("HELLO", &[1, 2]),
    ("lo, wo", &[1]),
    ("lo  wo", &[2]),
    ("o w", &[2]),
    ("Hello, World", &[1]),
    ("Hello, World!", &[]),
    ("here", &[3]),
    ("omeo", &[3]),
    ("romeo romeo", &[]),
    ("!", &[3]),
    ("?", &[3, 16]),
    ("*", &[16]),
    ("_", &[16, 17]),
    ("a_b", &[16]),
    ("a*", &[]),
    ("b*c", &[16]),
    ("\\", &[16, 18]),
    ("\"f", &[16]),
    ("strasse", &[4, 5]),
    ("aß", &[4, 5]),
    ("raſſ", &[4, 5]),
    ("café", &[6, 7]),
    ("CAFE\u{301}", &[6, 7]),
    ("cafe", &[8]),
    ("caf", &[6, 7, 8]),
    ("世", &[9]),
    ("好，世", &[9]),
    ("タワ", &[10, 11]),
    ("ワー", &[10, 11]),
    ("녕하", &[12]),
    ("السلام", &[13]),
    ("م ع", &[13]),
    ("मस्", &[14]),
    ("👩", &[15]),
    ("👧‍👦 fa", &[15]),
    ("🦀", &[]),
    ("match_all", &[17]),
    ("AND (", &[17]),
    ("0%", &[18]),
    (":\\t", &[18]),
    ("x", &[17, 19]),
    ("full WIDTH", &[20]),
    ("no such text anywhere", &[]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_part_of_any_text_is_found_and_nothing_else() {
    let system = System::start().await;
    let application = system.create_application("search").await;
    let (chat, other) = (application.create_chat().await, application.create_chat().await);
    for (number, body) in (1..).zip(BODIES) {
        assert_eq!(chat.post(body).await, number);
        assert_eq!(other.post(&format!("elsewhere: {body}")).await, number);
    }
    other.await_found("elsewhere: ｘ", &[19], SOON * 5).await;
    chat.await_found("FULL", &[20], SOON * 5).await;
    for (query, expected) in QUERIES {
        let page = chat.search_page(&[("query", query)]).await;
        let found = page.expect(200);
        let numbers: Vec<u64> = found.as_array().unwrap().iter().map(|message| message["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, expected, "{query:?}");
        assert_eq!(page.header("x-search-source"), Some("index"));
        // The same rule as in the code that scans a chat.
        let rule = Query::parse(query).unwrap();
        let matching: Vec<u64> = (1..).zip(BODIES).filter(|(_, body)| rule.matches(body)).map(|(number, _)| number).collect();
        assert_eq!(matching, expected, "{query:?} by the rule");
    }
    // Every substring of a text finds it.
    let text: Vec<char> = BODIES[2].chars().collect();
    for length in [1, 2, 3, 4, 7, 20, text.len()] {
        for part in text.windows(length) {
            let part: String = part.iter().collect();
            assert!(chat.search(&part).await.contains(&3), "{part:?}");
        }
    }
    // In every spelling of the route, whole messages come back.
    let wanted = chat.message(3).await.expect(200);
    let path = format!("{}/messages/search", chat.path());
    assert_eq!(system.api("GET", &path).query(&[("q", "wherefore")]).send().await.expect(200), json!([wanted]));
    let older = system.api("GET", "/chats/1/messages/search?q=wherefore").header("X-Application-Token", &application.token);
    assert_eq!(older.send().await.expect(200), json!([wanted]));
    let wrapped = system.api("GET", &format!("/api/v1{path}?query=wherefore")).send().await.expect(200);
    assert_eq!(
        wrapped,
        json!({ "messages": [wanted], "pagination": { "limit": 50, "next": null, "prev": null, "total": null } })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_just_written_or_edited_is_found_within_two_seconds() {
    let system = System::start().await;
    let chat = system.create_application("fresh").await.create_chat().await;
    assert_eq!(chat.post("the first light of dawn").await, 1);
    chat.await_found("light", &[1], SOON).await;
    assert_eq!(chat.post("twilight").await, 2);
    chat.await_found("light", &[1, 2], SOON).await;

    chat.edit(1, "the last shadow of dusk").await.expect(200);
    chat.await_found("shadow of", &[1], SOON).await;
    assert_eq!(chat.search("first").await, Vec::<u64>::new());
    assert_eq!(chat.search("light").await, [2]);
    // The text is shown as it is now, also while the index still has an older one.
    chat.edit(2, "twilight zone").await.expect(200);
    let found = chat.search_page(&[("query", "twilight")]).await.expect(200);
    assert_eq!(found[0]["body"], "twilight zone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hits_are_paged_in_the_order_of_their_numbers() {
    let system = System::start().await;
    let chat = system.create_application("pages").await.create_chat().await;
    for number in 1..=30 {
        let text = if number % 3 == 0 { format!("fizz {number}") } else { format!("plain {number}") };
        assert_eq!(chat.post(&text).await, number);
    }
    let all: Vec<u64> = (1..=30).filter(|number| number % 3 == 0).collect();
    chat.await_found("fizz", &all, SOON * 5).await;
    let path = format!("{}/messages/search?query=fizz", chat.path());
    for (query, expected, next, prev) in [
        ("", &all[..], None, None),
        ("&limit=10", &all[..], None, None),
        ("&limit=4", &all[..4], Some("after=12&limit=4"), None),
        ("&limit=4&after=12", &all[4..8], Some("after=24&limit=4"), Some("before=15&limit=4")),
        ("&limit=4&after=2", &all[..4], Some("after=12&limit=4"), None),
        ("&per_page=4&after=24", &all[8..], None, Some("before=27&limit=4")),
        ("&after=30", &[], None, Some("before=31&limit=50")),
        ("&after=9007199254740991", &[], None, Some("before=9007199254740991&limit=50")),
        ("&page=1&per_page=4", &all[..4], Some("after=12&limit=4"), None),
        ("&limit=4&before=27", &all[4..8], Some("after=24&limit=4"), Some("before=15&limit=4")),
        ("&limit=4&before=15", &all[..4], Some("after=12&limit=4"), None),
        ("&limit=4&before=12", &all[..3], Some("after=9&limit=4"), None),
        ("&limit=10&before=9007199254740991", &all[..], None, None),
        ("&limit=4&before=31", &all[6..], None, Some("before=21&limit=4")),
        ("&before=1", &[], Some("after=0&limit=50"), None),
    ] {
        let answer = system.api("GET", &format!("{path}{query}")).send().await;
        let found: Vec<u64> = answer.expect(200).as_array().unwrap().iter().map(|hit| hit["number"].as_u64().unwrap()).collect();
        assert_eq!(found, expected, "{query}");
        let link =
            |relation: &str, cursor: &str| format!("<{}/messages/search?query=fizz&{cursor}>; rel=\"{relation}\"", chat.path());
        let links = [next.map(|cursor| link("next", cursor)), prev.map(|cursor| link("prev", cursor))];
        let links: Vec<String> = links.into_iter().flatten().collect();
        assert_eq!(answer.header("link").unwrap_or_default(), links.join(", "), "{query}");
        let wrapped = system.api("GET", &format!("/api/v1{path}{query}")).send().await.expect(200);
        assert_eq!(wrapped["messages"], answer.json(), "{query}");
        for (relation, cursor) in [("next", next), ("prev", prev)] {
            assert_eq!(wrapped["pagination"][relation].is_string(), cursor.is_some(), "{relation} of {query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hits_show_where_the_query_stands_in_the_unit_that_is_asked_for() {
    let system = System::start().await;
    let chat = system.create_application("marks").await.create_chat().await;
    for (number, body) in (1..).zip(["🦀 Straße, STRASSE", "cafe\u{301} \t strasse", "no street"]) {
        assert_eq!(chat.post(body).await, number);
    }
    chat.await_found("strasse", &[1, 2], SOON * 5).await;
    let range = |start: u64, end: u64| json!({ "start": start, "end": end });
    for (unit, query, expected) in [
        ("utf16", "strasse", vec![json!([range(3, 9), range(11, 18)]), json!([range(8, 15)])]),
        ("codepoint", "strasse", vec![json!([range(2, 8), range(10, 17)]), json!([range(8, 15)])]),
        ("utf16", "é s", vec![json!([range(3, 9)])]),
        ("codepoint", "🦀", vec![json!([range(0, 1)])]),
        ("utf16", "🦀", vec![json!([range(0, 2)])]),
        ("utf16", "rass", vec![json!([range(5, 8), range(13, 17)]), json!([range(10, 14)])]),
    ] {
        let found = chat.search_page(&[("query", query), ("highlight", unit)]).await.expect(200);
        let highlights: Vec<_> = found.as_array().unwrap().iter().map(|hit| hit["highlights"].clone()).collect();
        assert_eq!(highlights, expected, "{query} in {unit}");
        // Beside that a hit is the message as it is read.
        let mut first = found[0].clone();
        first.as_object_mut().unwrap().remove("highlights");
        assert_eq!(first, chat.message(first["number"].as_u64().unwrap()).await.expect(200));
    }
    // The neighbours' addresses ask for the same.
    let page = chat.search_page(&[("query", "strasse"), ("limit", "1"), ("highlight", "utf16")]).await;
    let next = format!("<{}/messages/search?query=strasse&highlight=utf16&after=1&limit=1>; rel=\"next\"", chat.path());
    assert_eq!(page.header("link"), Some(next.as_str()));
    let plain = chat.search_page(&[("query", "strasse")]).await.expect(200);
    assert!(plain.as_array().unwrap().iter().all(|hit| hit.get("highlights").is_none()), "{plain}");
    chat.search_page(&[("query", "x"), ("highlight", "bytes")]).await.invalid("highlight", "unknown_value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_the_links_finds_what_lies_behind_hits_that_were_edited_away() {
    const EDITED: u64 = 20;
    let system = System::start().await;
    let chat = system.create_application("edited").await.create_chat().await;
    for number in 1..=EDITED + 2 {
        assert_eq!(chat.post(if number == EDITED + 2 { "bar" } else { "foo" }).await, number);
    }
    chat.await_found("foo", &(1..=EDITED + 1).collect::<Vec<u64>>(), SOON * 5).await;
    chat.await_found("bar", &[EDITED + 2], SOON * 5).await;
    // The index does not hear of what is edited now.
    system.stop(testkit::Service::Consumer).await;
    for number in 1..=EDITED {
        chat.edit(number, "bar").await.expect(200);
    }
    for (begin, relation) in [("after=0", "next"), ("before=9007199254740991", "prev")] {
        let (mut found, mut pages) = (Vec::new(), 0);
        let mut next = Some(format!("{}/messages/search?query=foo&limit=1&{begin}", chat.path()));
        while let Some(path) = next {
            let page = system.api("GET", &path).send().await;
            assert_eq!(page.header("x-search-source"), Some("index"), "{path}");
            found.extend(page.expect(200).as_array().unwrap().iter().map(|hit| hit["number"].as_u64().unwrap()));
            next = page.link(relation).map(str::to_owned);
            pages += 1;
            assert!(pages <= EDITED + 2, "the links do not end: {next:?}");
        }
        assert_eq!(found, [EDITED + 1], "by {relation}");
        // Eight at a time have been looked at.
        assert!(pages > 1 || relation == "prev", "the rounds of one page reached the end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_of_long_texts_keeps_no_other_request_waiting() {
    /// Of them each is made eighteen by folding: few texts take as long to fold.
    const LONG: char = '\u{fdfa}';
    const MESSAGES: u64 = 100;
    /// Far more than an answer takes beside a search that stays off the only worker, and far less than folding a page of such
    /// texts.
    const SERVED_WITHIN: Duration = Duration::from_millis(500);
    let system = System::start().await;
    let chat = system.create_application("long").await.create_chat().await;
    let text = LONG.to_string().repeat(1_000);
    let messages: Vec<_> = (0..MESSAGES).map(|_| json!({ "body": text })).collect();
    chat.attempt_batch(json!({ "messages": messages })).send().await.expect(201);
    let all: Vec<u64> = (1..=MESSAGES).collect();
    chat.await_found("صلى", &all, 3 * SOME_TIME).await;

    // Without marks nothing is folded, with them every hit is.
    let (plain, marked) = ([("query", "صلى"), ("limit", "100")], [("query", "صلى"), ("limit", "100"), ("highlight", "utf16")]);
    for parameters in [&plain[..], &marked] {
        let searched = AtomicBool::new(false);
        let search = async {
            let page = chat.search_page(parameters).await;
            searched.store(true, Ordering::Relaxed);
            page
        };
        let beside = async {
            let mut slowest = Duration::ZERO;
            while !searched.load(Ordering::Relaxed) {
                let alive = system.api("GET", "/healthz").send().await;
                assert_eq!(alive.status, 200);
                slowest = slowest.max(alive.took);
            }
            slowest
        };
        let (page, slowest) = tokio::join!(search, beside);
        // On a busy machine the folding may not come to its end in time: what is looked at here is those beside it.
        if page.status == 503 {
            page.problem(503, "timeout");
        } else {
            assert!(!page.expect(200).as_array().unwrap().is_empty());
            assert_eq!(page.header("x-search-source"), Some("index"));
        }
        assert!(slowest < SERVED_WITHIN, "beside a search an answer took {slowest:?}");
    }
}
