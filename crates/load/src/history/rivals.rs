//! Events under numbers that others have, put straight into the queues, as an ingest would whose numbering has failed. None may
//! take the place of what is stored, and none may vanish: the consumer keeps each aside as a dead letter.

use std::time::{Duration, Instant};

use anyhow::Context;
use broker::Publisher;
use domain::{ApplicationId, ChatNumber, EventId, MessageBody, Timestamp};
use events::{ChatCreated, Epoch, Item, MessageCreated};
use localsystem::LocalSystem;
use serde::Deserialize;
use store::{Connection, Store, counts, epochs, messages};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Chats that get rivals: the newest, which are those of this history.
const CHATS: usize = 8;
/// Chats that are read at a time.
const PAGE: u32 = 1_000;
/// Messages of each that get one.
const MESSAGES: u32 = 10;
/// How long the broker may take to confirm them all, on a machine that has much else to do.
const WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);

/// Where the services' queues and tables are.
#[derive(Deserialize)]
struct Settings {
    mysql: store::Settings,
    amqp: broker::Settings,
}

/// Sends a rival of each of some chats and of their first messages, and returns their events when the broker has confirmed them.
pub(super) async fn send(system: &LocalSystem) -> anyhow::Result<Vec<EventId>> {
    let settings: Settings = service::config::load_from(system.environment().iter().cloned(), None)?;
    let store = Store::connect(&settings.mysql)?;
    let rivals = rivals(&mut *store.acquire().await?).await?;
    let publisher = Publisher::start(&settings.amqp, CancellationToken::new());
    let deadline = Instant::now() + WITHIN;
    for rival in &rivals {
        let partition = settings.amqp.partitions.partition_of(rival.application_id(), rival.chat());
        loop {
            // Another may have been opened meanwhile. Sent twice, the event is the same.
            let epoch: Epoch = epochs::highest(&mut *store.acquire().await?).await?.context("there is no epoch yet")?;
            match publisher.publish(epoch, partition, rival.clone(), deadline).await {
                Ok(()) => break,
                Err(error) if Instant::now() > deadline => return Err(error).context("a rival is not confirmed"),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
    publisher.drain().await;
    Ok(rivals.iter().map(Item::event_id).collect())
}

async fn rivals(connection: &mut Connection) -> anyhow::Result<Vec<Item>> {
    let mut rivals = Vec::new();
    for (application, chat) in newest_chats(connection).await? {
        rivals.push(rival_chat(application, chat));
        for message in messages::scan(connection, application, chat, 0, MESSAGES).await? {
            rivals.push(Item::Message(MessageCreated {
                event_id: EventId::generate(),
                application_id: application,
                chat,
                number: message.number,
                body: MessageBody::new("a rival")?,
                created_at: Timestamp::now(),
                request_id: "rival".to_owned(),
                trace: None,
            }));
        }
    }
    Ok(rivals)
}

fn rival_chat(application_id: ApplicationId, number: ChatNumber) -> Item {
    let (event_id, created_at) = (EventId::generate(), Timestamp::now());
    Item::Chat(ChatCreated {
        event_id,
        application_id,
        number,
        name: None,
        created_at,
        request_id: "rival".to_owned(),
        trace: None,
    })
}

/// The chats of the newest application that has any.
async fn newest_chats(connection: &mut Connection) -> anyhow::Result<Vec<(ApplicationId, ChatNumber)>> {
    let (mut newest, mut place) = (Vec::new(), (0, 0));
    loop {
        let page = counts::chats_behind(connection, place, None, PAGE).await?;
        let Some(last) = page.last() else { break };
        place = (last.application_id.get(), last.chat.get());
        newest.extend(page.iter().map(|chat| (chat.application_id, chat.chat)));
        newest.retain(|(application, _)| *application == last.application_id);
    }
    newest.truncate(CHATS);
    Ok(newest)
}
