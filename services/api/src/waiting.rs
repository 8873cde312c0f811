//! Read your write: a number that was given and is not stored yet is waited for, and never called unknown while it may still
//! come.
//!
//! What is not in MySQL was either never given (Redis knows, and MySQL whether it is the right Redis), or is on its way through
//! the queue, or was burnt by a create that got an error. After the time in which a create is published or given up, a fence
//! behind it tells the last two apart.

use std::time::{Duration, Instant};

use actix_web::{HttpResponse, http::header::RETRY_AFTER};
use domain::{ApplicationId, ApplicationToken, ChatNumber, MessageNumber};
use numbering::Numbering;
use problems::of_numbering;
use service::problem::Problem;
use tokio::time::sleep_until;

use crate::representation::PendingBody;

/// How long the fence may take, once the polling is over.
pub(crate) const FENCE_WITHIN: Duration = Duration::from_millis(1_200);
/// Between two looks: at first, and at most.
pub(crate) const POLL_MIN: Duration = Duration::from_millis(10);
pub(crate) const POLL_MAX: Duration = Duration::from_millis(100);

/// What is not stored at first sight.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) token: ApplicationToken,
    pub(crate) application: ApplicationId,
    pub(crate) chat: ChatNumber,
    /// `None` for the chat itself.
    pub(crate) message: Option<MessageNumber>,
}

/// What became of the wait.
pub(crate) enum Waited<T> {
    /// It is stored.
    Found(T),
    /// Its number was never given.
    NeverGiven,
    /// Its number was given to a create that got an error.
    Gap,
    /// It may still come.
    Pending,
}

/// Waits for `wanted`, looking with `look`, for `read_wait` and a fence.
pub(crate) async fn wait_for<T>(
    numbering: &Numbering,
    wanted: Wanted,
    read_wait: Duration,
    look: impl AsyncFn() -> Result<Option<T>, Problem>,
) -> Result<Waited<T>, Problem> {
    let Wanted { token, application, chat, message } = wanted;
    let polled = Instant::now() + read_wait;
    if !numbering.may_come(token, application, chat, message, polled).await.map_err(of_numbering)? {
        return Ok(Waited::NeverGiven);
    }
    let mut pause = POLL_MIN;
    loop {
        let next = (Instant::now() + pause).min(polled);
        sleep_until(next.into()).await;
        if let Some(found) = look().await? {
            return Ok(Waited::Found(found));
        }
        if next == polled {
            break;
        }
        pause = (pause * 2).min(POLL_MAX);
    }
    if !numbering.settled(application, chat, Instant::now() + FENCE_WITHIN).await.map_err(of_numbering)? {
        return Ok(Waited::Pending);
    }
    Ok(look().await?.map_or(Waited::Gap, Waited::Found))
}

/// 202: accepted, not stored yet; ask again.
pub(crate) fn pending(number: u64) -> HttpResponse {
    HttpResponse::Accepted().insert_header((RETRY_AFTER, "1")).json(PendingBody { number, status: "accepted" })
}
