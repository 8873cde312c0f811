//! Waits until nothing is under way any more: the last creates are stored or dead letters, and with them all that stood before
//! them in the queues, and the outbox is empty.

use std::time::Duration;

use anyhow::Context;
use domain::{ApplicationId, ChatNumber, MessageNumber};
use store::{Store, applications, messages, outbox};
use tokio::time::{Instant, sleep};

use super::stored;
use crate::history::{
    record::{History, Place},
    report::{Kind, Report},
};

const PAUSE: Duration = Duration::from_millis(250);

/// Waits at most `limit`; what is still under way then is a violation, and the check goes on.
pub(crate) async fn wait(history: &History, store: &Store, limit: Duration, report: &mut Report) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    let mut ids = Vec::new();
    for token in &history.applications {
        let id = applications::id_of(&mut *store.acquire().await?, *token).await?;
        ids.push(id.context("an application of the history is gone")?);
    }
    let mut awaited = history.last.clone();
    loop {
        awaited = still_missing(store, &ids, awaited).await?;
        let outbox = outbox::depth(&mut *store.acquire().await?).await?;
        if awaited.is_empty() && outbox == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let what = format!("after {} s the outbox has {outbox} rows", limit.as_secs());
            report.violation(Kind::NotQuiet, what, awaited.iter().map(|place| format!("not stored: {place}")));
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

async fn still_missing(store: &Store, ids: &[ApplicationId], awaited: Vec<Place>) -> anyhow::Result<Vec<Place>> {
    let mut conn = store.acquire().await?;
    let mut missing = Vec::new();
    for place in awaited {
        let (application, chat) = (ids[usize::from(place.series.application)], ChatNumber::new(place.series.chat.into())?);
        if messages::find(&mut conn, application, chat, MessageNumber::new(place.number)?).await?.is_none() {
            missing.push((place, application));
        }
    }
    drop(conn);
    // With a chat that was lost everything in it becomes a dead letter: a violation, but nothing to wait for.
    let dead = if missing.is_empty() { Vec::new() } else { stored::dead_letters(store, ids).await? };
    let is_dead = |place: &Place, application: ApplicationId| {
        dead.iter().map(|letter| letter.identity).any(|identity| {
            let (chat, message) = (identity.chat.map(u64::from), identity.message.map(u64::from));
            identity.application_id == Some(application)
                && (chat, message) == (Some(place.series.chat.into()), Some(place.number))
        })
    };
    let under_way = missing.into_iter().filter(|(place, application)| !is_dead(place, *application));
    Ok(under_way.map(|(place, _)| place).collect())
}
