//! Waits until nothing is under way any more: the last creates are stored, and with them all that stood before them in the queues,
//! and the outbox is empty.

use std::time::Duration;

use anyhow::Context;
use domain::{ApplicationId, ChatNumber, MessageNumber};
use store::{Store, applications, messages, outbox};
use tokio::time::{Instant, sleep};

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
            missing.push(place);
        }
    }
    Ok(missing)
}
