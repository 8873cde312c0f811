//! Lists that grow while they are read: what was there is seen once, in order, whoever adds to it; and how many there are.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use consumer::counts;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Application, Chat, System};

/// The address of a neighbour.
fn link(answer: &Answer, relation: &str) -> Option<String> {
    let ending = format!("; rel=\"{relation}\"");
    let address = |link: &str| Some(link.strip_suffix(&ending)?.strip_prefix('<')?.strip_suffix('>')?.to_owned());
    answer.header("link")?.split(", ").find_map(address)
}

fn keys(list: &Value, key: &str) -> Vec<String> {
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(|entry| entry[key].to_string()).collect()
}

/// The keys of all entries, by the links of one relation from `path` on: the pages in the order in which they were read.
async fn walk(system: &System, path: String, relation: &str, key: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), Some(path));
    while let Some(path) = next {
        let answer = system.api("GET", &path).send().await;
        pages.push(keys(&answer.expect(200), key));
        next = link(&answer, relation);
    }
    pages
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_is_read_without_gap_or_repetition_while_others_write_to_it() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 50;
    const BEFORE: u64 = 40;
    const ALL: u64 = BEFORE + WRITERS * EACH;
    let system = Arc::new(System::start().await);
    let chat = system.create_application("growing").await.create_chat().await;
    for _ in 0..BEFORE {
        chat.post("before").await;
    }
    chat.await_stored(BEFORE).await;
    let write = async |chat: &Chat| {
        for _ in 0..EACH {
            chat.post("meanwhile").await;
        }
    };
    let writers = join_all((0..WRITERS).map(|_| write(&chat)));

    let forwards = async {
        // What a page shows follows on what is there already.
        let (began, mut found, mut grew) = (Instant::now(), Vec::new(), 0);
        while found.len() < ALL as usize {
            assert!(began.elapsed() < Duration::from_secs(60), "only {} of {ALL}", found.len());
            let path = format!("{}/messages?limit=7&after={}", chat.path(), found.len());
            let page = keys(&system.api("GET", &path).send().await.expect(200), "number");
            let shown = found.len() + page.len();
            assert_eq!(page, numbers(found.len() as u64 + 1..=shown as u64));
            grew += usize::from(found.len() >= BEFORE as usize && !page.is_empty() && shown < ALL as usize);
            found.extend(page);
        }
        assert_eq!(found, numbers(1..=ALL));
        assert!(grew > 0, "nothing was written while the list was read");
    };
    let backwards = async {
        for _ in 0..5 {
            let mut pages =
                walk(&system, format!("{}/messages?limit=7&before={}", chat.path(), BEFORE + 1), "prev", "number").await;
            pages.reverse();
            assert_eq!(pages.concat(), numbers(1..=BEFORE));
        }
    };
    let by_page = async {
        for page in 1..=4 {
            let path = format!("{}/messages?per_page=10&page={page}", chat.path());
            assert_eq!(keys(&system.api("GET", &path).send().await.expect(200), "number"), numbers(page * 10 - 9..=page * 10));
        }
    };
    tokio::join!(writers, forwards, backwards, by_page);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chats_and_applications_that_were_there_are_seen_once_while_others_are_added() {
    const THERE: usize = 30;
    let system = System::start().await;
    let mut applications = Vec::new();
    for number in 0..THERE {
        applications.push(system.create_application(&format!("application {number}")).await);
    }
    let application: &Application = &applications[0];
    for _ in 0..THERE {
        application.create_chat().await;
    }
    for number in 1..=THERE as u64 {
        application.chat(number).read().await.expect(200);
    }
    let tokens: Vec<String> = applications.iter().map(|application| format!("\"{}\"", application.token)).collect();

    let add = async {
        for number in 0..THERE {
            let name = format!("another {number}");
            tokio::join!(application.create_chat(), system.create_application(&name));
        }
    };
    let read = async {
        for (path, key, there) in
            [("/applications".to_owned(), "token", tokens), (application.path() + "/chats", "number", numbers(1..=THERE as u64))]
        {
            let found = walk(&system, format!("{path}?limit=4"), "next", key).await.concat();
            assert_eq!(found[..THERE], there, "{path}");
            let mut once = found.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), found.len(), "{path} shows an entry twice");
        }
    };
    tokio::join!(add, read);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_are_those_of_the_last_count() {
    let system = System::start().await;
    let application = system.create_application("counted").await;
    let chat = application.create_chat().await;
    application.create_chat().await;
    for _ in 0..3 {
        chat.post("text").await;
    }
    chat.await_stored(3).await;
    application.chat(2).read().await.expect(200);
    chat.await_found("text", &[1, 2, 3], Duration::from_secs(10)).await;
    let total = async |path: &str| {
        let list = system.api("GET", &format!("/api/v1{path}")).send().await.expect(200);
        list["pagination"].as_object().unwrap().get("total").unwrap_or_else(|| panic!("no total: {list}")).clone()
    };
    let lists =
        [application.path() + "/chats?limit=1", chat.path() + "/messages?limit=1", application.chat(2).path() + "/messages"];
    counts::run(system.store()).await.unwrap();
    for (path, expected) in lists.iter().zip([2, 3, 0]) {
        assert_eq!(total(path).await, json!(expected), "{path}");
    }
    chat.post("text").await;
    chat.await_stored(4).await;
    counts::run(system.store()).await.unwrap();
    assert_eq!(total(&lists[1]).await, json!(4));
    // Counting these would cost a walk through all of them.
    assert_eq!(total("/applications").await, Value::Null);
    assert_eq!(total(&(chat.path() + "/messages/search?query=text")).await, Value::Null);
}
