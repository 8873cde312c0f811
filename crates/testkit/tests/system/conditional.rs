//! Conditional requests: entity tags, reads that need no answer, and updates that lose nothing that others wrote.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use consumer::counts;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Application, Chat, Service, System};

/// All that is there has been counted, so that no tag changes by a run of the count job.
async fn stored(system: &System) -> (Application, Chat) {
    let application = system.create_application("tags").await;
    let chat = application.create_chat().await;
    chat.post("text").await;
    chat.await_stored(1).await;
    counts::run(system.store()).await.unwrap();
    (application, chat)
}

/// The three kinds of resource, each with a body that changes it.
fn resources(application: &Application, chat: &Chat) -> [(String, Value); 3] {
    let name = json!({ "name": "changed" });
    [
        (application.path(), name.clone()),
        (chat.path(), name),
        (format!("{}/messages/1", chat.path()), json!({ "body": "changed" })),
    ]
}

fn tag(answer: &Answer) -> String {
    let tag = answer.header("etag").unwrap_or_else(|| panic!("no tag: {} {}", answer.status, answer.text()));
    assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{tag} is not a strong tag");
    tag.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_changes_with_each_edit_and_with_each_count() {
    // The cache may show a count for two seconds more.
    let system = System::builder().set("CHAT__CACHE__ENABLED", false).start().await;
    let created = system.api("POST", "/applications").json(json!({ "name": "x" })).send().await;
    assert_eq!((created.status, tag(&created)), (201, "\"1.0\"".to_owned()));
    let (application, chat) = stored(&system).await;
    for ((path, body), tags) in resources(&application, &chat).into_iter().zip([
        ["\"1.1\"", "\"2.1\"", "\"3.1\""],
        ["\"1.1\"", "\"2.1\"", "\"3.1\""],
        ["\"1\"", "\"2\"", "\"3\""],
    ]) {
        for prefix in ["", "/api/v1"] {
            assert_eq!(tag(&system.api("GET", &format!("{prefix}{path}")).send().await), tags[0], "{path}");
        }
        // The same value once more is an edit all the same; an update that names nothing is none.
        for (method, body, expected) in [
            ("PUT", body.clone(), tags[1]),
            ("PATCH", json!({}), tags[1]),
            ("PATCH", body, tags[2]),
            ("PATCH", json!({}), tags[2]),
        ] {
            let updated = system.api(method, &path).json(body).send().await;
            assert_eq!((updated.status, tag(&updated).as_str()), (200, expected), "{method} {path}");
            let read = system.api("GET", &path).send().await;
            assert_eq!((tag(&read).as_str(), read.json()), (expected, updated.json()), "{path}");
        }
    }
    chat.post("another").await;
    chat.await_stored(2).await;
    application.create_chat().await.read().await.expect(200);
    counts::run(system.store()).await.unwrap();
    for (path, expected) in [(application.path(), "\"3.2\""), (chat.path(), "\"3.2\"")] {
        assert_eq!(tag(&system.api("GET", &path).send().await), expected, "{path}");
        // What was read before the count is told anew.
        let read = system.api("GET", &path).header("If-None-Match", "\"3.1\"").send().await;
        assert_eq!(read.status, 200, "{path}");
        // An update compares versions: the count is nothing that it overwrites.
        let updated = system.api("PATCH", &path).header("If-Match", "\"3.1\"").json(json!({ "name": "y" })).send().await;
        assert_eq!((updated.status, tag(&updated).as_str()), (200, "\"4.2\""), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_of_what_the_client_has_is_answered_without_a_body() {
    let system = System::start().await;
    let (application, chat) = stored(&system).await;
    for (path, _) in resources(&application, &chat) {
        let whole = system.api("GET", &path).send().await;
        let current = tag(&whole);
        let cases = [
            (current.clone(), 304),
            (format!("W/{current}"), 304),
            (format!("\"other\", {current}"), 304),
            (format!(" , W/\"a,b\" ,{current},"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
            ("\"1.99\"".to_owned(), 200),
            ("\"2\", \"3\"".to_owned(), 200),
            (current.trim_matches('"').to_owned(), 400),
            (format!("{current} {current}"), 400),
            (format!("*, {current}"), 400),
            ("\"open".to_owned(), 400),
        ];
        for (header, status) in cases {
            for method in ["GET", "HEAD"] {
                let answer = system.api(method, &path).header("If-None-Match", &header).send().await;
                assert_eq!(answer.status, status, "{method} {path} If-None-Match: {header}");
                if status != 400 {
                    assert_eq!(tag(&answer), current, "{method} {path} If-None-Match: {header}");
                }
                if status == 304 {
                    assert!(answer.body.is_empty() && answer.header("content-type").is_none(), "{answer:?}");
                    assert_ne!(answer.header("content-length"), Some("0"), "the length of what would have been sent, or none");
                    assert!(answer.header("x-request-id").is_some());
                } else if method == "GET" && status == 200 {
                    assert_eq!(answer.json(), whole.json());
                } else if method == "GET" {
                    answer.problem(400, "malformed_request");
                }
            }
        }
        // Clocks of whole seconds decide nothing.
        let later = "Fri, 31 Dec 9999 23:59:59 GMT";
        assert_eq!(system.api("GET", &path).header("If-Modified-Since", later).send().await.status, 200);
        system.api("GET", &path).header("If-Match", "\"0\"").send().await.problem(412, "precondition_failed");
        assert_eq!(system.api("GET", &path).header("If-Match", &current).send().await.status, 200);
    }
    // What is not there has no tag, and 404 it stays.
    system
        .api("GET", &format!("{}/messages/2", chat.path()))
        .header("If-None-Match", "*")
        .send()
        .await
        .problem(404, "message_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_another_version_than_expected_is_refused_and_changes_nothing() {
    let system = System::start().await;
    let (application, chat) = stored(&system).await;
    for (path, body) in resources(&application, &chat) {
        let before = system.api("GET", &path).send().await;
        let current = tag(&before);
        let refused = [
            ("If-Match", "\"2\"".to_owned()),
            ("If-Match", "\"2.0\", \"0\"".to_owned()),
            ("If-Match", format!("W/{current}")),
            ("If-Match", "\"01\"".to_owned()),
            ("If-Match", "\"1.x\"".to_owned()),
            ("If-Match", "\"\"".to_owned()),
            ("If-None-Match", "*".to_owned()),
            ("If-None-Match", current.clone()),
            ("If-None-Match", format!("W/{current}")),
        ];
        for (header, value) in refused {
            for method in ["PUT", "PATCH"] {
                let answer = system.api(method, &path).header(header, &value).json(body.clone()).send().await;
                answer.problem(412, "precondition_failed");
            }
            // One that would change nothing is refused too.
            system.api("PATCH", &path).header(header, &value).json(json!({})).send().await.problem(412, "precondition_failed");
        }
        for value in ["1", "\"1", "\"1\" \"2\"", "*, \"1\""] {
            let answer = system.api("PUT", &path).header("If-Match", value).json(body.clone()).send().await;
            answer.problem(400, "malformed_request");
        }
        // A body that cannot be meant is told before the condition.
        system
            .api("PUT", &path)
            .header("If-Match", "\"2\"")
            .json(json!({ "name": 1, "body": 1 }))
            .send()
            .await
            .problem(422, "invalid_field");
        let after = system.api("GET", &path).send().await;
        assert_eq!((tag(&after), after.json()), (current.clone(), before.json()), "{path}");

        for (method, value) in [("PUT", format!("\"7\", {current}")), ("PATCH", "*".to_owned())] {
            let answer = system.api(method, &path).header("If-Match", &value).json(body.clone()).send().await;
            assert_eq!(answer.status, 200, "{method} {path} If-Match: {value}: {}", answer.text());
        }
        let stale = system.api("PUT", &path).header("If-Match", &current).json(body.clone()).send().await;
        stale.problem(412, "precondition_failed");
        let since = system.api("PUT", &path).header("If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT").json(body);
        assert_eq!(since.send().await.status, 200);
    }
    let missing = format!("{}/messages/2", chat.path());
    let answer = system.api("PUT", &missing).header("If-Match", "*").json(json!({ "body": "x" })).send().await;
    answer.problem(404, "message_not_found");
}

/// Reads the resource and adds `mark` to its `field`, as often as others are faster. Returns how often that was. So many at once
/// can be more than the services take: an update that was answered 503 may have been made, and is looked for in what is read
/// next.
async fn add_mark(system: &System, path: &str, field: &str, mark: &str) -> u64 {
    let began = Instant::now();
    let mut refused = 0;
    loop {
        assert!(began.elapsed() < Duration::from_secs(240), "{mark} is not in {path}");
        let read = system.api("GET", path).send().await;
        if read.status == 503 {
            continue;
        }
        let text = read.expect(200)[field].as_str().expect("a text").to_owned();
        if text.contains(mark) {
            return refused;
        }
        let answer = system.api("PUT", path).header("If-Match", &tag(&read)).json(json!({ field: text + mark })).send().await;
        match answer.status {
            200 => return refused,
            503 => {}
            _ => {
                answer.problem(412, "precondition_failed");
                refused += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_editors_on_two_replicas_none_loses_its_edit() {
    const EDITORS: usize = 100;
    let system = System::builder().replicas(Service::Api, 2).start().await;
    let (application, chat) = stored(&system).await;
    let path = format!("{}/messages/1", chat.path());
    let marks: Vec<String> = (0..EDITORS).map(|editor| format!(" edit-{editor};")).collect();
    let refused: u64 = join_all(marks.iter().map(|mark| add_mark(&system, &path, "body", mark))).await.into_iter().sum();

    let last = system.api("GET", &path).send().await;
    assert_eq!(tag(&last), format!("\"{}\"", 1 + EDITORS));
    let text = last.json()["body"].as_str().unwrap().to_owned();
    let found: Vec<&str> = text.strip_prefix("text").unwrap().split_inclusive(';').collect();
    assert_eq!((found.len(), found.iter().copied().collect::<HashSet<_>>().len()), (EDITORS, EDITORS), "{text}");
    assert!(marks.iter().all(|mark| found.contains(&mark.as_str())), "{text}");
    assert!(refused > 0, "no two editors ever met");
    println!("{EDITORS} editors: {refused} refusals, every edit is in the text");

    // Names are kept from being lost in the same way.
    for path in [application.path(), chat.path()] {
        system.api("PUT", &path).json(json!({ "name": "-" })).send().await.expect(200);
        let marks: Vec<String> = ('a'..='t').map(String::from).collect();
        join_all(marks.iter().map(|mark| add_mark(&system, &path, "name", mark))).await;
        let last = system.api("GET", &path).send().await;
        assert!(tag(&last).starts_with("\"22."), "{} of {path}", tag(&last));
        let name = last.json()["name"].as_str().unwrap().to_owned();
        assert_eq!(name.chars().skip(1).collect::<HashSet<_>>(), ('a'..='t').collect::<HashSet<_>>(), "{name}");
    }
}
