//! Numbers in many chats of an application by one call: each chat counts for itself, and what is wrong with one harms no other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use devstack::Server;
use sequencer::{Error, MessageIssue};
use support::{
    application,
    busy::{Busy, first},
    chat, token,
};
use tokio::task::{JoinHandle, JoinSet};

type Asking = JoinHandle<Result<MessageIssue, Error>>;

/// Callers who want so many numbers in these chats: the first by a call of its own, and those who come meanwhile by the next.
async fn ask_by_two_calls(busy: &Busy, callers: &[(u64, u16)]) -> Vec<Result<MessageIssue, Error>> {
    let before = busy.calls();
    busy.redis.stack.pause(Server::Redis).unwrap();
    let mut asking: Vec<Asking> = Vec::new();
    for &(chat, count) in callers {
        asking.push(busy.ask(chat, count).await);
    }
    busy.redis.stack.resume(Server::Redis).unwrap();
    let mut told = Vec::new();
    for asking in asking {
        told.push(asking.await.unwrap());
    }
    assert_eq!(busy.calls() - before, 2);
    told
}

#[tokio::test]
async fn callers_of_many_chats_share_calls_and_each_chat_counts_for_itself() {
    let busy = Busy::start(40).await;
    let before = busy.calls();
    let mut asking = JoinSet::new();
    for (chat, count) in (1..=40).cycle().zip([1, 2, 3].into_iter().cycle()).take(2_000) {
        let caller = busy.asking(chat, count);
        asking.spawn(async move { (chat, first(caller.await), count) });
    }
    let mut given = asking.join_all().await;
    given.sort_unstable();
    let mut next: BTreeMap<u64, u64> = (1..=40).map(|chat| (chat, 5 * chat + 1)).collect();
    for (chat, first, count) in given {
        let next = next.get_mut(&chat).unwrap();
        assert_eq!(first, *next, "chat {chat}");
        *next += u64::from(count);
    }
    let calls = busy.calls() - before;
    assert!((2..=20).contains(&calls), "{calls} calls");
    for (chat, next) in next {
        assert_eq!(busy.next(chat, 1).await, next, "chat {chat}");
    }
}

#[tokio::test]
async fn in_each_chat_the_numbers_go_to_its_callers_as_they_came() {
    let busy = Busy::start(3).await;
    let callers = [(1, 1), (2, 1), (1, 3), (2, 2), (3, 500), (1, 1), (2, 1), (3, 1)];
    let told = ask_by_two_calls(&busy, &callers).await;
    let firsts: Vec<u64> = told.into_iter().map(first).collect();
    assert_eq!(firsts, [6, 11, 7, 12, 16, 10, 14, 516]);
}

#[tokio::test]
async fn a_chat_that_is_not_seeded_or_not_there_is_told_to_its_own_callers_alone() {
    let busy = Busy::bare(3).await;
    busy.seed(1).await;
    busy.seed(3).await;
    let told = ask_by_two_calls(&busy, &[(1, 1), (2, 1), (4, 2), (3, 1), (2, 3), (1, 2), (4, 1), (3, 1)]).await;
    let told: Vec<MessageIssue> = told.into_iter().map(Result::unwrap).collect();
    let issued = |number| MessageIssue::Issued { application_id: application(), number: support::message(number) };
    let missing = MessageIssue::ChatNotSeeded { application_id: application() };
    let none = MessageIssue::NoSuchChat;
    assert_eq!(told, [issued(6), missing, none, issued(16), missing, issued(7), none, issued(17)]);
    // What was asked of it has not made it one that counts from 0.
    assert_eq!(busy.sequencer.last_message(&busy.adopted, busy.token, chat(2)).await.unwrap(), None);
    busy.seed(2).await;
    assert_eq!(busy.next(2, 1).await, 11);
}

#[tokio::test]
async fn a_key_that_is_no_counter_fails_its_own_callers_alone() {
    let busy = Busy::start(3).await;
    busy.redis.operate::<u64>(&["DEL", &busy.counter(2)]);
    busy.redis.operate::<u64>(&["HSET", &busy.counter(2), "no", "counter"]);
    let told = ask_by_two_calls(&busy, &[(1, 1), (1, 1), (2, 1), (3, 1), (2, 1), (1, 1)]).await;
    for (told, expected) in told.into_iter().zip([Some(6), Some(7), None, Some(16), None, Some(8)]) {
        match expected {
            Some(number) => assert_eq!(first(told), number),
            None => assert!(matches!(told, Err(Error::Protocol(_))), "{told:?}"),
        }
    }
    let alone = busy.asking(2, 1).await;
    assert!(matches!(alone, Err(Error::Protocol(_))), "{alone:?}");
}

#[tokio::test]
async fn an_application_that_is_not_seeded_is_told_to_all_and_counts_nothing() {
    let busy = Busy::start(1).await;
    let unknown = token();
    let mut asking = JoinSet::new();
    for number in 1..=50 {
        let caller = busy.asking_in(unknown, chat(number), 1);
        asking.spawn(async move { caller.await.unwrap() });
    }
    assert_eq!(asking.join_all().await, [MessageIssue::ApplicationNotSeeded; 50]);
    // The record, the application and its chat.
    assert_eq!(busy.redis.operate::<u64>(&["DBSIZE"]), 3);
}

#[tokio::test]
async fn who_goes_away_keeps_no_other_chat_from_its_numbers() {
    let busy = Busy::start(3).await;
    busy.redis.stack.pause(Server::Redis).unwrap();
    let (one, two, three, four) = (busy.ask(1, 1).await, busy.ask(2, 2).await, busy.ask(2, 1).await, busy.ask(3, 1).await);
    // One that waits for its turn, whose numbers are not taken then, and one whose call is under way.
    for gone in [two, one] {
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
    }
    busy.redis.stack.resume(Server::Redis).unwrap();
    assert_eq!((first(three.await.unwrap()), first(four.await.unwrap())), (11, 16));
    // Whether the call had left when its caller went is not known.
    let next = busy.next(1, 1).await;
    assert!((6..=7).contains(&next), "{next}");
    assert_eq!((busy.next(2, 1).await, busy.next(3, 1).await), (12, 17));
}

#[tokio::test]
async fn more_chats_than_fit_into_one_call_are_all_served() {
    let busy = Busy::start(300).await;
    let before = busy.calls();
    busy.redis.stack.pause(Server::Redis).unwrap();
    let mut asking: Vec<Asking> = Vec::new();
    for chat in 1..=300 {
        asking.push(busy.ask(chat, 1).await);
    }
    busy.redis.stack.resume(Server::Redis).unwrap();
    for (chat, asking) in (1..).zip(asking) {
        assert_eq!(first(asking.await.unwrap()), 5 * chat + 1, "chat {chat}");
    }
    // The first caller's own, and one each for the 256 behind it and for the rest.
    assert_eq!(busy.calls() - before, 3);
}
