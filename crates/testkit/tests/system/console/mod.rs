//! The operators' console: who may use it, what it shows of a running system, and what it does.

mod access;
mod actions;
mod figures;

use std::time::Duration;

use domain::{ApplicationId, ApplicationToken, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::{Identity, Item, MessageCreated};
use reqwest::{RequestBuilder, Response, redirect::Policy};
use serde_json::Value;
use store::dead_letters::{self, DeadLetter, Reason};
use testkit::{Application, Service, System, eventually};

/// What a console shows may be as old as a report, a snapshot and a batch together.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// As a browser's page asks: redirects are looked at, and cookies sent by hand.
fn request(system: &System, method: &str, path: &str) -> RequestBuilder {
    let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_secs(120)).build().unwrap();
    let url = format!("http://{}/console{path}", system.address(Service::Api));
    http.request(reqwest::Method::from_bytes(method.as_bytes()).unwrap(), url)
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

/// What the page must send with what changes something, of a system without a token.
async fn csrf_token(system: &System) -> String {
    let session = system.api("GET", "/console/session").send().await.expect(200);
    session["csrf_token"].as_str().expect("a CSRF token").to_owned()
}

async fn snapshot(system: &System) -> Value {
    system.api("GET", "/console/snapshot").send().await.expect(200)
}

/// Waits for a snapshot that is as it should be, and returns it.
async fn snapshot_with(system: &System, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let looked = async || {
        last = snapshot(system).await;
        is(&last)
    };
    eventually(what, SHOWN_WITHIN, looked).await;
    last
}

/// Changes something, as the page does.
async fn act(system: &System, code: &str, path: &str) -> Value {
    let answer = system.api("POST", &format!("/console/{path}")).header("x-csrf-token", code).send().await;
    assert!(matches!(answer.status, 200 | 202), "{path}: {}", answer.text());
    answer.json()
}

async fn id_of(system: &System, application: &Application) -> ApplicationId {
    let token = ApplicationToken::parse(&application.token).unwrap();
    store::applications::id_of(&mut system.store().acquire().await.unwrap(), token).await.unwrap().unwrap()
}

fn message(application_id: ApplicationId, number: u64, body: &str) -> Item {
    Item::Message(MessageCreated {
        event_id: EventId::generate(),
        application_id,
        chat: ChatNumber::FIRST,
        number: MessageNumber::new(number).unwrap(),
        body: MessageBody::new(body).unwrap(),
        created_at: Timestamp::now(),
        request_id: "test".to_owned(),
        trace: None,
    })
}

/// Makes a dead letter of an item.
async fn keep(system: &System, reason: Reason, item: &Item) {
    let letter = DeadLetter {
        reason,
        detail: "kept by a test".to_owned(),
        identity: Identity::from(item),
        payload: serde_json::to_vec(item).unwrap(),
        created_at: Timestamp::now(),
    };
    dead_letters::add(&mut system.store().acquire().await.unwrap(), &[letter]).await.unwrap();
}
