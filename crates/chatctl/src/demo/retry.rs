//! When a client sends a request again: when it is told so (503 or 429), or got no answer at all. Never for ever.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use reqwest::{Response, StatusCode, header};
use serde::Deserialize;

/// The time within which a request must have had a good answer. A server that is restarted must be back by then.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// What an attempt came to.
pub(crate) enum Verdict {
    /// A success.
    Answer(Response),
    /// To be sent again.
    Again(Refusal),
    /// No good to send again; why.
    Refused(String),
}

/// Why, and how, to send again.
pub(crate) struct Refusal {
    reason: String,
    after: Option<Duration>,
    /// Nobody knows whether the attempt was accepted.
    pub(crate) unsure: bool,
}

/// The problem details (RFC 9457) of an error, as far as they matter here.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
}

/// The code with which ingest says that a message may or may not be in the queue.
const NOT_CONFIRMED: &str = "not_confirmed";

/// Judges an attempt.
pub(crate) async fn verdict(attempt: reqwest::Result<Response>) -> Verdict {
    let answer = match attempt {
        Ok(answer) if answer.status().is_success() => return Verdict::Answer(answer),
        Ok(answer) => answer,
        Err(error) => return no_answer(error),
    };
    let status = answer.status();
    let after = retry_after(&answer);
    let problem: Problem = answer.json().await.unwrap_or_default();
    let reason = format!("{status} {} {}", problem.code, problem.detail);
    match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            Verdict::Again(Refusal { reason, after, unsure: problem.code == NOT_CONFIRMED })
        }
        _ => Verdict::Refused(reason),
    }
}

/// A request that never got through was surely not accepted; any other may have been.
fn no_answer(error: reqwest::Error) -> Verdict {
    let unsure = !error.is_connect();
    Verdict::Again(Refusal { reason: format!("{:#}", anyhow::Error::new(error.without_url())), after: None, unsure })
}

/// `Retry-After` in seconds; the services give no dates.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The retries of one request.
pub(crate) struct Retries {
    deadline: Instant,
    backoff: Duration,
}

impl Retries {
    pub(crate) fn new() -> Self {
        Self { deadline: Instant::now() + PATIENCE, backoff: SHORTEST_WAIT }
    }

    /// Waits as long as was asked for, or longer each time; a little more by chance, so that not all come back at once.
    ///
    /// # Errors
    /// When the request has had its time: the last refusal.
    pub(crate) async fn wait(&mut self, refusal: &Refusal) -> Result<()> {
        let wait = refusal.after.unwrap_or(self.backoff).min(LONGEST_WAIT);
        let wait = wait.mul_f64(rand::random_range(1.0..1.5));
        self.backoff = (self.backoff * 2).min(LONGEST_WAIT);
        if Instant::now() + wait > self.deadline {
            bail!("{} (after {} s of trying)", refusal.reason, PATIENCE.as_secs());
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }
}
