//! The index is made once, whoever makes it and however often, and is never made by accident.

use elasticsearch::indices::{IndicesCreateParts, IndicesDeleteAliasParts, IndicesExistsParts, IndicesGetAliasParts};
use search::{Error, Query, SearchIndex};
use serde_json::{Value, json};

use crate::scratch::{Scratch, application, chat, document};

const ROOM: (u64, u64) = (1, 1);

/// The indices that the alias leads to.
async fn behind_alias(scratch: &Scratch) -> Vec<String> {
    let parts = IndicesGetAliasParts::Name(&[&scratch.settings.index]);
    let answer: Value = scratch.client().indices().get_alias(parts).send().await.unwrap().json().await.unwrap();
    answer.as_object().unwrap().keys().cloned().collect()
}

async fn exists(scratch: &Scratch, name: &str) -> bool {
    scratch.client().indices().exists(IndicesExistsParts::Index(&[name])).send().await.unwrap().status_code().is_success()
}

async fn create(scratch: &Scratch, name: &str, body: Value) {
    let created = scratch.client().indices().create(IndicesCreateParts::Index(name)).body(body).send().await.unwrap();
    assert!(created.status_code().is_success());
}

#[tokio::test]
async fn several_that_make_the_index_at_once_all_succeed() {
    let scratch = Scratch::unmade();
    let makers: Vec<_> = (0..12)
        .map(|_| {
            let index = SearchIndex::connect(&scratch.settings).unwrap();
            tokio::spawn(async move { index.ensure_index().await })
        })
        .collect();
    for maker in makers {
        maker.await.unwrap().unwrap();
    }
    assert_eq!(behind_alias(&scratch).await, [scratch.version(1)]);
    scratch.index.check().await.unwrap();
}

#[tokio::test]
async fn making_it_again_keeps_what_is_in_it() {
    let scratch = Scratch::made().await;
    scratch.write(&[document(ROOM, 1, "kept")]).await;
    scratch.index.ensure_index().await.unwrap();
    assert_eq!(scratch.find(ROOM, "kept").await, [1]);
}

#[tokio::test]
async fn an_alias_that_leads_to_another_version_is_left_alone() {
    let scratch = Scratch::unmade();
    create(&scratch, &scratch.version(2), json!({ "aliases": { scratch.settings.index.as_str(): {} } })).await;
    scratch.index.ensure_index().await.unwrap();
    assert_eq!(behind_alias(&scratch).await, [scratch.version(2)]);
    assert!(!exists(&scratch, &scratch.version(1)).await);
}

#[tokio::test]
async fn an_alias_that_was_taken_off_is_put_back() {
    let scratch = Scratch::made().await;
    scratch.write(&[document(ROOM, 1, "kept")]).await;
    let (name, alias) = (scratch.version(1), scratch.settings.index.clone());
    let parts = IndicesDeleteAliasParts::IndexName(&[&name], &[&alias]);
    assert!(scratch.client().indices().delete_alias(parts).send().await.unwrap().status_code().is_success());
    assert!(matches!(scratch.index.check().await, Err(Error::IndexMissing)));
    scratch.index.ensure_index().await.unwrap();
    assert_eq!(scratch.find(ROOM, "kept").await, [1]);
}

#[tokio::test]
async fn a_version_that_is_made_where_there_is_none_is_searched_only_when_it_is_led_to() {
    let scratch = Scratch::unmade();
    scratch.index.make_version(1).await.unwrap();
    let next = scratch.index.successor();
    next.index(&[document(ROOM, 1, "copied")]).await.unwrap();
    next.refresh().await.unwrap();
    assert!(matches!(scratch.index.check().await, Err(Error::IndexMissing)));
    assert!(matches!(scratch.index.version().await, Err(Error::IndexMissing)));
    assert!(matches!(scratch.index.lead_to(2).await, Err(Error::IndexMissing)));

    scratch.index.lead_to(1).await.unwrap();
    scratch.index.forget_successor().await.unwrap();
    assert_eq!((scratch.index.version().await.unwrap(), scratch.find(ROOM, "copied").await), (1, vec![1]));
}

#[tokio::test]
async fn an_index_in_the_aliass_place_is_told() {
    let scratch = Scratch::unmade();
    create(&scratch, &scratch.settings.index, json!({})).await;
    let error = scratch.index.ensure_index().await.unwrap_err();
    assert!(matches!(error, Error::Rejected { status: 400, .. }), "{error:?}");
}

#[tokio::test]
async fn a_missing_index_is_told_and_nothing_is_made_in_its_place() {
    let scratch = Scratch::unmade();
    let query = Query::parse("text").unwrap();
    let found = scratch.index.search(application(1), chat(1), &query, search::Cursor::After(0), domain::MAX_NUMBER, 10).await;
    assert!(matches!(found, Err(Error::IndexMissing)), "{found:?}");
    let indexed = scratch.index.index(&[document(ROOM, 1, "text")]).await;
    assert!(matches!(indexed, Err(Error::IndexMissing)), "{indexed:?}");
    assert!(matches!(scratch.index.check().await, Err(Error::IndexMissing)));
    assert!(matches!(scratch.index.refresh().await, Err(Error::IndexMissing)));
    assert!(!exists(&scratch, &scratch.settings.index).await);
}
