//! What Elasticsearch finds is exactly what [`Query::matches`] says, in one chat only, in the order of numbers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::MAX_NUMBER;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use search::{Cursor, Query};

use crate::scratch::{Scratch, application, chat, document, documents};
use crate::texts;

const ROOM: (u64, u64) = (1, 1);

/// The numbers of the bodies that the rule matches.
fn expected(bodies: &[String], query: &str) -> Vec<u64> {
    let query = Query::parse(query).unwrap();
    (1..).zip(bodies).filter(|(_, body)| query.matches(body)).map(|(number, _)| number).collect()
}

/// Every query against every body. The texts must be such that no body is never found, and few queries find nothing.
async fn compare(bodies: &[String], queries: &[String]) {
    let scratch = Scratch::made().await;
    scratch.write(&documents(ROOM, bodies)).await;
    let mut never_found: BTreeSet<u64> = (1..=bodies.len() as u64).collect();
    let mut queries_with_hits = 0;
    for query in queries {
        let found = scratch.find(ROOM, query).await;
        assert_eq!(found, expected(bodies, query), "{query:?}");
        queries_with_hits += usize::from(!found.is_empty());
        never_found.retain(|number| !found.contains(number));
    }
    assert!(queries_with_hits * 10 > queries.len() * 8, "{queries_with_hits} of {} queries found something", queries.len());
    assert!(never_found.is_empty(), "{never_found:?}");
}

#[tokio::test]
async fn the_index_and_the_rule_agree_over_a_table_of_scripts() {
    let (bodies, queries) = (texts::bodies(), texts::queries());
    assert!(bodies.len() >= 60 && queries.len() >= 60);
    compare(&bodies, &queries).await;
}

#[tokio::test]
async fn the_index_and_the_rule_agree_over_the_longest_texts() {
    compare(&texts::long_bodies(), &texts::long_queries()).await;
}

#[tokio::test]
async fn spellings_of_one_text_find_each_other_and_different_texts_do_not() {
    let scratch = Scratch::made().await;
    let cases = [
        ("die Straße hier", "STRASSE", true),
        ("DIE STRASSE HIER", "straße", true),
        ("cafe\u{301}", "CAF\u{c9}", true),
        ("café", "cafe", false),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς", true),
        ("ﾊﾟｿｺﾝ", "パソコン", true),
        ("ＡＢＣ", "abc", true),
        ("\u{1112}\u{1161}\u{11ab}글", "한글", true),
        ("one\r\n\ttwo", "e t", true),
        ("onetwo", "e t", false),
        ("İzmir", "i\u{307}zmir", true),
        ("ılık", "ilik", false),
        ("a_b", "a b", false),
        ("a b", "a_b", false),
        ("a b", "a＿b", false),
        ("你好世界", "好世", true),
        ("👩‍👩‍👧", "👩‍👧", true),
        ("abcXdef", "abcdef", false),
        ("abc bcd", "abcd", false),
    ];
    let bodies: Vec<String> = cases.iter().map(|(body, ..)| (*body).to_owned()).collect();
    scratch.write(&documents(ROOM, &bodies)).await;
    for (number, (body, query, matches)) in (1..).zip(cases) {
        assert_eq!(scratch.find(ROOM, query).await.contains(&number), matches, "{body:?} by {query:?}");
    }
}

#[test]
fn the_index_and_the_rule_agree_over_random_texts() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scratch = runtime.block_on(Scratch::made());
    let next_chat = AtomicU64::new(1);
    // Few characters, so that queries nearly match often.
    let narrow = "[aAbß é\u{301}\t_＿\u{1c}カｶﾞ한🦀\u{200d}\0]{1,14}";
    let bodies = prop::collection::vec(prop_oneof![3 => narrow, 1 => ".{1,40}"], 60);
    let queries = prop::collection::vec(prop_oneof![3 => "[aAbß é\u{301}\t_＿\u{1c}カｶﾞ한🦀\u{200d}\0]{1,5}", 1 => ".{1,3}"], 40);
    let mut runner = TestRunner::new(Config { cases: 12, max_shrink_iters: 40, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(bodies, queries, any::<prop::sample::Index>()), |(bodies, mut queries, pick)| {
        let room = (1, next_chat.fetch_add(1, Ordering::Relaxed));
        // Parts of the bodies themselves are sure to be found.
        queries.extend(bodies.iter().map(|body| part(body, pick)));
        runtime.block_on(async {
            scratch.write(&documents(room, &bodies)).await;
            for query in &queries {
                prop_assert_eq!(scratch.find(room, query).await, expected(&bodies, query), "{:?}", query);
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

/// A part of the text that begins at a place of `pick`'s choice.
fn part(text: &str, pick: prop::sample::Index) -> String {
    let characters: Vec<char> = text.chars().collect();
    let from = pick.index(characters.len());
    characters[from..].iter().take(1 + from % 7).collect()
}

#[tokio::test]
async fn the_longest_query_finds_its_text_however_much_it_grows_by_folding() {
    let scratch = Scratch::made().await;
    let body = "\u{fdfa}".repeat(10_000);
    scratch.write(&[document(ROOM, 1, &body), document(ROOM, 2, &body[..300])]).await;
    assert_eq!(scratch.find(ROOM, &"\u{fdfa}".repeat(255)).await, [1]);
    assert_eq!(scratch.find(ROOM, "صلى الله").await, [1, 2]);
}

#[tokio::test]
async fn another_chats_messages_are_never_found() {
    let scratch = Scratch::made().await;
    // Rooms whose names could be taken for one another, and two whose places begin where those of the first one do.
    let rooms =
        [(1, 1), (1, 2), (2, 1), (1, 11), (11, 1), (1, 111), (111, 1), (u64::MAX, 1), (1, MAX_NUMBER), (1, 2_224), (1_445, 1)];
    let documents: Vec<_> = (1..)
        .zip(rooms)
        .flat_map(|(number, room)| [document(room, number, "the same text"), document(room, 100, "zz")])
        .collect();
    scratch.write(&documents).await;
    for (number, room) in (1..).zip(rooms) {
        assert_eq!(scratch.find(room, "same").await, [number], "{room:?}");
        assert_eq!(scratch.find(room, "t").await, [number], "{room:?}");
        assert_eq!(scratch.find(room, "Z").await, [100], "{room:?}");
    }
    assert!(scratch.find((3, 1), "same").await.is_empty());
}

#[tokio::test]
async fn a_long_chat_is_looked_through_part_by_part_up_to_its_highest_number() {
    let scratch = Scratch::made().await;
    // Around the places where one part ends and the next one begins, upwards and downwards.
    let highest = 5_000_000;
    let upwards = [1, 16_384, 16_385, 1_064_960, 1_064_961, highest];
    let downwards = upwards.map(|number| highest + 1 - number);
    let mut numbers: Vec<u64> = upwards.into_iter().chain(downwards).collect::<BTreeSet<_>>().into_iter().collect();
    let documents: Vec<_> = numbers.iter().chain(&[highest + 1]).map(|&number| document(ROOM, number, "wanted")).collect();
    scratch.write(&documents).await;
    let query = Query::parse("want").unwrap();
    let find = async |cursor, limit| -> Vec<u64> {
        let hits = scratch.index.search(application(1), chat(1), &query, cursor, highest, limit).await.unwrap();
        hits.into_iter().map(|hit| hit.number.get()).collect()
    };
    for limit in 0..=numbers.len() + 1 {
        let wanted = &numbers[..limit.min(numbers.len())];
        assert_eq!(find(Cursor::After(0), limit as u64).await, wanted);
    }
    numbers.reverse();
    for limit in 0..=numbers.len() + 1 {
        let wanted = &numbers[..limit.min(numbers.len())];
        assert_eq!(find(Cursor::Before(u64::MAX), limit as u64).await, wanted);
    }
}

#[tokio::test]
async fn hits_come_in_the_order_of_numbers_and_page_by_page() {
    let scratch = Scratch::made().await;
    let mut numbers: Vec<u64> = (1..=250).chain([9_999, 1 << 40, MAX_NUMBER - 1, MAX_NUMBER]).collect();
    let documents: Vec<_> = numbers
        .iter()
        .rev()
        .map(|&number| document(ROOM, number, if number % 5 == 0 { "other words" } else { "wanted words" }))
        .collect();
    scratch.write(&documents).await;
    numbers.retain(|number| number % 5 != 0);

    let query = Query::parse("want").unwrap();
    for limit in [1, 7, 101, 10_000, u64::MAX] {
        let (mut after, mut found) = (0, Vec::new());
        loop {
            let page =
                scratch.index.search(application(1), chat(1), &query, Cursor::After(after), MAX_NUMBER, limit).await.unwrap();
            assert!(page.len() as u64 <= limit);
            let Some(last) = page.last() else { break };
            after = last.number.get();
            found.extend(page.into_iter().map(|hit| hit.number.get()));
        }
        assert_eq!(found, numbers, "{limit} a page");

        let (mut before, mut found) = (u64::MAX, Vec::new());
        loop {
            let page =
                scratch.index.search(application(1), chat(1), &query, Cursor::Before(before), MAX_NUMBER, limit).await.unwrap();
            assert!(page.len() as u64 <= limit);
            let Some(last) = page.last() else { break };
            before = last.number.get();
            found.extend(page.into_iter().map(|hit| hit.number.get()));
        }
        found.reverse();
        assert_eq!(found, numbers, "{limit} a page, backwards");
    }
    for (cursor, limit) in [
        (Cursor::After(0), 0),
        (Cursor::After(MAX_NUMBER), 10),
        (Cursor::After(u64::MAX), 10),
        (Cursor::Before(1), 10),
        (Cursor::Before(0), 10),
    ] {
        assert!(scratch.index.search(application(1), chat(1), &query, cursor, MAX_NUMBER, limit).await.unwrap().is_empty());
    }
}
