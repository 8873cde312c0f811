//! Numbers for many callers by one call: dense, single, and nobody's end is another's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::time::Instant;

use devstack::Server;
use sequencer::{Error, MessageIssue};
use support::{
    RESPONSE_TIMEOUT, SLACK,
    busy::{Busy, first},
};
use tokio::task::JoinSet;

#[tokio::test]
async fn callers_of_the_same_moment_share_a_call_and_get_numbers_of_their_own() {
    let busy = Busy::start(1).await;
    let before = busy.calls();
    let mut asking = JoinSet::new();
    for count in (1..=4).cycle().take(2_000) {
        let caller = busy.asking(1, count);
        asking.spawn(async move { (first(caller.await), count) });
    }
    let mut given = asking.join_all().await;
    given.sort_unstable();
    let mut next = 6;
    for (first, count) in given {
        assert_eq!(first, next);
        next += u64::from(count);
    }
    assert_eq!(next, 5_006);
    // For at most 256 callers each, and the first caller's own.
    let calls = busy.calls() - before;
    assert!((2..=20).contains(&calls), "{calls} calls");
    assert_eq!(busy.next(1, 1).await, 5_006);
}

#[tokio::test]
async fn what_is_not_a_number_is_told_to_all() {
    let busy = Busy::start(1).await;
    let mut asking = JoinSet::new();
    for _ in 0..50 {
        let caller = busy.asking(2, 1);
        asking.spawn(async move { caller.await.unwrap() });
    }
    assert_eq!(asking.join_all().await, [MessageIssue::NoSuchChat; 50]);
    busy.redis.operate::<()>(&["FLUSHALL"]);
    for asking in [busy.ask(1, 1).await, busy.ask(2, 1).await, busy.ask(1, 1).await] {
        let outcome = asking.await.unwrap();
        assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
    }
}

#[tokio::test]
async fn very_many_numbers_for_one_are_a_call_of_their_own() {
    let busy = Busy::start(1).await;
    busy.redis.stack.pause(Server::Redis).unwrap();
    let asking = [busy.ask(1, 1).await, busy.ask(1, u16::MAX).await, busy.ask(1, u16::MAX).await, busy.ask(1, 1).await];
    busy.redis.stack.resume(Server::Redis).unwrap();
    let mut next = 6;
    for (asking, count) in asking.into_iter().zip([1, u16::MAX, u16::MAX, 1]) {
        assert_eq!(first(asking.await.unwrap()), next);
        next += u64::from(count);
    }
}

#[tokio::test]
async fn who_asks_and_goes_away_keeps_nobody_from_a_number() {
    let busy = Busy::start(1).await;
    busy.redis.stack.pause(Server::Redis).unwrap();
    let (one, two, three) = (busy.ask(1, 1).await, busy.ask(1, 1).await, busy.ask(1, 2).await);
    one.abort();
    two.abort();
    let gone = (one.await.unwrap_err(), two.await.unwrap_err());
    assert!(gone.0.is_cancelled() && gone.1.is_cancelled());
    busy.redis.stack.resume(Server::Redis).unwrap();
    let given = first(three.await.unwrap());
    assert!((6..=8).contains(&given), "{given}");
    assert_eq!(busy.next(1, 1).await, given + 2);
}

#[tokio::test]
async fn when_a_call_fails_those_who_wait_learn_it_with_its_caller() {
    let busy = Busy::start(2).await;
    busy.redis.stack.pause(Server::Redis).unwrap();
    let began = Instant::now();
    for asking in [busy.ask(1, 1).await, busy.ask(1, 1).await, busy.ask(2, 1).await] {
        let outcome = asking.await.unwrap();
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    }
    assert!(began.elapsed() < RESPONSE_TIMEOUT + SLACK, "{:?}", began.elapsed());
    busy.redis.stack.resume(Server::Redis).unwrap();
    support::until(RESPONSE_TIMEOUT * 10, async || busy.asking(1, 1).await.is_ok()).await;
}
