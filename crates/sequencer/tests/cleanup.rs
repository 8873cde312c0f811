//! What epochs that are over have left behind is removed, and nothing else.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use deadpool_redis::redis::cmd;
use domain::ChatNumber;
use events::Epoch;
use sequencer::{Counter, Seed};
use support::{Shared, next_message, open, run, seeded_chat};

#[tokio::test]
async fn keys_of_lower_epochs_go_and_those_of_the_present_one_stay() {
    let shared = Shared::new();
    let sequencer = shared.sequencer();
    let mut present = None;
    // Epoch 10 is the higher one, though its name sorts before that of 9.
    for epoch in [8, 9, 10] {
        let adopted = open(&sequencer, epoch).await;
        let mut tokens = Vec::new();
        for _ in 0..600 {
            tokens.push(seeded_chat(&sequencer, &adopted, 3).await);
        }
        present = Some((adopted, tokens));
    }
    let foreign = format!("{}{{not-a-token}}:1", shared.settings.key_prefix);
    run::<()>(&shared.settings.url, cmd("SET").arg(&foreign).arg(1));

    // Two epochs, each of 600 applications with a chat.
    assert_eq!(sequencer.remove_epochs_below(Epoch::new(10)).await.unwrap(), 2400);
    assert_eq!(sequencer.remove_epochs_below(Epoch::new(10)).await.unwrap(), 0);

    let left = shared.keys();
    assert_eq!(left.len(), 1200 + 2, "{left:?}");
    assert!(left.contains(&shared.record_key()) && left.contains(&foreign));
    let (adopted, tokens) = present.unwrap();
    for token in tokens {
        assert_eq!(next_message(&sequencer, &adopted, token).await, 4);
    }
}

#[tokio::test]
async fn the_counters_of_an_epoch_are_listed_and_one_that_is_forgotten_must_be_seeded() {
    let shared = Shared::new();
    let sequencer = shared.sequencer();
    seeded_chat(&sequencer, &open(&sequencer, 1).await, 3).await;
    let adopted = open(&sequencer, 2).await;
    let tokens = [seeded_chat(&sequencer, &adopted, 3).await, seeded_chat(&sequencer, &adopted, 3).await];
    let (mut found, mut from) = (Vec::new(), Some(0));
    while let Some(place) = from {
        let counters = sequencer.counters(&adopted, place).await.unwrap();
        found.extend(counters.some);
        from = counters.next;
    }
    let [kept, lost] = tokens;
    for token in tokens {
        assert!(
            found.contains(&Counter { token, chat: None }) && found.contains(&Counter { token, chat: Some(ChatNumber::FIRST) })
        );
    }
    assert!(found.iter().all(|counter| tokens.contains(&counter.token)), "{found:?}");
    let counter = Counter { token: lost, chat: Some(ChatNumber::FIRST) };
    assert!(sequencer.forget(&adopted, counter).await.unwrap() && !sequencer.forget(&adopted, counter).await.unwrap());
    assert_eq!(next_message(&sequencer, &adopted, kept).await, 4);
    assert_eq!(sequencer.seed_chat(&adopted, lost, ChatNumber::FIRST, 8).await.unwrap(), Seed::Seeded);
    assert_eq!(next_message(&sequencer, &adopted, lost).await, 9);
}

#[tokio::test]
async fn keys_of_another_prefix_are_left_alone() {
    let (ours, theirs) = (Shared::new(), Shared::new());
    let sequencer = theirs.sequencer();
    let adopted = open(&sequencer, 1).await;
    seeded_chat(&sequencer, &adopted, 3).await;
    ours.sequencer().remove_epochs_below(Epoch::new(9)).await.unwrap();
    assert_eq!(theirs.keys().len(), 3);
}
