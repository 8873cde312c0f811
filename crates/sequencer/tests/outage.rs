//! Redis is down, stands still or must not be used: every call says so in time, and the same sequencer recovers by itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use devstack::Server;
use events::Epoch;
use sequencer::{Adoption, Error, NeedsEpochReason, Outage, Record, Sequencer};
use support::{
    CONNECT_TIMEOUT, Issue, Private, RESPONSE_TIMEOUT, SLACK, adopt, application, chat, next_message, open, seeded_chat,
    settings, until,
};

/// After the return of Redis.
const RECOVERY: Duration = Duration::from_secs(2);

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    for url in ["", "http://localhost", "redis://", "rediss://"] {
        let outcome = Sequencer::connect(&settings(url, "chat:"));
        assert!(matches!(outcome, Err(Error::InvalidSettings(_))), "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn redis_need_not_be_up_at_the_start() {
    let redis = Private::start().await;
    redis.kill().await;
    let sequencer = redis.sequencer();
    unavailable_within(SLACK, sequencer.check()).await;
    unavailable_within(SLACK, sequencer.adopt()).await;

    redis.start_again().await;

    let took = until(RECOVERY, async || sequencer.check().await.is_ok()).await;
    println!("usable {took:?} after Redis answers");
    open(&sequencer, 1).await;
}

#[tokio::test]
async fn while_redis_is_down_every_call_fails_fast_and_afterwards_the_same_sequencer_serves() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;

    redis.kill().await;
    for _ in 0..50 {
        unavailable_within(SLACK, sequencer.issue_message(&adopted, token, chat(1))).await;
    }
    unavailable_within(SLACK, sequencer.issue_chat(&adopted, token)).await;
    unavailable_within(SLACK, sequencer.last_chat(&adopted, token)).await;
    unavailable_within(SLACK, sequencer.remove_epochs_below(Epoch::new(9))).await;
    unavailable_within(SLACK, sequencer.write_record(adopted.record())).await;
    unavailable_within(SLACK, sequencer.adopt()).await;
    unavailable_within(SLACK, sequencer.check()).await;

    redis.start_again().await;

    // Nobody calls meanwhile: the connection, the only one that speaks RESP3, comes back without being asked.
    let took = until(RECOVERY, async || redis.operate::<String>(&["CLIENT", "LIST"]).contains("resp=3")).await;
    println!("connected {took:?} after Redis answers");
    // Redis knows of it a moment before the sequencer, which asks who is there first.
    until(RECOVERY, async || sequencer.check().await.is_ok()).await;
    open(&sequencer, 2).await;
}

#[tokio::test]
async fn a_redis_that_stands_still_costs_no_call_more_than_its_deadline() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;

    redis.stack.pause(Server::Redis).unwrap();
    let first = unavailable_within(RESPONSE_TIMEOUT + SLACK, sequencer.issue_message(&adopted, token, chat(1))).await;
    assert!(matches!(first, Outage::TimedOut), "{first:?}");
    unavailable_within(CONNECT_TIMEOUT + RESPONSE_TIMEOUT + SLACK, sequencer.adopt()).await;
    unavailable_within(CONNECT_TIMEOUT + RESPONSE_TIMEOUT + SLACK, sequencer.write_record(adopted.record())).await;
    // Once the link has noticed, calls no longer wait for their deadline.
    until(Duration::from_secs(5), async || {
        let began = Instant::now();
        let outcome = sequencer.check().await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        began.elapsed() < RESPONSE_TIMEOUT / 10
    })
    .await;
    redis.stack.resume(Server::Redis).unwrap();

    // It is the same process, nothing was lost: the epoch goes on. The calls that were given up may have taken numbers.
    let took = until(RECOVERY, async || sequencer.check().await.is_ok()).await;
    println!("usable {took:?} after Redis goes on");
    let number = next_message(&sequencer, &adopted, token).await;
    assert!((6..=7).contains(&number), "{number}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_under_load_gives_no_number_twice() {
    let redis = Private::start().await;
    redis.operate::<()>(&["CONFIG", "SET", "appendfsync", "always"]);
    let sequencer = redis.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 0).await;

    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (sequencer, adopted) = (sequencer.clone(), adopted.clone());
        callers.spawn(async move {
            let mut numbers = Vec::new();
            loop {
                match sequencer.issue_message(&adopted, token, chat(1)).await {
                    Ok(sequencer::MessageIssue::Issued { number, .. }) => numbers.push(number.get()),
                    Ok(other) => panic!("{other:?}"),
                    Err(Error::Stale) => return numbers,
                    Err(Error::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
    }
    until(Duration::from_secs(10), async || {
        sequencer.last_message(&adopted, token, chat(1)).await.unwrap().is_some_and(|last| last > 1000)
    })
    .await;
    redis.kill().await;
    redis.start_again().await;

    let mut numbers: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    let given = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), given);
    assert!(given > 1000, "{given}");
}

#[tokio::test]
async fn a_policy_that_evicts_makes_redis_unfit_until_it_is_changed() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let adopted = open(&sequencer, 1).await;

    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru"] {
        redis.operate::<()>(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let outcome = sequencer.check().await;
        assert!(matches!(&outcome, Err(Error::Unfit(why)) if why.contains(policy)), "{outcome:?}");
        let outcome = sequencer.adopt().await;
        assert!(matches!(&outcome, Err(Error::Unfit(why)) if why.contains(policy)), "{outcome:?}");
        let higher = Record { epoch: Epoch::new(9), ..adopted.record().clone() };
        assert!(matches!(sequencer.write_record(&higher).await, Err(Error::Unfit(_))));
    }

    redis.operate::<()>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    sequencer.check().await.unwrap();
    assert_eq!(adopt(&sequencer).await.record(), adopted.record());
}

#[tokio::test]
async fn once_keys_were_evicted_no_missing_counter_is_set_in_that_epoch() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;

    // A few keys of others, while nobody looks; then the counters, which could as well have been among them.
    redis.operate::<()>(&["EVAL", "for i = 1, 5000 do redis.call('SET', 'other:' .. i, string.rep('x', 1000)) end", "0"]);
    let statistics: String = redis.operate(&["INFO", "memory"]);
    let used: u64 = statistics.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap();
    redis.operate::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]);
    redis.operate::<()>(&["CONFIG", "SET", "maxmemory", &(used - 50_000).to_string()]);
    redis.operate::<()>(&["SET", "one:more", "x"]);
    redis.operate::<()>(&["CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction"]);
    let keys = redis.operate::<Vec<String>>(&["KEYS", &format!("*{{{token}}}:*")]);
    for key in &keys {
        redis.operate::<()>(&["DEL", key]);
    }

    assert!(matches!(sequencer.seed_application(&adopted, token, application(), 1).await, Err(Error::Stale)));
    assert!(matches!(sequencer.seed_chat(&adopted, token, chat(1), 5).await, Err(Error::Stale)));
    match sequencer.adopt().await.unwrap() {
        Adoption::NeedsEpoch { reason, found: Some(found), .. } => {
            assert_eq!((reason, &found), (NeedsEpochReason::KeysEvicted, adopted.record()));
        }
        other => panic!("{other:?}"),
    }
    let next = open(&sequencer, 2).await;
    let token = seeded_chat(&sequencer, &next, 5).await;
    assert_eq!(next_message(&sequencer, &next, token).await, 6);
}

#[tokio::test]
async fn a_redis_without_memory_is_unavailable_and_counts_on_when_it_has_some() {
    let redis = Private::start().await;
    let sequencer = redis.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;

    redis.operate::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let outage = unavailable_within(SLACK, sequencer.issue_message(&adopted, token, chat(1))).await;
    assert!(matches!(outage, Outage::Refused(_)), "{outage:?}");
    assert_eq!(sequencer.last_message(&adopted, token, chat(1)).await.unwrap(), Some(5));

    redis.operate::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(next_message(&sequencer, &adopted, token).await, 6);
}

/// Checks that the call fails as unavailable in time, and says why.
async fn unavailable_within<T: std::fmt::Debug>(limit: Duration, call: impl Future<Output = Result<T, Error>>) -> Outage {
    let began = Instant::now();
    let outcome = call.await;
    let took = began.elapsed();
    assert!(took < limit, "{took:?}");
    match outcome {
        Err(Error::Unavailable(outage)) => outage,
        other => panic!("{other:?}"),
    }
}
