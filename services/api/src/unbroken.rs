//! Pages that pass over no number that may still come, so that who follows their links sees every number, in order and once.
//!
//! A number can be stored a moment after a higher one: both were given at the same time, and published the other way round. A
//! page that would show what stands behind such a gap ends before it. What is missing below an entry is
//!
//! - *young*, while the entry's create began less than `api.gap_hold_s` ago: its own create may still be under way, or about to
//!   be sent again with its idempotency key;
//! - *proven* after that, when all that was published until then is stored (a fence in the queue tells). It is a gap for ever
//!   (but for a retry that comes even later);
//! - *old* after [`LONGEST_QUEUE`], without a proof.
//!
//! The hold is counted from the ingest's clock by the api's: it must be longer by as much as they may differ. Where the first was
//! wrong and an entry comes from the future, it is counted from when the entry was first seen. A page that would begin with a gap
//! that is not proven waits for a moment first. It must never fail because a proof cannot be had, and never cost anything when
//! no number is missing, or only old ones are.

use std::time::{Duration, Instant};

use domain::{Page, PageRequest, Timestamp};
use service::problem::Problem;
use tokio::time::sleep;

use crate::{
    Settings, gaps,
    record::Numbered,
    sightings::Sightings,
    waiting::{POLL_MAX, POLL_MIN},
};

/// How long something is thought to wait in the queues at most. Behind an outage of the consumer that was longer, a page can pass
/// over a number that is stored in the next moment.
pub(crate) const LONGEST_QUEUE: Duration = Duration::from_secs(3_600);

/// The page that `request` asks for, as `read` finds it, up to the first number that may still come. `stored_up_to` tells up to
/// which moment all that was published is surely stored, if it can; it is asked for a moment that it has to reach.
pub(crate) async fn unbroken<T: Numbered>(
    settings: &Settings,
    sightings: &Sightings,
    request: PageRequest,
    read: impl AsyncFn(PageRequest) -> Result<Page<T>, Problem>,
    stored_up_to: impl AsyncFn(Timestamp) -> Option<Timestamp>,
) -> Result<Page<T>, Problem> {
    let Some(hold) = settings.gap_hold() else { return read(request).await };
    let waited = Instant::now() + settings.read_wait();
    // What is missing below entries whose creates began until then is a gap for ever.
    let mut proven = earlier(Timestamp::now(), LONGEST_QUEUE);
    let (mut asked, mut pause) = (None, POLL_MIN);
    loop {
        let mut page = read(request).await?;
        let beyond = match gaps::beyond(&page, request) {
            Some(above) => read(above).await?.entries.first().map(T::created_at),
            None => None,
        };
        let young = |above| sightings.began(above) > proven;
        let Some(gap) = gaps::first(&page, request, beyond, young) else { return Ok(page) };
        let began = sightings.began(gap.above);
        if asked < Some(began) && began <= earlier(Timestamp::now(), hold) {
            asked = Some(began);
            // What was read before the proof may be older than it, so the page is read again.
            if let Some(moment) = stored_up_to(later(began, hold)).await {
                proven = proven.max(earlier(moment, hold));
                continue;
            }
        }
        if gap.passed > 0 || Instant::now() >= waited {
            gaps::cut(&mut page, request, gap);
            return Ok(page);
        }
        sleep(pause).await;
        pause = (pause * 2).min(POLL_MAX);
    }
}

fn earlier(moment: Timestamp, by: Duration) -> Timestamp {
    shifted(moment, -(by.as_millis() as i64))
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    shifted(moment, by.as_millis() as i64)
}

/// Spans here are an hour at most, so only at the ends of the calendar is there no such moment.
fn shifted(moment: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(moment.to_unix_millis().saturating_add(millis)).unwrap_or(moment)
}
