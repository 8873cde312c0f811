//! An application as its client sees it.

use serde_json::json;

use crate::{Answer, Ask, Chat, Client, Service};

/// An application of the test's system.
#[derive(Clone)]
pub struct Application {
    pub(crate) client: Client,
    /// Its token.
    pub token: String,
}

impl Application {
    /// Its path in the unversioned family.
    pub fn path(&self) -> String {
        format!("/applications/{}", self.token)
    }

    /// Creates a chat without a name.
    pub async fn create_chat(&self) -> Chat {
        let answer = self.attempt_chat().send().await;
        self.chat(answer.expect(201)["number"].as_u64().expect("a number"))
    }

    /// Creates a chat with a name.
    pub async fn create_named_chat(&self, name: &str) -> Chat {
        let answer = self.attempt_chat().json(json!({ "name": name })).send().await;
        self.chat(answer.expect(201)["number"].as_u64().expect("a number"))
    }

    /// The creation of a chat, yet to be sent.
    pub fn attempt_chat(&self) -> Ask {
        self.client.ask(Service::Ingest, "POST", &format!("{}/chats", self.path()))
    }

    /// Its chat with this number, which may exist.
    pub fn chat(&self, number: u64) -> Chat {
        Chat { client: self.client.clone(), application: self.path(), number }
    }

    /// Reads it.
    pub async fn read(&self) -> Answer {
        self.client.ask(Service::Api, "GET", &self.path()).send().await
    }
}
