//! How long a lone client waits for a create, beside the two things that it cannot be spared: a round trip to Redis and a
//! confirmed publish, done one after the other over raw connections.

use std::time::{Duration, Instant};

use deadpool_redis::redis::{Client, aio::MultiplexedConnection, cmd};
use domain::{ChatNumber, MessageBody, MessageNumber};
use hdrhistogram::Histogram;

use super::{
    amqp::Queue,
    baseline::payload,
    row::{Row, Wanted},
    series::Series,
    world::World,
};
use crate::{
    run::empty,
    scenario::{Sender, text},
};

const QUEUE: &str = "bare";

/// Adds the row.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    let scenario = world.scenario("lone client", 1).await?;
    let redis = Client::open(world.urls().redis.as_str())?;
    let mut redis = redis.get_multiplexed_async_connection().await?;
    let queue = Queue::declare(&world.urls().amqp, QUEUE).await?;
    let (mut ours, mut bare) = (Series::default(), Series::default());
    let duration = world.effort.duration;
    let rounds = async {
        for round in 1..=world.effort.rounds {
            eprintln!("lone client: round {round} of {}", world.effort.rounds);
            world.settled().await?;
            bare.push(p50_ms(&both_bare(&mut redis, &queue, duration).await?));
            queue.purge().await?;
            ours.push(p50_ms(&world.create(&scenario, 1, duration).await?.latency_us));
        }
        world.settled().await
    };
    let outcome = rounds.await;
    let row = Row::plain("create of a lone client", "p50 ms", ours);
    world.rows.push(row.against("INCR, then one confirmed publish", bare).wanted(Wanted::RatioAtMost(2.5)));
    outcome
}

async fn both_bare(redis: &mut MultiplexedConnection, queue: &Queue, duration: Duration) -> anyhow::Result<Histogram<u64>> {
    let mut took_us = empty()?.latency_us;
    let until = Instant::now() + duration;
    for sequence in 0.. {
        let body = MessageBody::new(text(Sender { run: 0, client: 0 }, sequence))?;
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        let number: u64 = cmd("INCR").arg(QUEUE).query_async(redis).await?;
        queue.publish(&payload(ChatNumber::FIRST, MessageNumber::new(number)?, body)?).await?;
        took_us.record(begun.elapsed().as_micros() as u64)?;
    }
    Ok(took_us)
}

fn p50_ms(took_us: &Histogram<u64>) -> f64 {
    took_us.value_at_quantile(0.50) as f64 / 1e3
}
