//! Copies all messages from MySQL to a version of the index: read one piece after another, written several at a time, and noted
//! as done in their order.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use search::{Document, SearchIndex};
use store::{
    Store,
    messages::{self, Place},
    reindexes::{self, Reindex},
};
use tokio::time::sleep;

use crate::{patience::patiently, progress::Progress};

/// Messages that are read at once: at most 20 MB of text.
const PIECE: u32 = 500;
/// How often the progress is noted: so much is copied again after a break.
const NOTE_EVERY: Duration = Duration::from_millis(500);
/// How long the server is left alone when it could not take a part, and how often at most.
const REST: Duration = Duration::from_millis(500);
const RESTS: usize = 120;

/// Copies what lies behind the place where `reindex` stands, and returns how many are copied in all.
pub(super) async fn copy(store: &Store, next: &SearchIndex, reindex: Reindex, workers: u32) -> Result<u64> {
    let estimate = patiently(async || Ok(messages::estimate(&mut *store.acquire().await?).await?)).await?;
    let progress = Progress::new("messages copied", estimate as usize);
    progress.advance_by(reindex.copied);
    let pieces = stream::try_unfold(reindex.place, |place| read(store, place));
    let mut written = std::pin::pin!(
        pieces
            .map_ok(async |(documents, place): (Vec<Document>, Place)| {
                write(next, &documents).await?;
                Ok::<_, anyhow::Error>((documents.len() as u64, place))
            })
            .try_buffered(workers as usize)
    );
    let (mut copied, mut noted, mut place) = (reindex.copied, Instant::now(), reindex.place);
    let note = async |place: Place, copied: u64| {
        patiently(async || Ok(reindexes::advance(&mut *store.acquire().await?, reindex.id, place, copied).await?)).await
    };
    while let Some((documents, behind)) = written.next().await.transpose()? {
        copied += documents;
        place = behind;
        progress.advance_by(documents);
        if noted.elapsed() >= NOTE_EVERY {
            note(place, copied).await?;
            noted = Instant::now();
        }
    }
    note(place, copied).await?;
    progress.total_is(copied);
    Ok(copied)
}

/// The next piece and the place behind it, twice: to be written, and to go on from.
async fn read(store: &Store, place: Place) -> Result<Option<((Vec<Document>, Place), Place)>> {
    let everything = (u64::MAX, u64::MAX);
    let piece = patiently(async || Ok(messages::walk(&mut *store.acquire().await?, place, everything, PIECE).await?)).await?;
    let documents: Vec<Document> = piece
        .into_iter()
        .map(|(application_id, chat, message)| Document {
            application_id,
            chat,
            number: message.number,
            version: message.version,
            body: message.body,
        })
        .collect();
    let Some(last) = documents.last() else { return Ok(None) };
    let place = (last.application_id.get(), last.chat.get(), last.number.get());
    Ok(Some(((documents, place), place)))
}

async fn write(next: &SearchIndex, documents: &[Document]) -> Result<()> {
    let (mut left, mut reason) = (documents.to_vec(), None);
    for _ in 0..RESTS {
        let indexed = patiently(async || Ok(next.index(&left).await?)).await.context("the new version cannot be written")?;
        if let Some((document, reason)) = indexed.rejected.first() {
            bail!("the new version refuses message {document}: {reason}");
        }
        if indexed.retry.is_empty() {
            return Ok(());
        }
        left.retain(|document| indexed.retry.contains(&document.id()));
        reason = indexed.retry_reason;
        sleep(REST).await;
    }
    let reason = reason.unwrap_or_default();
    bail!("the search server is too busy, or takes no writes ({reason}): the same command goes on from here")
}
