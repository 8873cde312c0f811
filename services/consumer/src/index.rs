//! Gives stored messages to the search index, straight from the batches that stored them, so that they are found soon.
//!
//! It is only the short way: each hand-over has a row in the outbox, written with the messages, and whatever fails here is left
//! to the relay. So it never retries.

use std::{sync::Arc, time::Duration};

use domain::Timestamp;
use search::{Document, Indexed, SearchIndex};
use service::telemetry::Repeats;
use store::{Store, outbox, reindexes};
use tokio::time::Instant;
use trace::{Kind, Tracer};

use crate::{hand_over::Waiting, meters, traced::Spans};

/// While the index does not serve, it is said this often.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Writes hand-overs until there can be no more. A request begins no sooner than `every` after the one before it, unless enough
/// waits for it.
pub(crate) async fn run(index: Index, store: Store, tracer: Tracer, mut waiting: Waiting, every: Duration) {
    let mut due = Instant::now();
    while let Some(gathered) = waiting.gather(due).await {
        due = Instant::now() + every;
        let traces = gathered.traces.iter().copied();
        let mut spans = Spans::begin(&tracer, "index", Kind::Client, gathered.documents.len(), traces);
        spans.say("db.system.name", "elasticsearch");
        match index_and_settle(&index, &store, &gathered.outbox_ids, &gathered.documents).await {
            Ok(Written::All) => {}
            Ok(Written::InPart) => spans.fail("left to the relay"),
            Err(error) => {
                // The rows come due by themselves, and writing a document again changes nothing.
                tracing::debug!(%error, "outbox rows left to the relay");
                spans.fail("left to the relay");
            }
        }
        meters::index_lag(gathered.age());
    }
}

async fn index_and_settle(index: &Index, store: &Store, ids: &[u64], documents: &[Document]) -> Result<Written, store::Error> {
    let aim = Aim::now(store).await?;
    let outcome = index.write(documents, aim).await;
    let mut connection = store.acquire().await?;
    let written = outcome.unwrap_or(Written::InPart);
    match written {
        Written::All => outbox::remove(&mut connection, ids, aim.reindex, Timestamp::now()).await?,
        Written::InPart => outbox::postpone(&mut connection, ids, Timestamp::now()).await?,
    }
    Ok(written)
}

/// Which versions of the index are written: while it is being made anew, the new one too. To be asked for before the writing, and
/// to be told when the outbox rows are removed: they stay if it is another by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aim {
    /// The reindex under way, by its key.
    pub(crate) reindex: Option<u64>,
}

impl Aim {
    pub(crate) async fn now(store: &Store) -> Result<Self, store::Error> {
        let reindex = reindexes::current(&mut *store.acquire().await?).await?;
        Ok(Self { reindex: reindex.map(|reindex| reindex.id) })
    }
}

/// Whether the index has the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// It has all that it will ever take.
    All,
    /// Some must be given again later.
    InPart,
}

/// The index, as the indexer and the relay write to it.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    search: SearchIndex,
    failures: Arc<Repeats>,
    put_off: Arc<Repeats>,
    unwritten: Arc<Repeats>,
}

impl Index {
    pub(crate) fn new(search: SearchIndex) -> Self {
        let repeats = || Arc::new(Repeats::every(SAY_EVERY));
        Self { search, failures: repeats(), put_off: repeats(), unwritten: repeats() }
    }

    /// Writes documents. A missing index is an outage like any other: whoever made one here would make it empty, and searches
    /// would take what little is in it for all there is.
    ///
    /// A version that is being made comes first, and must show them before the one in use is given them: so whatever a search
    /// finds at any moment, it will find after the new version has taken the old one's place. Where that version is noted and not
    /// there (not yet, or whoever makes it was broken off), or fails as a whole, the one in use is given them all the same, and
    /// they are given again: it must not fall behind for the sake of one that nobody searches. Where there is none in use, or one
    /// that no document fits, the one that is being made is enough: it, or another that is copied from MySQL, is the next that is
    /// searched.
    pub(crate) async fn write(&self, documents: &[Document], aim: Aim) -> Result<Written, search::Error> {
        if aim.reindex.is_none() {
            return self.told(self.search.index(documents).await);
        }
        match self.search.successor().index_and_show(documents).await {
            Err(search::Error::IndexMissing) => {
                self.told(self.search.index(documents).await)?;
                self.tell_of_no_successor();
                return Ok(Written::InPart);
            }
            Err(error @ (search::Error::Unavailable(_) | search::Error::Rejected { .. })) => {
                return match self.search.index(documents).await {
                    Err(search::Error::IndexMissing | search::Error::OtherFields) => self.told(Err(error)),
                    outcome => {
                        self.told(outcome)?;
                        self.tell_of_successor(&error);
                        Ok(Written::InPart)
                    }
                };
            }
            outcome => {
                if self.told(outcome)? == Written::InPart {
                    return Ok(Written::InPart);
                }
            }
        }
        match self.search.index(documents).await {
            Err(search::Error::IndexMissing | search::Error::OtherFields) => Ok(Written::All),
            outcome => self.told(outcome),
        }
    }

    fn tell_of_successor(&self, error: &search::Error) {
        meters::index_failures(1);
        if let Some(suppressed) = self.put_off.pass() {
            tracing::warn!(
                %error,
                suppressed,
                "the version of the search index that is being made takes nothing; the one in use goes on, and all is given again"
            );
        }
    }

    fn tell_of_no_successor(&self) {
        if let Some(suppressed) = self.put_off.pass() {
            tracing::warn!(
                suppressed,
                "the version of the search index that is being made is not there: if that lasts, `chatctl reindex` goes on with it, or \
                 `chatctl reindex --abort` gives it up"
            );
        }
    }

    fn told(&self, outcome: Result<Indexed, search::Error>) -> Result<Written, search::Error> {
        match outcome {
            Ok(indexed) => Ok(self.report(&indexed)),
            Err(error) => {
                meters::index_failures(1);
                match (self.failures.pass(), &error) {
                    (Some(suppressed), search::Error::IndexMissing) => tracing::error!(
                        suppressed,
                        "there is no search index: what is stored waits in the outbox, and `chatctl reindex` makes one of all that is stored"
                    ),
                    (Some(suppressed), search::Error::OtherFields) => tracing::error!(
                        suppressed,
                        "the search index was made by another version, for other fields: what is stored waits in the outbox, and \
                         `chatctl reindex` makes one that fits"
                    ),
                    (Some(suppressed), _) => {
                        tracing::warn!(%error, suppressed, "the search index takes nothing; what is stored waits in the outbox");
                    }
                    (None, _) => {}
                }
                Err(error)
            }
        }
    }

    /// What the index refuses for good would be refused for ever: it is told, counted and let go. All else is given again.
    fn report(&self, indexed: &Indexed) -> Written {
        meters::indexed(indexed.ok, indexed.rejected.len());
        if let Some((document, reason)) = indexed.rejected.first() {
            tracing::error!(%document, reason, rejected = indexed.rejected.len(), "the search index refuses messages");
        }
        if indexed.retry.is_empty() {
            return Written::All;
        }
        if indexed.ok == 0 {
            meters::index_failures(1);
        }
        meters::index_unwritten(indexed.unwritten);
        if indexed.unwritten > 0
            && let Some(suppressed) = self.unwritten.pass()
        {
            tracing::error!(
                messages = indexed.unwritten,
                suppressed,
                "the search index could not write to its disk: these messages are given again, but others that it took before may be \
                 lost to it; see to its disk, and when it serves again, `chatctl verify --repair` gives it all that it lacks"
            );
        }
        if let Some(suppressed) = self.put_off.pass() {
            let (messages, reason) = (indexed.retry.len(), indexed.retry_reason.as_deref());
            tracing::warn!(messages, reason, suppressed, "the search index does not take messages now; they are given again");
        }
        Written::InPart
    }
}
