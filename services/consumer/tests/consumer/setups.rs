//! What several tests need: an epoch in Redis, counters in it, a table that takes no poison, an edit, a look at the index.

use domain::{ApplicationId, ApplicationToken, ChatNumber, MAX_NUMBER, MessageBody, MessageNumber, Timestamp};
use events::{Epoch, Item};
use search::Query;
use sequencer::{Adopted, Adoption, MessageIssue, Record};
use store::messages;

use crate::{items::worded, world::World};

/// An epoch in Redis, in which numbers are given. There must be none yet.
pub(crate) async fn open_epoch(world: &World, epoch: u64) -> Adopted {
    let Adoption::NeedsEpoch { run_id, .. } = world.sequencer.adopt().await.unwrap() else { panic!("no record yet") };
    assert!(world.sequencer.write_record(&Record { epoch: Epoch::new(epoch), run_id }).await.unwrap());
    let Adoption::Adopted(adopted) = world.sequencer.adopt().await.unwrap() else { panic!("the record is written") };
    adopted
}

/// The counters of one application's first chat.
pub(crate) struct Counters<'a> {
    world: &'a World,
    epoch: Adopted,
    token: ApplicationToken,
}

impl<'a> Counters<'a> {
    /// Seeded as in an epoch that finds so many messages stored.
    pub(crate) async fn seed(world: &'a World, epoch: Adopted, token: ApplicationToken, application: u64, messages: u64) -> Self {
        world.sequencer.seed_application(&epoch, token, ApplicationId::new(application), 1).await.unwrap();
        world.sequencer.seed_chat(&epoch, token, ChatNumber::FIRST, messages).await.unwrap();
        Self { world, epoch, token }
    }

    /// The number that the next message is given.
    pub(crate) async fn next(&self) -> u64 {
        match self.world.sequencer.issue_messages_once(&self.epoch, self.token, ChatNumber::FIRST, 1, None, None).await.unwrap() {
            MessageIssue::Issued { number, .. } => number.get(),
            other => panic!("{other:?}"),
        }
    }
}

/// From now on MySQL refuses each [`poison`].
pub(crate) async fn refuse_poison(world: &World) {
    world
        .tables
        .run("CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW IF NEW.body = 'poison' THEN SIGNAL SQLSTATE '45000'; END IF")
        .await;
}

/// MySQL takes it again.
pub(crate) async fn take_poison(world: &World) {
    world.tables.run("DROP TRIGGER poison").await;
}

/// A message that is refused.
pub(crate) fn poison(application: u64, chat: u64, number: u64) -> Item {
    worded(application, chat, number, "poison")
}

/// The messages of a chat that a search finds.
pub(crate) async fn found(world: &World, chat: u64, query: &str) -> Vec<u64> {
    let (application, chat) = (ApplicationId::new(1), ChatNumber::new(chat).unwrap());
    match world.search.search(application, chat, &Query::parse(query).unwrap(), search::Cursor::After(0), MAX_NUMBER, 100).await {
        Ok(hits) => hits.into_iter().map(|hit| hit.number.get()).collect(),
        Err(_) => Vec::new(),
    }
}

/// Edits a message of the first chat, as the api does.
pub(crate) async fn edit(world: &World, number: u64, body: &str) {
    let mut connection = world.store.acquire().await.unwrap();
    let (application, number, body) =
        (ApplicationId::new(1), MessageNumber::new(number).unwrap(), MessageBody::new(body).unwrap());
    messages::edit(&mut connection, application, ChatNumber::FIRST, number, &body, Timestamp::now(), |_| true).await.unwrap();
}
