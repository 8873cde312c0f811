//! Requests of clients that are limited: charged by the call that gives the number, once, and before anything else is touched.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use deadpool_redis::redis::cmd;
use domain::{EventId, Timestamp};
use gcra::{Bucket, Charge, Standing, Verdict};
use sequencer::{ChatIssue, Digest, Error, Known, MessageIssue, Once};
use support::{Private, Shared, application, chat, message, next_message, open, run, seeded_chat};

/// A request of the one client there is: two a minute may come, both at once.
fn charge(shared: &Shared) -> Charge {
    let key = format!("{}limit:creates:192.0.2.1", shared.settings.key_prefix);
    Charge::new(Bucket { key, interval_us: 30_000_000, burst: 2 })
}

fn judged(charge: &Charge) -> Verdict {
    match charge.claim() {
        Standing::Judged(verdict) => verdict,
        _ => panic!("the charge was not made"),
    }
}

fn once(key: u8) -> Once {
    let (key, fingerprint) = (Digest::from_bytes([key; 16]), Digest::from_bytes([1; 16]));
    Once { key, fingerprint, event_id: EventId::generate(), created_at: Timestamp::now(), superseded: None }
}

fn issued(number: u64) -> MessageIssue {
    MessageIssue::Issued { application_id: application(), number: message(number) }
}

#[tokio::test]
async fn beyond_its_limit_a_create_takes_no_number_and_leaves_no_record() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 0).await;
    let one = async |once: Option<&Once>| {
        let charge = charge(&shared);
        let issue = sequencer.issue_messages_once(&adopted, token, chat(1), 3, once, Some(&charge)).await.unwrap();
        (issue, judged(&charge))
    };
    let scene = async |once: Option<&Once>| {
        let charge = charge(&shared);
        (sequencer.issue_chat_once(&adopted, token, once, Some(&charge)).await.unwrap(), judged(&charge))
    };
    let first = once(1);
    let (issue, verdict) = one(Some(&first)).await;
    assert_eq!((issue, verdict.passes, verdict.remaining), (issued(1), true, 1));
    // What has been done before counts as well.
    let (issue, verdict) = one(Some(&once(1))).await;
    let Once { event_id, created_at, .. } = first;
    let again = Known::Pending { application_id: application(), number: message(1), event_id, created_at };
    assert_eq!((issue, verdict.passes, verdict.remaining), (MessageIssue::Known(again), true, 0));

    let before = shared.keys().len();
    for known in [Some(&once(1)), Some(&once(2)), None] {
        let (issue, verdict) = one(known).await;
        assert_eq!((issue, verdict.passes, verdict.remaining), (MessageIssue::Limited(verdict), false, 0));
        assert!((1..=30).contains(&verdict.next_s()), "{verdict:?}");
        let (issue, verdict) = scene(known).await;
        assert_eq!((issue, verdict.passes), (ChatIssue::Limited(verdict), false));
    }
    assert_eq!(shared.keys().len(), before, "{:?}", shared.keys());
    assert_eq!(next_message(&sequencer, &adopted, token).await, 4);
    assert_eq!(sequencer.last_chat(&adopted, token).await.unwrap(), Some((application(), 1)));

    // When its time has come, all is as if it had not asked.
    let bucket = format!("{}limit:creates:192.0.2.1", shared.settings.key_prefix);
    run::<u64>(&shared.settings.url, cmd("DEL").arg(bucket));
    assert_eq!(one(Some(&once(2))).await.0, issued(5));
    let number = chat(2);
    assert_eq!(scene(None).await.0, ChatIssue::Issued { application_id: application(), number });
}

#[tokio::test]
async fn a_request_is_charged_once_however_often_it_asks() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = support::token();
    let asking = charge(&shared);
    let ask = async |charge: &Charge| {
        sequencer.issue_messages_once(&adopted, token, chat(1), 1, Some(&once(1)), Some(charge)).await.unwrap()
    };
    // As a create does whose counters are missing.
    assert_eq!(ask(&asking).await, MessageIssue::ApplicationNotSeeded);
    sequencer.seed_application(&adopted, token, application(), 1).await.unwrap();
    assert_eq!(ask(&asking).await, MessageIssue::ChatNotSeeded { application_id: application() });
    sequencer.seed_chat(&adopted, token, chat(1), 7).await.unwrap();
    assert_eq!(ask(&asking).await, issued(8));
    assert_eq!(judged(&asking).remaining, 1);

    let next = charge(&shared);
    assert!(matches!(ask(&next).await, MessageIssue::Known(Known::Pending { .. })));
    assert_eq!((judged(&next).passes, judged(&next).remaining), (true, 0));
    // Who was refused stays so.
    let last = charge(&shared);
    for _ in 0..2 {
        assert_eq!(ask(&last).await, MessageIssue::Limited(judged(&last)));
    }
    assert_eq!(next_message(&sequencer, &adopted, token).await, 9);
}

#[tokio::test]
async fn an_epoch_that_no_longer_holds_charges_nobody() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 5).await;
    let current = open(&sequencer, 2).await;
    let charge = charge(&shared);
    let before = shared.keys().len();
    for _ in 0..3 {
        let outcome = sequencer.issue_messages_once(&adopted, token, chat(1), 1, None, Some(&charge)).await;
        assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
        let outcome = sequencer.issue_chat_once(&adopted, token, None, Some(&charge)).await;
        assert!(matches!(outcome, Err(Error::Stale)), "{outcome:?}");
    }
    assert_eq!(shared.keys().len(), before, "{:?}", shared.keys());
    let issue = sequencer.issue_messages_once(&current, token, chat(1), 1, None, Some(&charge)).await.unwrap();
    assert_eq!((issue, judged(&charge).remaining), (MessageIssue::ApplicationNotSeeded, 1));
}

#[tokio::test]
async fn when_redis_does_not_answer_the_charge_may_have_been_made() {
    let private = Private::start().await;
    let sequencer = private.sequencer();
    let adopted = open(&sequencer, 1).await;
    let token = seeded_chat(&sequencer, &adopted, 0).await;
    let charge = Charge::new(Bucket { key: "chat:limit:creates:192.0.2.1".into(), interval_us: 30_000_000, burst: 2 });
    private.stack.pause(devstack::Server::Redis).unwrap();
    let outcome = sequencer.issue_messages_once(&adopted, token, chat(1), 1, None, Some(&charge)).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(matches!(charge.claim(), Standing::Unanswered));
    private.stack.resume(devstack::Server::Redis).unwrap();
}
