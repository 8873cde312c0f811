//! Numbers are dense, single, and never come from a counter that was not seeded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use sequencer::{ChatIssue, MessageIssue, Raise, Seed, Sequencer};
use support::{Issue, Shared, adopt, application, chat, message, next_message, seeded_chat, token};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_over_several_sequencers_get_a_thousand_numbers_without_a_gap() {
    let shared = Shared::new();
    let (first, adopted) = shared.adopted().await;
    let token = seeded_chat(&first, &adopted, 41).await;
    let mut sequencers = vec![(first, adopted)];
    for _ in 0..3 {
        let sequencer = shared.sequencer();
        let adopted = adopt(&sequencer).await;
        sequencers.push((sequencer, adopted));
    }

    let mut messages = JoinSet::new();
    let mut chats = JoinSet::new();
    for turn in 0..1000 {
        let (sequencer, adopted) = sequencers[turn % sequencers.len()].clone();
        messages.spawn(async move { next_message(&sequencer, &adopted, token).await });
        let (sequencer, adopted) = sequencers[(turn + 1) % sequencers.len()].clone();
        chats.spawn(async move {
            match sequencer.issue_chat(&adopted, token).await.unwrap() {
                ChatIssue::Issued { number, .. } => number.get(),
                other => panic!("{other:?}"),
            }
        });
    }

    let mut messages = messages.join_all().await;
    messages.sort_unstable();
    assert_eq!(messages, (42..=1041).collect::<Vec<_>>());
    let mut chats = chats.join_all().await;
    chats.sort_unstable();
    assert_eq!(chats, (2..=1001).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_unknown_counter_is_told_and_not_counted() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = token();

    for _ in 0..2 {
        assert_eq!(sequencer.issue_chat(&adopted, token).await.unwrap(), ChatIssue::NotSeeded);
        assert_eq!(sequencer.issue_message(&adopted, token, chat(1)).await.unwrap(), MessageIssue::ApplicationNotSeeded);
    }
    sequencer.seed_application(&adopted, token, application(), 1).await.unwrap();
    for _ in 0..2 {
        let issue = sequencer.issue_message(&adopted, token, chat(1)).await.unwrap();
        assert_eq!(issue, MessageIssue::ChatNotSeeded { application_id: application() });
    }
    sequencer.seed_chat(&adopted, token, chat(1), 0).await.unwrap();
    assert_eq!(next_message(&sequencer, &adopted, token).await, 1);
}

#[tokio::test]
async fn a_chat_above_the_last_given_is_none_until_it_is_given() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = seeded_chat(&sequencer, &adopted, 0).await;

    assert_eq!(sequencer.issue_message(&adopted, token, chat(2)).await.unwrap(), MessageIssue::NoSuchChat);
    assert_eq!(sequencer.issue_message(&adopted, token, chat(domain::MAX_NUMBER)).await.unwrap(), MessageIssue::NoSuchChat);
    let issued = sequencer.issue_chat(&adopted, token).await.unwrap();
    assert_eq!(issued, ChatIssue::Issued { application_id: application(), number: chat(2) });
    let issue = sequencer.issue_message(&adopted, token, chat(2)).await.unwrap();
    assert_eq!(issue, MessageIssue::ChatNotSeeded { application_id: application() });
}

#[tokio::test]
async fn seeding_never_overwrites() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = token();

    assert_eq!(sequencer.seed_application(&adopted, token, application(), 7).await.unwrap(), Seed::Seeded);
    assert_eq!(sequencer.seed_chat(&adopted, token, chat(3), 9).await.unwrap(), Seed::Seeded);
    for other in [0, 100] {
        assert_eq!(sequencer.seed_application(&adopted, token, application(), other).await.unwrap(), Seed::Present);
        assert_eq!(sequencer.seed_chat(&adopted, token, chat(3), other).await.unwrap(), Seed::Present);
    }
    assert_eq!(last(&sequencer, &adopted, token).await, (Some(7), Some(9)));
}

#[tokio::test]
async fn of_many_that_seed_at_once_one_does() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = token();
    let mut seeds = JoinSet::new();
    for value in 1..=50 {
        let (sequencer, adopted) = (sequencer.clone(), adopted.clone());
        seeds.spawn(async move {
            let seed = sequencer.seed_chat(&adopted, token, chat(3), value).await.unwrap();
            (seed == Seed::Seeded).then_some(value)
        });
    }
    let winners: Vec<_> = seeds.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(sequencer.last_message(&adopted, token, chat(3)).await.unwrap(), Some(winners[0]));
}

#[tokio::test]
async fn a_counter_is_raised_only_from_below() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = token();
    sequencer.seed_application(&adopted, token, application(), 5).await.unwrap();
    sequencer.seed_chat(&adopted, token, chat(3), 5).await.unwrap();

    for (to, expected, then) in [(4, Raise::NotBelow, 5), (5, Raise::NotBelow, 5), (6, Raise::Raised, 6), (6, Raise::NotBelow, 6)]
    {
        assert_eq!(sequencer.raise_chats(&adopted, token, chat(to)).await.unwrap(), expected, "{to}");
        assert_eq!(sequencer.raise_messages(&adopted, token, chat(3), message(to)).await.unwrap(), expected, "{to}");
        assert_eq!(last(&sequencer, &adopted, token).await, (Some(then), Some(then)), "{to}");
    }
}

#[tokio::test]
async fn raising_what_is_missing_sets_nothing_but_a_floor_for_who_seeds() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;

    // A floor above what the seeder read, and one below it.
    for (seed, expected) in [(6, 8), (9, 9)] {
        let token = token();
        for to in [8, 7] {
            assert_eq!(sequencer.raise_chats(&adopted, token, chat(to)).await.unwrap(), Raise::Missing);
            assert_eq!(sequencer.raise_messages(&adopted, token, chat(3), message(to)).await.unwrap(), Raise::Missing);
        }
        assert_eq!(last(&sequencer, &adopted, token).await, (None, None));
        assert_eq!(sequencer.issue_chat(&adopted, token).await.unwrap(), ChatIssue::NotSeeded);

        assert_eq!(sequencer.seed_application(&adopted, token, application(), seed).await.unwrap(), Seed::Seeded);
        assert_eq!(sequencer.seed_chat(&adopted, token, chat(3), seed).await.unwrap(), Seed::Seeded);
        assert_eq!(last(&sequencer, &adopted, token).await, (Some(expected), Some(expected)));
    }
}

#[tokio::test]
async fn the_largest_numbers_stay_exact() {
    let shared = Shared::new();
    let (sequencer, adopted) = shared.adopted().await;
    let token = token();
    let largest = domain::ApplicationId::new(u64::MAX);
    let last_chat = domain::MAX_NUMBER - 1;
    sequencer.seed_application(&adopted, token, largest, last_chat).await.unwrap();
    sequencer.seed_chat(&adopted, token, chat(last_chat), domain::MAX_NUMBER - 1).await.unwrap();

    let issue = sequencer.issue_message(&adopted, token, chat(last_chat)).await.unwrap();
    assert_eq!(issue, MessageIssue::Issued { application_id: largest, number: message(domain::MAX_NUMBER) });
    let issue = sequencer.issue_chat(&adopted, token).await.unwrap();
    assert_eq!(issue, ChatIssue::Issued { application_id: largest, number: chat(domain::MAX_NUMBER) });
}

/// The last chat, and the last message in chat 3.
async fn last(
    sequencer: &Sequencer,
    adopted: &sequencer::Adopted,
    token: domain::ApplicationToken,
) -> (Option<u64>, Option<u64>) {
    let chats = sequencer.last_chat(adopted, token).await.unwrap();
    assert!(chats.is_none_or(|(id, _)| id == application()));
    (chats.map(|(_, last)| last), sequencer.last_message(adopted, token, chat(3)).await.unwrap())
}
