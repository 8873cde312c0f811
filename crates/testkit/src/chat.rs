//! A chat as its client sees it.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{Answer, Ask, Client, Service, eventually};

/// How long it may take until what was accepted is stored, when nothing is in its way.
const STORED_WITHIN: Duration = Duration::from_secs(15);

/// A chat of the test's system, which may exist.
#[derive(Clone)]
pub struct Chat {
    pub(crate) client: Client,
    pub(crate) application: String,
    /// Its number.
    pub number: u64,
}

impl Chat {
    /// Its path in the unversioned family.
    pub fn path(&self) -> String {
        format!("{}/chats/{}", self.application, self.number)
    }

    fn api(&self, method: &str, path: &str) -> Ask {
        self.client.ask(Service::Api, method, &format!("{}{path}", self.path()))
    }

    /// Posts a message and returns its number.
    pub async fn post(&self, text: &str) -> u64 {
        self.attempt_post(text).send().await.expect(201)["number"].as_u64().expect("a number")
    }

    /// The creation of a message, yet to be sent.
    pub fn attempt_post(&self, text: &str) -> Ask {
        self.client.ask(Service::Ingest, "POST", &format!("{}/messages", self.path())).json(json!({ "body": text }))
    }

    /// Posts messages until one is accepted, as a client does after an outage, and returns its number.
    pub async fn post_until_accepted(&self, text: &str, within: Duration) -> u64 {
        let mut number = None;
        let accepted = async || {
            let answer = self.attempt_post(text).send().await;
            number = (answer.status == 201).then(|| answer.json()["number"].as_u64().expect("a number"));
            number.is_some()
        };
        eventually("creates are accepted", within, accepted).await;
        number.expect("an accepted create")
    }

    /// The creation of several messages at once, yet to be sent.
    pub fn attempt_batch(&self, body: Value) -> Ask {
        self.client.ask(Service::Ingest, "POST", &format!("{}/messages:batch", self.path())).json(body)
    }

    /// Waits until each replica of the ingest has accepted a message: of those that take turns, one that is still away would be
    /// hidden by the others.
    pub async fn accepted_everywhere(&self, text: &str, within: Duration) {
        let path = format!("{}/messages", self.path());
        let each = self.client.replicas(Service::Ingest).into_iter().map(async |address| {
            let ask = || self.client.at(address, "POST", &path).json(json!({ "body": text }));
            eventually("a replica accepts a message", within, async || ask().send().await.status == 201).await
        });
        join_all(each).await;
    }

    /// Reads the chat.
    pub async fn read(&self) -> Answer {
        self.api("GET", "").send().await
    }

    /// Reads one message.
    pub async fn message(&self, number: u64) -> Answer {
        self.api("GET", &format!("/messages/{number}")).send().await
    }

    /// Changes a message's text.
    pub async fn edit(&self, number: u64, text: &str) -> Answer {
        self.api("PUT", &format!("/messages/{number}")).json(json!({ "body": text })).send().await
    }

    /// All messages, read page by page.
    pub async fn messages(&self) -> Vec<(u64, String)> {
        let entries = self.all_pages("/messages", &[]).await.unwrap_or_else(|refusal| panic!("{}", refusal.text()));
        entries.iter().map(|entry| (number(entry), entry["body"].as_str().expect("a body").to_owned())).collect()
    }

    /// One page of a search.
    pub async fn search_page(&self, parameters: &[(&str, &str)]) -> Answer {
        self.api("GET", "/messages/search").query(parameters).send().await
    }

    /// The numbers of all messages that a search finds, page by page.
    pub async fn search(&self, text: &str) -> Vec<u64> {
        self.try_search(text).await.unwrap_or_else(|refusal| panic!("{}", refusal.text()))
    }

    async fn try_search(&self, text: &str) -> Result<Vec<u64>, Answer> {
        Ok(self.all_pages("/messages/search", &[("query", text)]).await?.iter().map(number).collect())
    }

    /// All entries, or the first answer that is none. A page may be short of entries and yet not be the last one.
    async fn all_pages(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Vec<Value>, Answer> {
        let mut entries: Vec<Value> = Vec::new();
        let mut ask = self.api("GET", path).query(parameters).query(&[("limit", "100")]);
        loop {
            let answer = ask.send().await;
            if answer.status != 200 {
                return Err(answer);
            }
            let page = answer.json();
            entries.extend_from_slice(page.as_array().expect("a list"));
            match answer.link("next") {
                Some(next) => ask = self.client.ask(Service::Api, "GET", next),
                None => return Ok(entries),
            }
        }
    }

    /// Waits until the message with this number is stored.
    pub async fn await_stored(&self, number: u64) {
        eventually("the message is stored", STORED_WITHIN, async || self.message(number).await.status == 200).await;
    }

    /// Waits until a search finds exactly these messages. It may be refused until then: a server that has just started is slow.
    pub async fn await_found(&self, text: &str, numbers: &[u64], within: Duration) {
        let what = format!("a search finds {numbers:?}");
        eventually(&what, within, async || self.try_search(text).await.is_ok_and(|found| found == numbers)).await;
    }
}

fn number(entry: &Value) -> u64 {
    entry["number"].as_u64().expect("a number")
}
