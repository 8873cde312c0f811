//! An index for one test, gone when the test ends, however it ends.

use std::thread;

use domain::{ApplicationId, ChatNumber, EventId, MAX_NUMBER, MessageBody, MessageNumber};
use elasticsearch::Elasticsearch;
use elasticsearch::http::transport::Transport;
use elasticsearch::indices::IndicesDeleteParts;
use search::{Cursor, Document, Indexed, Query, SearchIndex, Settings};

/// Settings for an index that no other test uses.
pub(crate) fn settings() -> Settings {
    let url = std::env::var("ELASTICSEARCH_URL").expect(
        "ELASTICSEARCH_URL is not set: run the tests with `make test`, which starts an Elasticsearch and names it to the tests",
    );
    Settings {
        url,
        index: format!("test-{}", EventId::generate()),
        timeout_ms: 10_000,
        shards: 1,
        replicas: 0,
        refresh_ms: 500,
        tls: Default::default(),
    }
}

/// A name for an index, of which versions 1 and 2 are deleted on drop.
pub(crate) struct Scratch {
    pub(crate) settings: Settings,
    pub(crate) index: SearchIndex,
}

impl Scratch {
    /// A name without an index.
    pub(crate) fn unmade() -> Self {
        let settings = settings();
        let index = SearchIndex::connect(&settings).unwrap();
        Self { settings, index }
    }

    /// An index as the services make it.
    pub(crate) async fn made() -> Self {
        let scratch = Self::unmade();
        scratch.index.ensure_index().await.unwrap();
        scratch
    }

    /// A plain client, for what the crate does not do.
    pub(crate) fn client(&self) -> Elasticsearch {
        Elasticsearch::new(Transport::single_node(&self.settings.url).unwrap())
    }

    /// The index's name under a version.
    pub(crate) fn version(&self, version: u32) -> String {
        format!("{}-v{version}", self.settings.index)
    }

    /// Writes the documents, which must all be taken, and makes them show.
    pub(crate) async fn write(&self, documents: &[Document]) {
        let indexed = self.index.index(documents).await.unwrap();
        assert_eq!(indexed, Indexed { ok: documents.len(), ..Indexed::default() });
        self.index.refresh().await.unwrap();
    }

    /// The numbers of a chat's messages that match.
    pub(crate) async fn find(&self, (application_id, chat): (u64, u64), query: &str) -> Vec<u64> {
        let query = Query::parse(query).unwrap();
        let found = self
            .index
            .search(application(application_id), self::chat(chat), &query, Cursor::After(0), MAX_NUMBER, 10_000)
            .await
            .unwrap();
        found.into_iter().map(|hit| hit.number.get()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (client, names) = (self.client(), [self.version(1), self.version(2), self.settings.index.clone()]);
        // A drop cannot wait, but a thread of its own can.
        let deletion = thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                for name in names {
                    let _ = client.indices().delete(IndicesDeleteParts::Index(&[&name])).ignore_unavailable(true).send().await;
                }
            });
        });
        let _ = deletion.join();
    }
}

pub(crate) fn application(id: u64) -> ApplicationId {
    ApplicationId::new(id)
}

pub(crate) fn chat(number: u64) -> ChatNumber {
    ChatNumber::new(number).unwrap()
}

/// The first version of a message.
pub(crate) fn document((application_id, chat): (u64, u64), number: u64, body: &str) -> Document {
    Document {
        application_id: application(application_id),
        chat: self::chat(chat),
        number: MessageNumber::new(number).unwrap(),
        version: 1,
        body: MessageBody::new(body).unwrap(),
    }
}

/// Messages numbered from 1 in their order.
pub(crate) fn documents(room: (u64, u64), bodies: &[String]) -> Vec<Document> {
    (1..).zip(bodies).map(|(number, body)| document(room, number, body)).collect()
}
