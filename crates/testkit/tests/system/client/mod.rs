//! The typed client against the whole system: entities, problems, lists of many pages, and retries.

mod lossy;

use std::{collections::HashSet, time::Duration};

use client::{Client, Error, Lookup, Options, SearchSource};
use futures_util::{StreamExt, TryStreamExt, future::join_all, stream};
use testkit::{Service, System, eventually};

use lossy::Lossy;

const STORED_WITHIN: Duration = Duration::from_secs(15);

async fn await_stored(client: &Client, token: &str, chat: u64, message: u64) {
    let stored = async || matches!(client.message(token, chat, message).await, Ok(Lookup::Stored(_)));
    eventually("the message is stored", STORED_WITHIN, stored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_entity_is_created_read_and_changed() {
    let system = System::start().await;
    let client = system.typed_client(Options::default());
    client.check().await.unwrap();
    let application = client.create_application("one / ? # %").await.unwrap();
    let token = application.token.as_str();
    assert_eq!(client.application(token).await.unwrap(), application);
    assert_eq!(client.rename_application(token, "other").await.unwrap().name, "other");

    let chat = client.create_chat(token, Some("talk")).await.unwrap();
    assert_eq!((chat.number, chat.replayed, chat.unsure), (1, false, 0));
    assert_eq!(client.create_chat(token, None).await.unwrap().number, 2);
    assert_eq!(client.create_message(token, 1, "to be 🦀").await.unwrap().number, 1);
    await_stored(&client, token, 1, 1).await;
    assert_eq!(client.message(token, 1, 1).await.unwrap().stored().unwrap().body, "to be 🦀");
    assert_eq!(client.edit_message(token, 1, 1, "or not").await.unwrap().body, "or not");
    assert_eq!(client.rename_chat(token, 1, None).await.unwrap().name, None);
    assert_eq!(client.chat(token, 1).await.unwrap().stored().unwrap().name, None);
    let found = async || client.search(token, 1, "NOT").all().await.is_ok_and(|page| page.entries.len() == 1);
    eventually("the edited text is found", STORED_WITHIN, found).await;
    assert_eq!(client.search(token, 1, "NOT").all().await.unwrap().source, Some(SearchSource::Index));
    let debug = format!("{client:?} {application:?} {:?}", client.messages(token, 1).page().await.unwrap());
    assert!(!debug.contains(token) && !debug.contains("or not"), "{debug}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_are_read_and_not_tried_again() {
    let system = System::start().await;
    let client = system.typed_client(Options::default());
    let token = client.create_application("one").await.unwrap().token;
    let long = client.create_chat(&token, Some(&"x".repeat(256))).await.unwrap_err();
    let problem = long.problem().unwrap();
    assert_eq!((problem.status, problem.code.as_str()), (422, "invalid_field"));
    assert_eq!((problem.errors[0].field.as_str(), problem.errors[0].code.as_str()), ("name", "too_long"));
    assert!(problem.request_id.as_ref().is_some_and(|id| !id.is_empty()) && !long.may_be_accepted());
    for (error, code) in [
        (client.create_message(&token, 5, "x").await.unwrap_err(), "chat_not_found"),
        (client.chat(&token, 5).await.unwrap_err(), "chat_not_found"),
        (client.application("../x?y#z").await.unwrap_err(), "application_not_found"),
        (client.messages(&token, 5).page().await.unwrap_err(), "chat_not_found"),
        (client.applications().limit(101).page().await.unwrap_err(), "invalid_field"),
    ] {
        assert_eq!(error.problem().map(|problem| problem.code.as_str()), Some(code), "{error}");
    }
    assert_eq!(client.retried(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_is_read_page_by_page_to_its_end() {
    const MESSAGES: u64 = 230;
    let system = System::start().await;
    let client = system.typed_client(Options::default());
    let token = client.create_application("long").await.unwrap().token;
    let chat = client.create_chat(&token, None).await.unwrap().number;
    let creates = (1..=MESSAGES).map(async |index| client.create_message(&token, chat, &format!("line {index}")).await);
    let created: Vec<_> = stream::iter(creates).buffer_unordered(16).try_collect().await.unwrap();
    assert_eq!(created.iter().map(|created| created.number).collect::<HashSet<_>>().len() as u64, MESSAGES);
    await_stored(&client, &token, chat, MESSAGES).await;

    let all = || client.messages(&token, chat).limit(100);
    let pages: Vec<_> = all().pages().map_ok(|page| (page.entries.len(), page.has_next())).try_collect().await.unwrap();
    assert_eq!(pages, [(100, true), (100, true), (30, false)]);
    let numbers: Vec<u64> = all().stream().map_ok(|message| message.number).try_collect().await.unwrap();
    assert_eq!(numbers, (1..=MESSAGES).collect::<Vec<_>>());
    let first: Vec<_> = all().after(10).stream().take(2).map_ok(|message| message.number).try_collect().await.unwrap();
    assert_eq!(first, [11, 12]);
    let found = async || client.search(&token, chat, "LINE").all().await.is_ok_and(|page| page.entries.len() as u64 == MESSAGES);
    eventually("all are found", STORED_WITHIN, found).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creates_outlive_a_restart_of_ingest() {
    let system = System::start().await;
    let client = system.typed_client(Options::default());
    let token = client.create_application("restarted").await.unwrap().token;
    let chat = client.create_chat(&token, None).await.unwrap().number;
    let port = system.address(Service::Ingest).port().to_string();
    let text = |index: usize| format!("speech {index}.");
    let creates = join_all((0..200).map(async |index| {
        tokio::time::sleep(Duration::from_millis(index as u64 * 10)).await;
        (index, client.create_message(&token, chat, &text(index)).await.unwrap())
    }));
    let restart = async {
        eventually("creates are under way", STORED_WITHIN, async || {
            client.messages(&token, chat).all().await.is_ok_and(|page| page.entries.len() > 20)
        })
        .await;
        system.crash(Service::Ingest);
        eventually("clients try again", STORED_WITHIN, async || client.retried() > 0).await;
        system.try_launch(Service::Ingest, &[("CHAT__HTTP__PORT", &port)]).await.unwrap();
    };
    let (created, ()) = tokio::join!(creates, restart);
    assert!(client.retried() > 0);
    for (index, created) in &created {
        await_stored(&client, &token, chat, created.number).await;
        assert_eq!(client.message(&token, chat, created.number).await.unwrap().stored().unwrap().body, text(*index));
    }
    // A text is stored more than once at most for attempts that the client says it is not sure of.
    let stored = client.messages(&token, chat).limit(100).all().await.unwrap().entries.len();
    let unsure: usize = created.iter().map(|(_, created)| created.unsure).sum();
    assert!((200..=200 + unsure).contains(&stored), "{stored} stored, {unsure} unsure");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_whose_answers_are_lost_bear_one_key() {
    let system = System::start().await;
    let lossy = Lossy::start(system.address(Service::Ingest)).await;
    let api = format!("http://{}", system.address(Service::Api));
    let client = Client::new(&api, &format!("http://{}", lossy.address), Options::default()).unwrap();
    let token = client.create_application("lossy").await.unwrap().token;
    let chat = client.create_chat(&token, None).await.unwrap().number;

    lossy.lose(2);
    let created = client.create_message(&token, chat, "said once").await.unwrap();
    let keys = lossy.keys();
    assert_eq!((keys.len(), created.unsure, client.retried()), (4, 2, 2), "{keys:?}");
    assert_eq!(keys[1..].iter().collect::<HashSet<_>>().len(), 1, "one call has several keys: {keys:?}");
    assert_ne!(keys[0], keys[1], "two calls have one key");
    await_stored(&client, &token, chat, created.number).await;
    // With a service that knows keys the first attempt's number is told; else each attempt has its own.
    let stored = client.messages(&token, chat).all().await.unwrap().entries.len();
    assert_eq!((stored, created.number), if created.replayed { (1, 1) } else { (3, 3) });

    lossy.lose(usize::MAX);
    let hasty = Options { patience: Duration::from_millis(500), ..Options::default() };
    let hasty = Client::new(&api, &format!("http://{}", lossy.address), hasty).unwrap();
    let error = hasty.create_message(&token, chat, "never heard").await.unwrap_err();
    assert!(error.may_be_accepted() && matches!(error, Error::NoAnswer { .. }), "{error}");
}
