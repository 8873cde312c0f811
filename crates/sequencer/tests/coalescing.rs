//! Numbers for many callers by one call: dense, single, and nobody's end is another's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::{sync::Arc, time::Instant};

use devstack::Server;
use domain::ApplicationToken;
use sequencer::{Adopted, Coalescer, Error, MessageIssue};
use support::{Private, RESPONSE_TIMEOUT, SLACK, application, chat, open, seeded_chat};
use tokio::task::{JoinHandle, JoinSet, yield_now};

/// A Redis that may be harmed, and a chat whose last message is 5.
struct Busy {
    redis: Private,
    coalescer: Coalescer,
    adopted: Arc<Adopted>,
    token: ApplicationToken,
}

impl Busy {
    async fn start() -> Self {
        let redis = Private::start().await;
        let sequencer = redis.sequencer();
        let adopted = Arc::new(open(&sequencer, 1).await);
        let token = seeded_chat(&sequencer, &adopted, 5).await;
        Self { redis, coalescer: Coalescer::new(sequencer), adopted, token }
    }

    /// A caller that has asked, or waits for its turn.
    async fn ask(&self, count: u16) -> JoinHandle<Result<MessageIssue, Error>> {
        let (coalescer, adopted, token) = (self.coalescer.clone(), self.adopted.clone(), self.token);
        let asking = tokio::spawn(async move { issue(coalescer.issue_messages(&adopted, token, chat(1), count).await) });
        yield_now().await;
        asking
    }

    async fn next(&self, count: u16) -> u64 {
        number(issue(self.coalescer.issue_messages(&self.adopted, self.token, chat(1), count).await))
    }

    fn calls(&self) -> u64 {
        let stats: String = self.redis.operate(&["INFO", "commandstats"]);
        let calls = |line: &str| line.strip_prefix("cmdstat_evalsha:calls=")?.split(',').next()?.parse().ok();
        stats.lines().find_map(calls).unwrap_or(0)
    }
}

/// What came of a call, which must have begun by now.
fn issue(answer: Result<(MessageIssue, Instant), Error>) -> Result<MessageIssue, Error> {
    let (issue, began) = answer?;
    assert!(began <= Instant::now());
    Ok(issue)
}

fn number(issue: Result<MessageIssue, Error>) -> u64 {
    match issue.unwrap() {
        MessageIssue::Issued { application_id, number } => {
            assert_eq!(application_id, application());
            number.get()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn callers_of_the_same_moment_share_a_call_and_get_numbers_of_their_own() {
    let busy = Busy::start().await;
    let before = busy.calls();
    let mut asking = JoinSet::new();
    for count in (1..=4).cycle().take(2_000) {
        let (coalescer, adopted, token) = (busy.coalescer.clone(), busy.adopted.clone(), busy.token);
        asking.spawn(async move { (number(issue(coalescer.issue_messages(&adopted, token, chat(1), count).await)), count) });
    }
    let mut given = asking.join_all().await;
    given.sort_unstable();
    let mut next = 6;
    for (first, count) in given {
        assert_eq!(first, next);
        next += u64::from(count);
    }
    assert_eq!(next, 5_006);
    // Of at most 1,000 numbers each, and the first caller's own.
    let calls = busy.calls() - before;
    assert!((2..=20).contains(&calls), "{calls} calls");
    assert_eq!(busy.next(1).await, 5_006);
}

#[tokio::test]
async fn what_is_not_a_number_is_told_to_all() {
    let busy = Busy::start().await;
    let mut asking = JoinSet::new();
    for _ in 0..50 {
        let (coalescer, adopted, token) = (busy.coalescer.clone(), busy.adopted.clone(), busy.token);
        asking.spawn(async move { issue(coalescer.issue_messages(&adopted, token, chat(2), 1).await).unwrap() });
    }
    assert_eq!(asking.join_all().await, [MessageIssue::NoSuchChat; 50]);
    busy.redis.operate::<()>(&["FLUSHALL"]);
    for asking in [busy.ask(1).await, busy.ask(1).await, busy.ask(1).await] {
        let outcome = asking.await.unwrap();
        assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
    }
}

#[tokio::test]
async fn very_many_numbers_for_one_are_a_call_of_their_own() {
    let busy = Busy::start().await;
    busy.redis.stack.pause(Server::Redis).unwrap();
    let asking = [busy.ask(1).await, busy.ask(u16::MAX).await, busy.ask(u16::MAX).await, busy.ask(1).await];
    busy.redis.stack.resume(Server::Redis).unwrap();
    let mut next = 6;
    for (asking, count) in asking.into_iter().zip([1, u16::MAX, u16::MAX, 1]) {
        assert_eq!(number(asking.await.unwrap()), next);
        next += u64::from(count);
    }
}

#[tokio::test]
async fn who_asks_and_goes_away_keeps_nobody_from_a_number() {
    let busy = Busy::start().await;
    busy.redis.stack.pause(Server::Redis).unwrap();
    let (first, second, third) = (busy.ask(1).await, busy.ask(1).await, busy.ask(2).await);
    first.abort();
    second.abort();
    let gone = (first.await.unwrap_err(), second.await.unwrap_err());
    assert!(gone.0.is_cancelled() && gone.1.is_cancelled());
    busy.redis.stack.resume(Server::Redis).unwrap();
    let given = number(third.await.unwrap());
    assert!((6..=8).contains(&given), "{given}");
    assert_eq!(busy.next(1).await, given + 2);
}

#[tokio::test]
async fn when_a_call_fails_those_who_wait_learn_it_with_its_caller() {
    let busy = Busy::start().await;
    busy.redis.stack.pause(Server::Redis).unwrap();
    let began = Instant::now();
    for asking in [busy.ask(1).await, busy.ask(1).await, busy.ask(1).await] {
        let outcome = asking.await.unwrap();
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    }
    assert!(began.elapsed() < RESPONSE_TIMEOUT + SLACK, "{:?}", began.elapsed());
    busy.redis.stack.resume(Server::Redis).unwrap();
    support::until(RESPONSE_TIMEOUT * 10, async || {
        busy.coalescer.issue_messages(&busy.adopted, busy.token, chat(1), 1).await.is_ok()
    })
    .await;
}
