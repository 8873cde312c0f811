//! A backlog that the consumer finds when it starts: how fast it is stored and indexed, beside bare inserts and bare `_bulk`
//! requests of as many messages, and what the consumer's memory comes to.
//!
//! Each backlog comes from clients who create one message at a time, so that it lies in the queues as it would in an outage.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use devstack::Server;
use localsystem::Service;
use mysql_async::Conn;
use reqwest::Method;
use tokio::time::sleep;

use super::{
    bulk::{Elastic, Text, empty_index},
    inserts::{self, Place},
    pace::Pace,
    processes::memory_mb,
    row::{Row, Wanted},
    series::Series,
    world::World,
};
use crate::scenario::{Scenario, Sender, text};

const CLIENTS: u32 = 256;
/// A backlog is made in runs of this length, so it may become larger by as much.
const RUN: Duration = Duration::from_millis(500);
/// A backlog takes minutes in all; more rounds would tell no more.
const ROUNDS: usize = 3;
/// The index of bare requests; the name behind its alias is the first version's.
const BARE: &str = "bare";
const BARE_INDEX: &str = "bare-v1";

/// What is measured in each round.
#[derive(Clone, Default)]
struct Measured {
    stored: Series,
    indexed: Series,
    stored_without_index: Series,
    indexed_alone: Series,
    inserted: Series,
    bulk: Series,
    memory_mb: Series,
}

/// Adds the rows.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    let mut scenarios = vec![world.scenario("drain, many chats", world.effort.chats).await?];
    if world.effort.thorough {
        scenarios.push(world.scenario("drain, one chat", 1).await?);
    }
    for scenario in &scenarios {
        let rounds = if world.effort.thorough { world.effort.rounds.min(ROUNDS) } else { 1 };
        let mut measured = Measured::default();
        let mut outcome = Ok(());
        for round in 1..=rounds {
            eprintln!("drain, {} chats: round {round} of {rounds}", scenario.chats.len());
            outcome = one_round(world, scenario, &mut measured).await;
            if outcome.is_err() {
                break;
            }
        }
        let messages = world.effort.backlog;
        world.rows.extend(rows(scenario.chats.len(), messages, measured));
        outcome?;
    }
    Ok(())
}

async fn one_round(world: &mut World, scenario: &Arc<Scenario>, measured: &mut Measured) -> anyhow::Result<()> {
    // A chat lies in one partition, which is worked off by one connection; many lie in both.
    let mut conns = Vec::new();
    for _ in 0..scenario.chats.len().min(2) {
        conns.push(world.mysql().await?);
    }
    measured.inserted.push(bare_inserts(world, scenario, &mut conns).await?);
    measured.bulk.push(bare_bulk(world, scenario).await?);

    let before = backlog(world, scenario).await?;
    world.system.start_service(Service::Consumer).await?;
    let started = Instant::now();
    measured.stored.push(store(world, &mut conns[0], before).await?);
    world.all_indexed().await?;
    measured.indexed.push((world.acknowledged() - before) as f64 / started.elapsed().as_secs_f64());
    let with_index = most_mb(world).context("the consumer has ended")?;
    let outcome = if world.effort.thorough { without_index(world, scenario, measured, &mut conns[0]).await } else { Ok(()) };
    // Another process by now, whose most is its own.
    measured.memory_mb.push(most_mb(world).map_or(with_index, |without_index| without_index.max(with_index)));
    outcome
}

/// The most memory that the consumer's process has held since it was started.
fn most_mb(world: &World) -> Option<f64> {
    let (_, most) = world.system.process_id(Service::Consumer).and_then(memory_mb)?;
    Some(most)
}

/// The same while Elasticsearch is away, and then what is left to it when it is back.
async fn without_index(
    world: &mut World,
    scenario: &Arc<Scenario>,
    measured: &mut Measured,
    conn: &mut Conn,
) -> anyhow::Result<()> {
    let before = backlog(world, scenario).await?;
    world.system.stack().stop(Server::Elasticsearch).await?;
    world.system.start_service(Service::Consumer).await?;
    measured.stored_without_index.push(store(world, conn, before).await?);
    let rows = world.outbox().await?;
    world.system.stack().start(Server::Elasticsearch).await?;
    measured.indexed_alone.push(index(world, rows, world.acknowledged() - before).await?);
    Ok(())
}

/// Stops the consumer, and has as many messages created as the effort says. How many were acknowledged before.
async fn backlog(world: &mut World, scenario: &Arc<Scenario>) -> anyhow::Result<u64> {
    world.settled().await?;
    world.system.stop_service(Service::Consumer).await?;
    let before = world.acknowledged();
    while world.acknowledged() < before + world.effort.backlog {
        world.create(scenario, CLIENTS, RUN).await?;
    }
    Ok(before)
}

/// Messages a second, from the first look that shows some to the last. A look sums up all chats, and is at the expense of ours
/// alone: few are made.
async fn store(world: &World, conn: &mut Conn, before: u64) -> anyhow::Result<f64> {
    let mut pace = Pace::new(world.acknowledged() - before);
    let until = Instant::now() + patience(world);
    while Instant::now() < until {
        let stored = world.stored(conn).await?.saturating_sub(before);
        if let Some(rate) = pace.look(Instant::now(), stored) {
            world.all_stored().await?;
            return Ok(rate);
        }
        sleep(pace.pause()).await;
    }
    anyhow::bail!("a backlog is not stored in time")
}

/// Messages a second, of so many that stand in so many rows of the outbox: each stands for about as many.
async fn index(world: &World, rows: u64, messages: u64) -> anyhow::Result<f64> {
    let mut pace = Pace::new(rows);
    let until = Instant::now() + patience(world);
    while Instant::now() < until {
        let left = world.outbox().await?;
        if let Some(rate) = pace.look(Instant::now(), rows.saturating_sub(left)) {
            return Ok(rate * messages as f64 / rows as f64);
        }
        sleep(pace.pause()).await;
    }
    anyhow::bail!("a backlog is not indexed in time")
}

/// A thousand messages a second is far less than anything here does.
fn patience(world: &World) -> Duration {
    Duration::from_secs(60 + world.effort.backlog / 1_000)
}

async fn bare_inserts(world: &World, scenario: &Scenario, conns: &mut [Conn]) -> anyhow::Result<f64> {
    let table = inserts::bare_table(&mut conns[0]).await?;
    let places = places(scenario.chats.len() as u64, world.effort.backlog);
    let took = inserts::insert(conns, table, 1, &places, body).await?;
    inserts::bare_table(&mut conns[0]).await?;
    Ok(places.len() as f64 / took.as_secs_f64())
}

async fn bare_bulk(world: &World, scenario: &Scenario) -> anyhow::Result<f64> {
    let url = &world.urls().elasticsearch;
    empty_index(url, BARE).await?;
    let places = places(scenario.chats.len() as u64, world.effort.backlog);
    let texts = places.iter().map(|&(chat, number)| Text { application: 1, chat, number, body: body((chat, number)) });
    let elastic = Elastic::new(url)?;
    let took = elastic.write(BARE_INDEX, texts, Text::ours).await?;
    elastic.ask(Method::DELETE, BARE_INDEX, None).await?;
    Ok(places.len() as f64 / took.as_secs_f64())
}

/// So many messages, spread over the chats as the clients spread theirs, in the order in which they come.
fn places(chats: u64, messages: u64) -> Vec<Place> {
    (0..messages).map(|index| (1 + index % chats, 1 + index / chats)).collect()
}

/// As long as what the clients say.
fn body((chat, number): Place) -> String {
    text(Sender { run: chat as u32, client: 100 }, number as u32)
}

fn rows(chats: usize, messages: u64, measured: Measured) -> Vec<Row> {
    let chats = if chats == 1 { "one chat".to_owned() } else { format!("{chats} chats") };
    let what = |what: &str| format!("backlog of {messages} messages, {chats}, {what}");
    let rate = |name: &str, figure: &Series| Row::plain(what(name), "a second", figure.clone());
    let rows = vec![
        rate("stored", &measured.stored)
            .against("bare prepared inserts of a thousand rows", measured.inserted)
            .wanted(Wanted::RatioAtLeast(0.85)),
        rate("stored while it is indexed", &measured.stored)
            .against("stored without Elasticsearch", measured.stored_without_index)
            .wanted(Wanted::RatioAtLeast(0.90)),
        rate("stored and indexed at once, indexed", &measured.indexed).against("bare _bulk", measured.bulk.clone()),
        rate("stored before, indexed", &measured.indexed_alone)
            .against("bare _bulk", measured.bulk)
            .wanted(Wanted::RatioAtLeast(0.80)),
        Row::plain(what("consumer's memory at most"), "MB", measured.memory_mb).wanted(Wanted::AtMost(150.0)),
    ];
    let measured = |figure: &Series| figure.rounds() > 0;
    rows.into_iter()
        .filter(|row| measured(&row.figure) && row.limit.as_ref().is_none_or(|limit| measured(&limit.figure)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_was_left_out_has_no_row() {
        let once = || Series::once(1.0);
        let short = Measured {
            stored: once(),
            indexed: once(),
            inserted: once(),
            bulk: once(),
            memory_mb: once(),
            ..Measured::default()
        };
        let whole = Measured { stored_without_index: once(), indexed_alone: once(), ..short.clone() };
        assert_eq!((rows(1, 10, short).len(), rows(1, 10, whole).len()), (3, 5));
    }

    #[test]
    fn places_are_spread_over_the_chats_and_none_is_taken_twice() {
        let places = places(3, 8);
        assert_eq!(places[..4], [(1, 1), (2, 1), (3, 1), (1, 2)]);
        assert_eq!(places.iter().collect::<HashSet<_>>().len(), 8);
    }
}
