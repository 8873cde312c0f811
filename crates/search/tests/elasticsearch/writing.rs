//! Documents are written once and for all: in any order, any number of times, each for itself.

use std::time::Duration;

use domain::{ApplicationId, ChatNumber, MAX_NUMBER};
use elasticsearch::indices::{
    IndicesCloseParts, IndicesCreateParts, IndicesDeleteAliasParts, IndicesOpenParts, IndicesPutAliasParts,
    IndicesPutSettingsParts,
};
use search::{Cursor, Document, Indexed, Query};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::scratch::{Scratch, document};

const ROOM: (u64, u64) = (1, 1);

fn version(version: u64, number: u64, body: &str) -> Document {
    Document { version, ..document(ROOM, number, body) }
}

#[tokio::test]
async fn an_edit_replaces_the_text_and_an_older_version_never_does() {
    let scratch = Scratch::made().await;
    scratch.write(&[version(1, 1, "first text")]).await;
    scratch.write(&[version(3, 1, "third text")]).await;
    assert!(scratch.find(ROOM, "first").await.is_empty());
    assert_eq!(scratch.find(ROOM, "third").await, [1]);

    scratch.write(&[version(2, 1, "second text")]).await;
    scratch.write(&[version(1, 1, "first text")]).await;
    assert!(scratch.find(ROOM, "second").await.is_empty());
    assert_eq!(scratch.find(ROOM, "third").await, [1]);

    scratch.write(&[version(3, 1, "third text")]).await;
    assert_eq!(scratch.find(ROOM, "text").await, [1]);
}

#[tokio::test]
async fn a_hit_tells_the_version_whose_text_matches() {
    let scratch = Scratch::made().await;
    scratch.write(&[version(1, 1, "a text"), version(7, 2, "a text"), version(2, 3, "another")]).await;
    let query = Query::parse("a text").unwrap();
    let hits = async || {
        let found =
            scratch.index.search(ApplicationId::new(1), ChatNumber::FIRST, &query, Cursor::After(0), MAX_NUMBER, 10).await;
        found.unwrap().into_iter().map(|hit| (hit.number.get(), hit.version)).collect::<Vec<_>>()
    };
    assert_eq!(hits().await, [(1, 1), (2, 7)]);
    scratch.write(&[version(4, 1, "still a text"), version(8, 2, "no more")]).await;
    assert_eq!(hits().await, [(1, 4)]);
}

#[tokio::test]
async fn of_several_versions_in_one_request_the_newest_stays_whatever_their_order() {
    let scratch = Scratch::made().await;
    scratch.write(&[version(2, 1, "newer"), version(1, 1, "older"), version(1, 2, "older"), version(2, 2, "newer")]).await;
    assert_eq!(scratch.find(ROOM, "newer").await, [1, 2]);
    assert!(scratch.find(ROOM, "older").await.is_empty());
}

#[tokio::test]
async fn writers_at_once_leave_the_newest_version() {
    let scratch = Scratch::made().await;
    let writers: Vec<_> = (1..=20)
        .map(|number| {
            let index = scratch.index.clone();
            tokio::spawn(async move { index.index(&[version(number, 1, &format!("text {number}!"))]).await })
        })
        .collect();
    for writer in writers {
        assert_eq!(writer.await.unwrap().unwrap(), Indexed { ok: 1, ..Indexed::default() });
    }
    scratch.index.refresh().await.unwrap();
    assert_eq!(scratch.find(ROOM, "text 20!").await, [1]);
    assert_eq!(scratch.find(ROOM, "text").await, [1]);
}

#[tokio::test]
async fn more_than_one_request_holds_is_written_in_several() {
    let scratch = Scratch::made().await;
    let large = "wide 語 body ".repeat(800);
    let mut documents: Vec<_> = (1..=3_000).map(|number| document(ROOM, number, &format!("message {number}."))).collect();
    documents.extend((3_001..=3_100).map(|number| document(ROOM, number, &large)));
    scratch.write(&documents).await;
    assert_eq!(scratch.find(ROOM, "message 1.").await, [1]);
    assert_eq!(scratch.find(ROOM, "message 2999.").await, [2_999]);
    assert_eq!(scratch.find(ROOM, "語 B").await, Vec::from_iter(3_001..=3_100));
    assert_eq!(scratch.index.index(&[]).await.unwrap(), Indexed::default());
}

#[tokio::test]
async fn a_document_that_is_refused_is_named_and_keeps_no_other_out() {
    let scratch = Scratch::unmade();
    // A place that does not fit is the one fault of a document that the crate itself cannot prevent. In this chat, whose code is
    // 0, places are the numbers themselves.
    let room = (1, 14);
    let creation = json!({
        "mappings": {
            "_routing": { "required": true },
            "properties": { "room": { "type": "keyword" }, "place": { "type": "byte" }, "grams": { "type": "text", "analyzer": "whitespace" } },
        },
        "aliases": { scratch.settings.index.as_str(): {} },
    });
    let created =
        scratch.client().indices().create(IndicesCreateParts::Index(&scratch.version(2))).body(creation).send().await.unwrap();
    assert!(created.status_code().is_success());

    let documents: Vec<_> = [1, 500, 2].map(|number| document(room, number, "some secret text")).into();
    let indexed = scratch.index.index(&documents).await.unwrap();
    assert_eq!((indexed.ok, indexed.retry.len()), (2, 0));
    assert_eq!(indexed.rejected, [(documents[1].id(), "400 document_parsing_exception".to_owned())]);
    let ids: Vec<_> = documents.iter().map(Document::id).collect();
    assert_eq!(scratch.index.versions(&ids).await.unwrap(), [Some(1), None, Some(1)]);
}

/// What an operator, or a procedure as shrinking, does to an index for a while.
#[tokio::test]
async fn an_index_that_takes_no_writes_for_a_while_costs_no_document() {
    let scratch = Scratch::made().await;
    let (client, name) = (scratch.client(), scratch.version(1));
    let block = async |on: bool| {
        let parts = IndicesPutSettingsParts::Index(&[&name]);
        let sent = client.indices().put_settings(parts).body(json!({ "index.blocks.write": on })).send().await.unwrap();
        assert!(sent.status_code().is_success());
    };
    let (one, other) = (document(ROOM, 1, "text"), document(ROOM, 2, "text"));
    let put_off = |reason: &str| Indexed { retry: vec![one.id()], retry_reason: Some(reason.to_owned()), ..Indexed::default() };

    block(true).await;
    assert_eq!(scratch.index.index(std::slice::from_ref(&one)).await.unwrap(), put_off("403 cluster_block_exception"));
    block(false).await;
    let closed = client.indices().close(IndicesCloseParts::Index(&[&name])).send().await.unwrap();
    assert!(closed.status_code().is_success());
    // Told of the document or of the request, it is never the document's fault.
    if let Ok(indexed) = scratch.index.index(std::slice::from_ref(&one)).await {
        assert_eq!((indexed.retry, indexed.rejected), (vec![one.id()], vec![]));
    }
    let opened = client.indices().open(IndicesOpenParts::Index(&[&name])).send().await.unwrap();
    assert!(opened.status_code().is_success());
    scratch.index.ensure_index().await.unwrap();
    scratch.write(&[one, other]).await;
    assert_eq!(scratch.find(ROOM, "text").await, [1, 2]);
}

/// As when somebody moves an alias in two steps. The server calls it an illegal argument.
#[tokio::test]
async fn an_alias_that_leads_to_two_indices_for_a_while_costs_no_document() {
    let scratch = Scratch::made().await;
    scratch.index.make_version(2).await.unwrap();
    let (client, name, alias) = (scratch.client(), scratch.version(2), scratch.settings.index.clone());
    let parts = IndicesPutAliasParts::IndexName(&[&name], &alias);
    assert!(client.indices().put_alias(parts).send().await.unwrap().status_code().is_success());
    let one = document(ROOM, 1, "text");
    // Told of the document or of the request, it is never the document's fault.
    if let Ok(indexed) = scratch.index.index(std::slice::from_ref(&one)).await {
        assert_eq!((indexed.ok, indexed.retry, indexed.rejected), (0, vec![one.id()], vec![]));
    }
    let parts = IndicesDeleteAliasParts::IndexName(&[&name], &[&alias]);
    assert!(client.indices().delete_alias(parts).send().await.unwrap().status_code().is_success());
    scratch.write(&[one]).await;
    assert_eq!(scratch.find(ROOM, "text").await, [1]);
}

#[tokio::test]
async fn what_is_written_shows_by_itself() {
    let scratch = Scratch::made().await;
    scratch.index.index(&[document(ROOM, 1, "soon to be seen")]).await.unwrap();
    let began = Instant::now();
    while scratch.find(ROOM, "seen").await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "not found after {:?}", began.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
}
