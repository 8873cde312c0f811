//! What a test does to a system behind its back: in MySQL, and in the index.

use domain::{ApplicationId, ApplicationToken, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::MessageCreated;
use mysql_async::{Conn, prelude::Queryable};
use serde_json::{Value, json};
use store::{Connection, counts, messages, outbox, transaction};
use testkit::{Application, System};

/// The application's key.
pub(crate) async fn id_of(system: &System, application: &Application) -> ApplicationId {
    let token = ApplicationToken::parse(&application.token).unwrap();
    let found = store::applications::find(&mut system.store().acquire().await.unwrap(), token).await;
    found.unwrap().unwrap().id
}

pub(crate) fn message(application_id: ApplicationId, number: u64, body: &str) -> MessageCreated {
    MessageCreated {
        event_id: EventId::generate(),
        application_id,
        chat: ChatNumber::FIRST,
        number: MessageNumber::new(number).unwrap(),
        body: MessageBody::new(body).unwrap(),
        created_at: Timestamp::now(),
        request_id: "test".to_owned(),
        trace: None,
    }
}

/// Stores messages of the first chat, as the consumer does; the outbox row, if there is to be one, is due at that moment.
pub(crate) async fn store(system: &System, messages: &[MessageCreated], outbox_due: Option<Timestamp>) {
    let mut connection = system.store().acquire().await.unwrap();
    transaction(&mut connection, async |connection: &mut Connection| {
        messages::insert(connection, messages).await?;
        if let Some(due) = outbox_due {
            let keys = messages.iter().map(|message| (message.application_id, message.chat, message.number));
            outbox::add(connection, &store::Range::cover(keys), due, Timestamp::now()).await?;
        }
        let added = [((messages[0].application_id, messages[0].chat), messages.len() as u64)].into();
        counts::mark_chats(connection, &added, Timestamp::now()).await
    })
    .await
    .unwrap();
}

/// A connection past the adapter.
pub(crate) async fn connection(system: &System) -> Conn {
    Conn::from_url(system.config::<consumer::Config>().mysql.url).await.unwrap()
}

/// Runs a statement.
pub(crate) async fn sql(system: &System, statement: &str) {
    let mut connection = connection(system).await;
    connection.query_drop(statement).await.unwrap();
    connection.disconnect().await.unwrap();
}

/// The search server, asked past the adapter.
pub(crate) struct Index {
    client: reqwest::Client,
    server: String,
    name: String,
}

impl Index {
    pub(crate) fn of(system: &System) -> Self {
        let settings = system.config::<consumer::Config>().elasticsearch;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { client, server: settings.url, name: settings.index }
    }

    /// Removes a document of version 1, and leaves no trace of a later one.
    pub(crate) async fn delete(&self, id: &str, routing: &str) {
        let query = format!("routing={routing}&version=1&version_type=external_gte&refresh=true");
        let url = format!("{}/{}/_doc/{id}?{query}", self.server, self.name);
        self.client.delete(url).send().await.unwrap().error_for_status().unwrap();
    }

    /// Puts a document.
    pub(crate) async fn put(&self, id: &str, routing: &str, version: u64) {
        let query = format!("routing={routing}&version={version}&version_type=external_gte&refresh=true");
        let url = format!("{}/{}/_doc/{id}?{query}", self.server, self.name);
        let document = json!({ "room": routing, "place": 1, "grams": "abc", "short": "a" });
        self.client.put(url).json(&document).send().await.unwrap().error_for_status().unwrap();
    }

    /// Removes a version, as a lost volume does.
    pub(crate) async fn lose(&self, version: u32) {
        let url = format!("{}/{}-v{version}", self.server, self.name);
        self.client.delete(url).send().await.unwrap().error_for_status().unwrap();
    }

    /// Makes a version that has none of the fields of today, behind the alias.
    pub(crate) async fn make_for_other_fields(&self, version: u32) {
        let url = format!("{}/{}-v{version}", self.server, self.name);
        let creation = json!({
            "mappings": { "dynamic": "strict", "_routing": { "required": true }, "properties": { "text": { "type": "text" } } },
            "aliases": { self.name.as_str(): {} },
        });
        self.client.put(url).json(&creation).send().await.unwrap().error_for_status().unwrap();
    }

    /// The versions that there are, each with its aliases, all without the common part of their names.
    pub(crate) async fn versions(&self) -> Vec<(String, Vec<String>)> {
        let url = format!("{}/{}-v*/_alias", self.server, self.name);
        let answer: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let short = |name: &str| name.strip_prefix(&self.name).unwrap().to_owned();
        let aliases = |entry: &Value| entry["aliases"].as_object().unwrap().keys().map(|name| short(name)).collect();
        answer.as_object().unwrap().iter().map(|(name, entry)| (short(name), aliases(entry))).collect()
    }
}

/// One version, and the aliases that lead to it.
pub(crate) fn version(name: &str, aliases: &[&str]) -> (String, Vec<String>) {
    (name.to_owned(), aliases.iter().map(|alias| (*alias).to_owned()).collect())
}
