//! Creates a second, as fast as 64 and 256 clients can send them: in one chat and in many, with the consumer stopped and running,
//! each beside a bare echo of the same JSON. With the consumer stopped the straightforward implementation is measured too: nobody
//! stores what that has taken.

use std::sync::Arc;

use localsystem::Service;

use super::{
    amqp::Queue,
    baseline,
    row::{Row, Wanted},
    series::Series,
    world::World,
};
use crate::{run::Outcome, scenario::Scenario, side::Side};

const CLIENTS: [u32; 2] = [64, 256];
/// For which of these the slowest answers are told.
const CROWD: u32 = 256;

/// The least that creates may be to the echo, at either number of clients.
struct Phase {
    name: &'static str,
    wanted: [f64; 2],
    consumer: bool,
}

const STOPPED: Phase = Phase { name: "consumer stopped", wanted: [0.40, 0.60], consumer: false };
const RUNNING: Phase = Phase { name: "consumer running", wanted: [0.30, 0.50], consumer: true };

/// One kind of run at one number of clients.
#[derive(Default)]
struct Measured {
    rate: Series,
    p99_ms: Series,
}

impl Measured {
    fn add(&mut self, outcome: &Outcome) {
        self.rate.push(outcome.rate());
        self.p99_ms.push(outcome.latency_us.value_at_quantile(0.99) as f64 / 1e3);
    }
}

/// Adds the rows of both phases.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    let mut scenarios = vec![world.scenario("one chat", 1).await?];
    if world.effort.thorough {
        scenarios.push(world.scenario("many chats", world.effort.chats).await?);
    }
    let baseline = baseline::start(&world.urls().redis, &world.urls().amqp).await?;
    world.settled().await?;
    world.system.stop_service(Service::Consumer).await?;
    phase(world, &STOPPED, &scenarios, Some(&baseline)).await?;
    drop(baseline);
    world.system.start_service(Service::Consumer).await?;
    world.settled().await?;
    phase(world, &RUNNING, &scenarios, None).await?;
    world.settled().await
}

async fn phase(world: &mut World, phase: &Phase, scenarios: &[Arc<Scenario>], baseline: Option<&Side>) -> anyhow::Result<()> {
    let mut echoes: [Measured; 2] = Default::default();
    let mut ours: Vec<[Measured; 2]> = scenarios.iter().map(|_| Default::default()).collect();
    let mut plain: [Measured; 2] = Default::default();
    let (echo, duration) = (world.echo.address, world.effort.duration);
    let amqp = world.urls().amqp.clone();
    let queue = Queue::declare(&amqp, baseline::QUEUE).await?;
    let rounds = async {
        for round in 1..=world.effort.rounds {
            eprintln!("creates, {}: round {round} of {}", phase.name, world.effort.rounds);
            for (index, clients) in CLIENTS.into_iter().enumerate() {
                quiet(world, phase).await?;
                echoes[index].add(&world.pretend(echo, &scenarios[0], clients, duration).await?);
                for (scenario, ours) in scenarios.iter().zip(&mut ours) {
                    quiet(world, phase).await?;
                    ours[index].add(&world.create(scenario, clients, duration).await?);
                }
                if let Some(side) = baseline {
                    plain[index].add(&world.pretend(side.address, &scenarios[0], clients, duration).await?);
                    queue.purge().await?;
                }
            }
        }
        Ok(())
    };
    let outcome = rounds.await;
    for (scenario, ours) in scenarios.iter().zip(ours) {
        world.rows.extend(rows(phase, &describe(scenario), &ours, &echoes));
        if baseline.is_some() && scenario.chats.len() == 1 {
            world.rows.extend(beside_the_baseline(&describe(scenario), &ours, &plain));
        }
    }
    outcome
}

/// What the last run has left to the consumer must not slow the next one, nor the echo.
async fn quiet(world: &World, phase: &Phase) -> anyhow::Result<()> {
    if phase.consumer { world.settled().await } else { Ok(()) }
}

fn describe(scenario: &Scenario) -> String {
    match scenario.chats.len() {
        1 => "one chat".to_owned(),
        many => format!("{many} chats"),
    }
}

fn rows(phase: &Phase, chats: &str, ours: &[Measured; 2], echoes: &[Measured; 2]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, clients) in CLIENTS.into_iter().enumerate() {
        let what = format!("creates, {chats}, {clients} connections, {}", phase.name);
        let (ours, echo) = (&ours[index], &echoes[index]);
        let rate = Row::plain(&what, "a second", ours.rate.clone()).against("bare echo", echo.rate.clone());
        rows.push(rate.wanted(Wanted::RatioAtLeast(phase.wanted[index])));
        if clients == CROWD {
            let p99 = Row::plain(&what, "p99 ms", ours.p99_ms.clone()).against("bare echo", echo.p99_ms.clone());
            rows.push(p99.wanted(Wanted::RatioAtMost(3.0)));
        }
    }
    rows
}

fn beside_the_baseline(chats: &str, ours: &[Measured; 2], plain: &[Measured; 2]) -> Vec<Row> {
    let row = |index: usize, clients: u32| {
        let what = format!("creates, {chats}, {clients} connections, consumer stopped");
        let row = Row::plain(what, "a second", ours[index].rate.clone());
        row.against("straightforward implementation", plain[index].rate.clone()).wanted(Wanted::RatioAtLeast(3.0))
    };
    CLIENTS.into_iter().enumerate().map(|(index, clients)| row(index, clients)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rate: f64, p99_ms: f64) -> Measured {
        Measured { rate: Series::once(rate), p99_ms: Series::once(p99_ms) }
    }

    #[test]
    fn each_number_of_clients_is_held_against_its_own_echo() {
        let ours = [measured(40.0, 5.0), measured(60.0, 6.0)];
        let echoes = [measured(100.0, 1.0), measured(120.0, 2.0)];
        let rows = rows(&STOPPED, "one chat", &ours, &echoes);
        let ratios: Vec<f64> = rows.iter().filter_map(|row| Some(row.ratio()?.median())).collect();
        assert_eq!(ratios, [0.4, 0.5, 3.0]);
        assert_eq!(rows.iter().map(Row::reached).collect::<Vec<_>>(), [Some(true), Some(false), Some(true)]);
        let beside = beside_the_baseline("one chat", &ours, &[measured(10.0, 0.0), measured(30.0, 0.0)]);
        assert_eq!(beside.iter().map(Row::reached).collect::<Vec<_>>(), [Some(true), Some(false)]);
    }
}
