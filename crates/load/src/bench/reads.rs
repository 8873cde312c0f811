//! Reads at 64 connections, of an api as it is by default and of one without its cache, beside a bare handler that runs the same
//! select; and a page far down in a large chat beside the first.
//!
//! Messages are drawn from all of a chat, so that next to none is in the cache: it is the way to MySQL that is compared. One
//! message that is read again and again shows what the cache brings.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::ensure;
use hyper::StatusCode;
use localsystem::Service;

use super::{
    bare_reads, inserts,
    row::{Row, Wanted},
    series::Series,
    world::World,
};
use crate::{
    connection::Connection,
    gets::{Paths, always, run},
};

const CLIENTS: u32 = 64;
/// Entries of a page unless its client asks for less.
const PAGE: u64 = 50;

/// One kind of read, and what came of it in each round.
struct Read {
    name: &'static str,
    paths: Paths,
    /// Drawn from all of the chat.
    scattered: bool,
    wanted: Wanted,
    cached: Series,
    uncached: Series,
    bare: Series,
}

/// Adds the rows.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    let depth = world.effort.depth;
    eprintln!("reads: a chat of {depth} messages");
    let mut conns = [world.mysql().await?, world.mysql().await?];
    let body = |(_, number)| format!("What a piece of work is a man, how noble in reason, {number}");
    // Beyond the depth there is a page more, so that the deep page is a full one with a next one.
    let (_, token) = inserts::chat_of(&mut conns, "reads", depth + 2 * PAGE, body).await?;
    let bare = bare_reads::start(&world.mysql_url()).await?;
    let uncached = world.system.start_replica(Service::Api, &[("CHAT__CACHE__ENABLED", "false")]).await?;
    let targets = [world.address(Service::Api), uncached, bare.address];
    let mut reads = kinds(&token, depth);
    reads.retain(|read| read.scattered || world.effort.thorough);
    let duration = world.effort.duration;
    for read in &reads {
        for target in targets {
            check(target, &(read.paths)(0, 0)).await?;
            // Connections and prepared statements are made now.
            run(target, CLIENTS, &read.paths, duration / 8).await?;
        }
    }
    let mut deep = (Series::default(), Series::default());
    let rounds = async {
        for round in 1..=world.effort.rounds {
            eprintln!("reads: round {round} of {}", world.effort.rounds);
            for read in &mut reads {
                read.bare.push(rate(targets[2], &read.paths, duration).await?);
                read.uncached.push(rate(targets[1], &read.paths, duration).await?);
                read.cached.push(rate(targets[0], &read.paths, duration).await?);
            }
            deep.0.push(p50_ms(uncached, &page_after(&token, 0), duration / 2).await?);
            deep.1.push(p50_ms(uncached, &page_after(&token, depth), duration / 2).await?);
        }
        world.system.stop_replicas().await
    };
    let outcome = rounds.await;
    for read in reads {
        world.rows.extend(rows(read));
    }
    let row = Row::plain(format!("page of {PAGE} behind message {depth}, lone client, without cache"), "p50 ms", deep.1);
    world.rows.push(row.against("the first page", deep.0).wanted(Wanted::RatioAtMost(1.2)));
    outcome
}

fn kinds(token: &str, depth: u64) -> Vec<Read> {
    let messages = format!("/applications/{token}/chats/1/messages");
    let (any, pages) = (messages.clone(), messages.clone());
    let read = |name, paths, scattered, wanted| Read {
        name,
        paths,
        scattered,
        wanted: Wanted::RatioAtLeast(wanted),
        cached: Series::default(),
        uncached: Series::default(),
        bare: Series::default(),
    };
    let each: Paths = Arc::new(move |client, sequence| format!("{any}/{}", 1 + scattered(client, sequence) % depth));
    let page: Paths = Arc::new(move |client, sequence| format!("{pages}?after={}", scattered(client, sequence) % depth));
    vec![
        read("application", always(format!("/applications/{token}")), false, 0.8),
        read("message, any", each, true, 0.8),
        read("message, the same", always(format!("{messages}/1")), false, 0.8),
        read("page of 50, any", page, true, 0.7),
        read("page of 50, the first", always(messages), false, 0.7),
    ]
}

fn page_after(token: &str, after: u64) -> Paths {
    always(format!("/applications/{token}/chats/1/messages?after={after}"))
}

/// A number that looks drawn, the same in each run: SplitMix64's mixing (Steele, Lea, Flood 2014).
pub(super) fn scattered(client: u32, sequence: u64) -> u64 {
    let mut mixed = (u64::from(client) << 40 | sequence).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

async fn check(target: SocketAddr, path: &str) -> anyhow::Result<()> {
    let (status, _) = Connection::to(target).get(path).await?;
    ensure!(status == StatusCode::OK, "{path} is answered {status} by {target}");
    Ok(())
}

async fn rate(target: SocketAddr, paths: &Paths, duration: Duration) -> anyhow::Result<f64> {
    let outcome = run(target, CLIENTS, paths, duration).await?;
    let failed = outcome.refused + outcome.unanswered;
    ensure!(failed == 0, "{failed} reads were not answered 200");
    Ok(outcome.rate())
}

async fn p50_ms(target: SocketAddr, paths: &Paths, duration: Duration) -> anyhow::Result<f64> {
    Ok(run(target, 1, paths, duration).await?.latency_us.value_at_quantile(0.50) as f64 / 1e3)
}

fn rows(read: Read) -> [Row; 2] {
    let row = |which: &str, figure: Series| {
        let what = format!("{}, {CLIENTS} connections, {which}", read.name);
        let row = Row::plain(what, "reads a second", figure).against("bare handler with the same select", read.bare.clone());
        row.wanted(read.wanted)
    };
    [row("as by default", read.cached.clone()), row("without cache", read.uncached.clone())]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_is_asked_for_is_scattered_and_lies_within_the_chat() {
        let reads = kinds("t", 1_000);
        let paths: HashSet<String> = (0..200).map(|sequence| (reads[1].paths)(3, sequence)).collect();
        assert!(paths.len() > 150, "{}", paths.len());
        let number = |path: &String| path.rsplit('/').next().unwrap().parse::<u64>().unwrap();
        assert!(paths.iter().all(|path| (1..=1_000).contains(&number(path))));
        assert_eq!((reads[1].paths)(3, 7), (reads[1].paths)(3, 7));
        assert_ne!((reads[1].paths)(3, 7), (reads[1].paths)(4, 7));
    }
}
