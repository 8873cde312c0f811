//! Folds texts beside the HTTP workers: a text of 10,000 characters can take a tenth of a second, a search may look at hundreds,
//! and a worker that did it would answer nobody meanwhile.
//!
//! Few threads do it, and searches take turns at them, some texts each. Whoever waits here must hold no connection.

use std::{mem, sync::Arc, thread::available_parallelism};

use domain::Message;
use service::problem::Problem;
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

/// Bytes of text that are folded in one turn, unless a single text has more: some hundreds of usual ones, a tenth of a second of
/// the worst.
const TURN_BYTES: usize = 32 * 1024;

/// The threads. There is one of these for all workers.
pub(crate) struct Folding {
    threads: Arc<Semaphore>,
}

impl Folding {
    /// Half of the processors, so that the other half serves.
    pub(crate) fn new() -> Self {
        let threads = available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1));
        Self { threads: Arc::new(Semaphore::new(threads)) }
    }

    /// What `work` makes of each message, in their order. Where `until` is given, what is not begun then is left out; one turn is
    /// always made.
    ///
    /// # Errors
    /// 500 when `work` panics.
    pub(crate) async fn each<R: Send + 'static>(
        &self,
        messages: Vec<Message>,
        until: Option<Instant>,
        work: impl Fn(Message) -> R + Send + Sync + 'static,
    ) -> Result<Vec<R>, Problem> {
        let work = Arc::new(work);
        let mut results = Vec::with_capacity(messages.len());
        for turn in turns(messages) {
            let asked = Arc::clone(&self.threads).acquire_owned();
            let permit = match until {
                Some(until) if !results.is_empty() => match timeout_at(until, asked).await {
                    Ok(permit) if Instant::now() < until => permit,
                    _ => break,
                },
                _ => asked.await,
            };
            let permit = permit.map_err(Problem::internal)?;
            let work = Arc::clone(&work);
            let folded = spawn_blocking(move || {
                // Kept until the turn has ended, also when nobody waits for it any more.
                let _permit = permit;
                turn.into_iter().map(|message| work(message)).collect::<Vec<R>>()
            });
            results.append(&mut folded.await.map_err(Problem::internal)?);
        }
        Ok(results)
    }
}

/// The messages, in groups of [`TURN_BYTES`] of text or of one message.
fn turns(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let (mut turns, mut turn, mut bytes) = (Vec::new(), Vec::new(), 0);
    for message in messages {
        let length = message.body.as_str().len();
        if bytes + length > TURN_BYTES && !turn.is_empty() {
            turns.push(mem::take(&mut turn));
            bytes = 0;
        }
        bytes += length;
        turn.push(message);
    }
    if !turn.is_empty() {
        turns.push(turn);
    }
    turns
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{MessageBody, MessageNumber, Timestamp};

    use super::*;

    fn message(number: u64, body: &str) -> Message {
        let (number, body) = (MessageNumber::new(number).unwrap(), MessageBody::new(body).unwrap());
        Message { number, body, version: 1, created_at: Timestamp::now(), updated_at: Timestamp::now() }
    }

    fn messages(count: u64, body: &str) -> Vec<Message> {
        (1..=count).map(|number| message(number, body)).collect()
    }

    #[test]
    fn a_turn_is_full_at_its_size_but_takes_any_single_text() {
        let sizes = |messages| turns(messages).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
        assert_eq!(sizes(messages(5, &"x".repeat(10_000))), [3, 2]);
        assert_eq!(sizes(messages(3, &"\u{1f980}".repeat(10_000))), [1, 1, 1]);
        let kept: Vec<u64> = turns(messages(7, &"x".repeat(9_000))).into_iter().flatten().map(|kept| kept.number.get()).collect();
        assert_eq!(kept, [1, 2, 3, 4, 5, 6, 7]);
    }

    #[tokio::test]
    async fn every_message_has_its_result_and_what_comes_too_late_is_left_out() {
        let folding = Folding::new();
        let long = || messages(10, &"x".repeat(10_000));
        let numbers = folding.each(long(), None, |message| message.number.get()).await.unwrap();
        assert_eq!(numbers, (1..=10).collect::<Vec<u64>>());
        let past = Instant::now();
        let numbers = folding.each(long(), Some(past), |message| message.number.get()).await.unwrap();
        assert_eq!(numbers, [1, 2, 3]);
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(folding.each(long(), Some(later), |_| ()).await.unwrap().len(), 10);
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_thread_to_others() {
        let folding = Folding::new();
        let slow = |_| std::thread::sleep(Duration::from_millis(50));
        let given_up = tokio::time::timeout(Duration::from_millis(5), folding.each(messages(1, "x"), None, slow));
        assert!(given_up.await.is_err());
        assert_eq!(folding.each(messages(1, "x"), None, |_| 7).await.unwrap(), [7]);
    }
}
