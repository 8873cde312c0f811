//! Searches in a large chat and in a small one: through the api, as clients search, and at Elasticsearch itself beside two other
//! ways to index the same messages. Beside that how large each index is, and how fast it takes documents.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use domain::{ApplicationId, ChatNumber};
use hdrhistogram::Histogram;
use hyper::StatusCode;
use localsystem::Service;
use reqwest::Method;
use search::{Cursor, Query, SearchIndex};
use serde_json::Value;
use tokio::time::sleep;
use url::Url;

use super::{
    bulk::{Elastic, empty_index},
    corpus::{Corpus, SMALL, common, rare},
    inserts::{self, Place},
    reads::scattered,
    rivals::{HITS, OURS, Way},
    row::{Row, Wanted},
    series::Series,
    world::World,
};
use crate::{
    connection::Connection,
    gets::{Paths, run},
    run::empty,
};

/// Who search at the same time: as many as there are processors on a small machine.
const CLIENTS: u32 = 2;
const MERGED_WITHIN: Duration = Duration::from_secs(600);

/// A kind of query.
#[derive(Debug, Clone, Copy)]
struct Class {
    name: &'static str,
    /// The query of so many characters that a draw picks, in a chat of so many messages.
    query: fn(Place, u64) -> String,
    /// The slowest that one in a hundred may be in the large chat, and in a small one, in ms.
    wanted: [f64; 2],
}

const CLASSES: [Class; 3] = [
    Class { name: "1–2 characters", query: |_, draw| common(1 + (draw % 2) as usize, draw / 2), wanted: [100.0, 100.0] },
    Class { name: "3–20 characters, common", query: |_, draw| common(length(draw), draw / 18), wanted: [50.0, 15.0] },
    Class { name: "3–20 characters, rare", query: |place, draw| rare(length(draw), place), wanted: [50.0, 15.0] },
];

fn length(draw: u64) -> usize {
    3 + (draw % 18) as usize
}

/// Adds the rows.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    world.settled().await?;
    let (corpus, token) = rows_in_mysql(world).await?;
    let elastic = Elastic::new(&world.urls().elasticsearch)?;
    // Of other measurements' messages there are as many as their time allowed: an index that has none of them is compared.
    elastic.ask(Method::DELETE, Way::Ours.index(), None).await?;
    let ours = empty_index(&world.urls().elasticsearch, OURS).await?;
    let mut rates = Vec::new();
    let mut sizes = Vec::new();
    for way in Way::ALL {
        eprintln!("search: {} messages to index, {}", corpus.messages, way.name());
        if let Some(creation) = way.creation() {
            elastic.ask(Method::PUT, way.index(), Some(&creation)).await?;
        }
        let took = elastic.write(way.index(), corpus.texts(), |text| way.document(text)).await?;
        rates.push(corpus.messages as f64 / took.as_secs_f64());
        merged(&elastic, way).await?;
        sizes.push(elastic.finish(way.index()).await? as f64 / corpus.messages as f64);
    }
    compare_indices(world, &corpus, &rates, &sizes);
    for (chat, which) in [(1, 0), (2, 1)] {
        for class in CLASSES {
            searches(world, &corpus, &ours, &token, chat, class, class.wanted[which]).await?;
        }
    }
    for way in [Way::Wildcard, Way::AnyGram] {
        elastic.ask(Method::DELETE, way.index(), None).await?;
    }
    Ok(())
}

/// The api shows what it finds from MySQL.
async fn rows_in_mysql(world: &World) -> anyhow::Result<(Corpus, String)> {
    let mut conns = [world.mysql().await?, world.mysql().await?];
    let messages = world.effort.corpus;
    let (application, token) = inserts::chat_of(&mut conns, "search", 0, |_| String::new()).await?;
    let corpus = Corpus { application, messages };
    for chat in 2..=corpus.chats() {
        inserts::add_chat(&mut conns[0], application, chat, corpus.length(chat)).await?;
    }
    let places: Vec<Place> = corpus.places().collect();
    inserts::insert(&mut conns, "messages", application, &places, super::corpus::body).await?;
    Ok((corpus, token))
}

/// What Elasticsearch still does behind the answers would slow the searches, and is not yet the size that stays.
async fn merged(elastic: &Elastic, way: Way) -> anyhow::Result<()> {
    let until = Instant::now() + MERGED_WITHIN;
    while Instant::now() < until {
        let stats = elastic.ask(Method::GET, &format!("{}/_stats/merge", way.index()), None).await?;
        let current = stats["_all"]["primaries"]["merges"]["current"].as_u64().context("no merges are told of")?;
        if current == 0 {
            return Ok(());
        }
        sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("{} is still merged", way.index())
}

fn compare_indices(world: &mut World, corpus: &Corpus, rates: &[f64], sizes: &[f64]) {
    for (index, way) in Way::ALL.into_iter().enumerate().skip(1) {
        let row = |what: &str, unit, values: &[f64]| {
            let what = format!("index of {} messages, {what}", corpus.messages);
            Row::plain(what, unit, Series::once(values[0])).against(way.name(), Series::once(values[index]))
        };
        world.rows.push(row("size", "bytes a message", sizes));
        world.rows.push(row("rate of bare _bulk", "a second", rates));
    }
}

async fn searches(
    world: &mut World,
    corpus: &Corpus,
    ours: &SearchIndex,
    token: &str,
    chat: u64,
    class: Class,
    wanted: f64,
) -> anyhow::Result<()> {
    let length = corpus.length(chat);
    let duration = world.effort.duration / 2;
    let query = move |client: u32, sequence: u64| {
        let draw = scattered(client, sequence);
        (class.query)((chat, 1 + draw % length), draw >> 20)
    };
    let elastic = Url::parse(&world.urls().elasticsearch)?.socket_addrs(|| None)?[0];
    let api = world.address(Service::Api);
    let path = format!("/applications/{token}/chats/{chat}/messages/search");
    let paths: Paths = Arc::new(move |client, sequence| {
        format!("{path}?{}", serde_urlencoded::to_string([("query", query(client, sequence))]).unwrap_or_default())
    });
    let mut through_api = Series::default();
    let mut direct: [Series; 3] = Default::default();
    for round in 1..=world.effort.rounds {
        eprintln!("search, {} in {length} messages: round {round} of {}", class.name, world.effort.rounds);
        let outcome = run(api, CLIENTS, &paths, duration).await?;
        ensure!(outcome.refused + outcome.unanswered == 0, "searches were not answered 200");
        through_api.push(p99_ms(&outcome.latency_us));
        for (way, series) in Way::ALL.into_iter().zip(&mut direct) {
            let room = format!("{}-{chat}", corpus.application);
            let path = format!("/{}/_search?routing={room}", way.index());
            let took_us = closed_loop(elastic, duration, async |connection, client, sequence| {
                let query = query(client, sequence);
                match way.search(&room, &query) {
                    Some(body) => ask(connection, &path, &body).await,
                    None => {
                        let place = (ApplicationId::new(corpus.application), ChatNumber::new(chat)?);
                        ours.search(place.0, place.1, &Query::parse(&query)?, Cursor::After(0), length, HITS).await?;
                        Ok(())
                    }
                }
            });
            series.push(p99_ms(&took_us.await?));
        }
    }
    let chat = if length > SMALL { format!("a chat of {length}") } else { "a small chat".to_owned() };
    let what = format!("search of {} in {chat}, {} messages in all", class.name, corpus.messages);
    world.rows.push(Row::plain(format!("{what}, through the api"), "p99 ms", through_api).wanted(Wanted::AtMost(wanted)));
    let [ours, wildcard, any_gram] = direct;
    let row = |way: Way, series| Row::plain(what.clone(), "p99 ms", ours.clone()).against(way.name(), series);
    world.rows.extend([row(Way::Wildcard, wildcard), row(Way::AnyGram, any_gram)]);
    Ok(())
}

/// Elasticsearch itself.
async fn ask(connection: &mut Connection, path: &str, body: &Value) -> anyhow::Result<()> {
    let (status, answer) = connection.post(path, Bytes::from(body.to_string())).await?;
    ensure!(status == StatusCode::OK, "a search was answered {status}: {}", String::from_utf8_lossy(&answer));
    Ok(())
}

/// Each client searches as soon as its last search was answered.
async fn closed_loop(
    target: SocketAddr,
    duration: Duration,
    search: impl AsyncFn(&mut Connection, u32, u64) -> anyhow::Result<()>,
) -> anyhow::Result<Histogram<u64>> {
    let until = Instant::now() + duration;
    let clients = (0..CLIENTS).map(async |client| {
        let mut connection = Connection::to(target);
        let mut took_us = empty()?.latency_us;
        for sequence in 0.. {
            let begun = Instant::now();
            if begun >= until {
                break;
            }
            search(&mut connection, client, sequence).await?;
            took_us.record(begun.elapsed().as_micros() as u64)?;
        }
        anyhow::Ok(took_us)
    });
    let mut all = empty()?.latency_us;
    for took_us in futures_util::future::try_join_all(clients).await? {
        all.add(&took_us)?;
    }
    Ok(all)
}

fn p99_ms(took_us: &Histogram<u64>) -> f64 {
    took_us.value_at_quantile(0.99) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_have_the_lengths_that_their_class_says() {
        for draw in (0..200).map(|sequence| scattered(1, sequence)) {
            let lengths = CLASSES.map(|class| (class.query)((1, 5), draw).chars().count());
            assert!((1..=2).contains(&lengths[0]), "{lengths:?}");
            assert!((3..=20).contains(&lengths[1]) && (3..=20).contains(&lengths[2]), "{lengths:?}");
        }
    }
}
