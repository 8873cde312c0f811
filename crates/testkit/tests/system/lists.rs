//! Lists: bare and wrapped, their pages, and how these are found.

use serde_json::{Value, json};
use testkit::{Application, Chat, System};

/// An application with 25 chats, the first of which has 25 messages.
async fn filled(system: &System) -> (Application, Chat) {
    let application = system.create_application("lists").await;
    for _ in 0..25 {
        application.create_chat().await;
    }
    let chat = application.chat(1);
    for number in 1..=25 {
        assert_eq!(chat.post(&format!("message {number}")).await, number);
    }
    chat.await_stored(25).await;
    for number in 1..=25 {
        application.chat(number).read().await.expect(200);
    }
    consumer::counts::run(system.store()).await.unwrap();
    (application, chat)
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(|entry| entry["number"].as_u64().unwrap()).collect()
}

/// The addresses in a `Link` header, by relation.
fn link<'a>(header: Option<&'a str>, relation: &str) -> Option<&'a str> {
    let ending = format!("; rel=\"{relation}\"");
    header?.split(", ").find_map(|link| link.strip_suffix(&ending)?.strip_prefix('<')?.strip_suffix('>'))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_of_asking_for_a_page_finds_it_in_both_families() {
    let system = System::start().await;
    let (application, chat) = filled(&system).await;
    let all: Vec<u64> = (1..=25).collect();
    for (path, member) in [(application.path() + "/chats", "chats"), (chat.path() + "/messages", "messages")] {
        for (query, expected, next, prev) in [
            ("", &all[..], None, None),
            ("?limit=10", &all[..10], Some("after=10&limit=10"), None),
            ("?per_page=10&page=1", &all[..10], Some("after=10&limit=10"), None),
            ("?per_page=10&page=2", &all[10..20], Some("after=20&limit=10"), Some("before=11&limit=10")),
            ("?per_page=10&page=3", &all[20..], None, Some("before=21&limit=10")),
            ("?per_page=10&page=4", &[], None, None),
            ("?limit=10&after=10", &all[10..20], Some("after=20&limit=10"), Some("before=11&limit=10")),
            ("?limit=10&after=15", &all[15..], None, Some("before=16&limit=10")),
            ("?limit=10&after=25", &[], None, None),
            ("?after=9007199254740991", &[], None, None),
            ("?limit=10&before=11", &all[..10], Some("after=10&limit=10"), None),
            ("?limit=10&before=26", &all[15..], None, Some("before=16&limit=10")),
            ("?limit=100&before=9007199254740991", &all[..], None, None),
            ("?before=1", &[], None, None),
            ("?limit=1&after=24", &all[24..], None, Some("before=25&limit=1")),
            ("?page=9007199254740", &[], None, None),
        ] {
            let limit = query.split(['?', '&']).find_map(|pair| pair.strip_prefix("limit=").or(pair.strip_prefix("per_page=")));
            let limit: u64 = limit.map_or(50, |text| text.parse().unwrap());
            for prefix in ["", "/api/v1"] {
                let path = format!("{prefix}{path}");
                let answer = system.api("GET", &format!("{path}{query}")).send().await;
                let list = answer.expect(200);
                let address = |cursor: Option<&str>| cursor.map(|cursor| format!("{path}?{cursor}"));
                let (next, prev) = (address(next), address(prev));
                assert_eq!(link(answer.header("link"), "next"), next.as_deref(), "{path}{query}");
                assert_eq!(link(answer.header("link"), "prev"), prev.as_deref(), "{path}{query}");
                if prefix.is_empty() {
                    assert_eq!(numbers(&list), expected, "{path}{query}");
                } else {
                    assert_eq!(numbers(&list[member]), expected, "{path}{query}");
                    let pagination = json!({ "limit": limit, "next": next, "prev": prev, "total": 25 });
                    assert_eq!(list["pagination"], pagination, "{path}{query}");
                    assert_eq!(list.as_object().unwrap().len(), 2, "{list}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_lead_through_a_list_and_back() {
    let system = System::start().await;
    let (_, chat) = filled(&system).await;
    let mut path = chat.path() + "/messages?limit=7";
    let (mut found, mut last) = (Vec::new(), String::new());
    loop {
        let answer = system.api("GET", &path).send().await;
        found.extend(numbers(&answer.expect(200)));
        let Some(next) = link(answer.header("link"), "next") else { break };
        last = std::mem::replace(&mut path, next.to_owned());
    }
    assert_eq!(found, (1..=25).collect::<Vec<u64>>());
    let answer = system.api("GET", &path).send().await;
    let back = link(answer.header("link"), "prev").expect("a way back").to_owned();
    let (there, here) = (system.api("GET", &last).send().await.expect(200), system.api("GET", &back).send().await.expect(200));
    assert_eq!(there, here);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_are_paged_by_token_and_by_page() {
    let system = System::start().await;
    let mut tokens = Vec::new();
    for number in 0..7 {
        tokens.push(system.create_application(&format!("application {number}")).await.token);
    }
    for (query, expected, next, prev) in [
        (String::new(), 0..7, None, None),
        ("?limit=3".to_owned(), 0..3, Some(2), None),
        (format!("?limit=3&after={}", tokens[2]), 3..6, Some(5), Some(3)),
        (format!("?limit=3&after={}", tokens[5]), 6..7, None, Some(6)),
        (format!("?limit=3&after={}", tokens[6]), 7..7, None, None),
        (format!("?limit=3&before={}", tokens[4]), 1..4, Some(3), Some(1)),
        (format!("?limit=3&before={}", tokens[0]), 0..0, None, None),
        ("?page=2&per_page=3".to_owned(), 3..6, Some(5), Some(3)),
        ("?page=3&per_page=3".to_owned(), 6..7, None, Some(6)),
        ("?page=1000&per_page=100".to_owned(), 7..7, None, None),
    ] {
        for prefix in ["", "/api/v1"] {
            let path = format!("{prefix}/applications");
            let answer = system.api("GET", &format!("{path}{query}")).send().await;
            let list = answer.expect(200);
            let list = if prefix.is_empty() { &list } else { &list["applications"] };
            let found: Vec<&str> = list.as_array().unwrap().iter().map(|entry| entry["token"].as_str().unwrap()).collect();
            assert_eq!(found, &tokens[expected.clone()], "{query}");
            let address =
                |name: &str, cursor: Option<usize>| cursor.map(|index| format!("{path}?{name}={}&limit=3", tokens[index]));
            assert_eq!(link(answer.header("link"), "next"), address("after", next).as_deref(), "{query}");
            assert_eq!(link(answer.header("link"), "prev"), address("before", prev).as_deref(), "{query}");
        }
    }
    system.api("GET", "/applications?after=0123456789abcdef0123456789abcdef").send().await.problem(404, "application_not_found");
    system.api("GET", "/applications?page=1001&per_page=100").send().await.invalid("page", "out_of_range");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_family_is_that_of_the_route_however_its_path_is_spelt() {
    let system = System::start().await;
    let application = system.create_application("spelt").await;
    application.create_chat().await.read().await.expect(200);
    for prefix in ["/api/v1", "/%61pi/v1", "/api/%76%31"] {
        let list = system.api("GET", &format!("{prefix}{}/chats", application.path())).send().await.expect(200);
        assert_eq!(numbers(&list["chats"]), [1], "{prefix}");
        assert_eq!(list["pagination"]["limit"], 50, "{prefix}");
    }
    assert!(system.api("GET", &format!("{}/chats", application.path())).send().await.expect(200).is_array());
}
