//! Counts brought up to date: of a very large chat with a few new messages, and of very many chats with one each. It costs by
//! what has changed; counting the rows, which it is compared with, costs by what there is.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use localsystem::Service;
use mysql_async::{Conn, Params, Value, prelude::Queryable};
use store::counts::{Pass, apply_next};

use super::{
    inserts,
    row::{Row, Wanted},
    series::Series,
    world::World,
};

/// New messages of the large chat.
const NEW: u64 = 10;
/// Marks that one transaction of the job takes in.
const CHUNK: u32 = 500;
/// Rows of one statement that makes chats or marks.
const ROWS: usize = 1_000;
const MOMENT: &str = "'2026-01-02 03:04:05.678'";

/// Adds the rows. Nothing else may count meanwhile: the consumer is stopped.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    world.settled().await?;
    world.system.stop_service(Service::Consumer).await?;
    let mut conns = [world.mysql().await?, world.mysql().await?];
    // What the services have left.
    consumer::counts::run(&world.store).await?;
    large_chat(world, &mut conns).await?;
    many_chats(world, &mut conns[0]).await?;
    world.system.start_service(Service::Consumer).await
}

async fn large_chat(world: &mut World, conns: &mut [Conn]) -> anyhow::Result<()> {
    let depth = world.effort.depth;
    eprintln!("counts: a chat of {depth} messages");
    let body = |(_, number)| format!("all the men and women merely players, {number}");
    let (application, _) = inserts::chat_of(conns, "counts", depth, body).await?;
    let (mut ours, mut plain) = (Series::default(), Series::default());
    for round in 1..=world.effort.rounds as u64 {
        let new: Vec<_> = (1..=NEW).map(|number| (1, depth + (round - 1) * NEW + number)).collect();
        inserts::insert(conns, "messages", application, &new, body).await?;
        let mark = format!("INSERT INTO dirty_chats (application_id, chat_number, added, since) VALUES (?, 1, ?, {MOMENT})");
        conns[0].exec_drop(mark, (application, NEW)).await?;
        ours.push(milliseconds(apply(world).await?));
        let counted = format!("SELECT messages_count FROM chats WHERE application_id = {application}");
        let begun = Instant::now();
        let rows = format!("SELECT COUNT(*) FROM messages WHERE application_id = {application} AND chat_number = 1");
        let rows = number(&mut conns[0], &rows).await?;
        plain.push(milliseconds(begun.elapsed()));
        let counted = number(&mut conns[0], &counted).await?;
        ensure!(counted == rows && rows == depth + round * NEW, "{counted} messages are counted of {rows}");
    }
    let row = Row::plain(format!("counts, a chat of {depth} messages with {NEW} new ones"), "ms of database time", ours);
    world.rows.push(row.against("SELECT COUNT(*)", plain).wanted(Wanted::AtMost(20.0)));
    Ok(())
}

async fn many_chats(world: &mut World, conn: &mut Conn) -> anyhow::Result<()> {
    let chats = world.effort.dirty_chats;
    eprintln!("counts: {chats} chats");
    let (application, _) = inserts::chat_of(std::slice::from_mut(conn), "many counts", 1, |_| "a".to_owned()).await?;
    let event = "UNHEX('00')";
    let numbers: Vec<u64> = (2..=chats + 1).collect();
    for numbers in numbers.chunks(ROWS) {
        let rows = vec![format!("(?, ?, {event}, {MOMENT}, {MOMENT})"); numbers.len()].join(", ");
        let sql = format!("INSERT INTO chats (application_id, number, event_id, created_at, updated_at) VALUES {rows}");
        conn.exec_drop(sql, keys(application, numbers)).await?;
    }
    let mut took = Series::default();
    for round in 1..=world.effort.rounds as u64 {
        for numbers in numbers.chunks(ROWS) {
            let marks = vec![format!("(?, ?, 1, {MOMENT})"); numbers.len()].join(", ");
            let sql = format!("INSERT INTO dirty_chats (application_id, chat_number, added, since) VALUES {marks}");
            conn.exec_drop(sql, keys(application, numbers)).await?;
        }
        let begun = Instant::now();
        consumer::counts::run(&world.store).await?;
        took.push(begun.elapsed().as_secs_f64());
        let sum = format!("SELECT CAST(SUM(messages_count) AS UNSIGNED) FROM chats WHERE application_id = {application}");
        let (sum, expected) = (number(conn, &sum).await?, 1 + round * chats);
        ensure!(sum == expected, "{sum} messages are counted of {expected} that were marked");
    }
    let row = Row::plain(format!("counts, {chats} chats with one new message each, the whole job"), "s", took);
    world.rows.push(row.wanted(Wanted::AtMost(10.0)));
    Ok(())
}

/// What the job does, without the pauses that it makes for others.
async fn apply(world: &World) -> anyhow::Result<Duration> {
    let mut connection = world.store.acquire().await?;
    let begun = Instant::now();
    let mut pass = Pass::default();
    while apply_next(&mut connection, &mut pass, CHUNK).await? > 0 {}
    Ok(begun.elapsed())
}

fn keys(application: u64, numbers: &[u64]) -> Params {
    Params::Positional(numbers.iter().flat_map(|number| [Value::from(application), Value::from(*number)]).collect())
}

async fn number(conn: &mut Conn, sql: &str) -> anyhow::Result<u64> {
    conn.query_first(sql).await?.context("no row")
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
