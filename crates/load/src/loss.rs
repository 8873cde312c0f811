//! Redis loses everything in the middle of the load, twice: flushed, then killed with its append-only file removed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use devstack::Server;
use localsystem::{Binaries, LocalSystem, Options, Service};
use say::say;

use crate::{
    check::{check, verdict},
    redis::tell,
    rounds::database,
    run::{Outcome, Plan, run},
    scenario::Scenario,
};

const CLIENTS: u32 = 64;
const DURATION: Duration = Duration::from_secs(30);
const FLUSH_AFTER: Duration = Duration::from_secs(8);
const KILL_AFTER: Duration = Duration::from_secs(18);

/// Runs the load with both losses in it, prints what came of them, and fails if a create was lost or doubled.
pub(crate) async fn redis_loss(chats: usize) -> anyhow::Result<()> {
    let progress = devstack::for_terminal();
    let system = LocalSystem::start(Binaries::build().await?, Options::temporary(), progress.as_ref()).await?;
    let (api, ingest) = (system.address(Service::Api), system.address(Service::Ingest));
    let scenario = Arc::new(Scenario::create("redis loss", chats, api, ingest).await?);
    let plan = Plan { target: ingest, scenario: scenario.clone(), clients: CLIENTS, duration: DURATION, run: 1, keep: true };
    let (outcome, losses) = tokio::join!(run(plan), lose(&system));
    let (outcome, losses) = (outcome?, losses?);
    let findings = check(&database(&system)?, &scenario, &outcome.acknowledged, Duration::from_secs(120)).await?;
    say!(
        "{:.0} creates/s over {} s, {} refused, {} unanswered",
        outcome.rate(),
        DURATION.as_secs(),
        outcome.refused,
        outcome.unanswered
    );
    for (what, begun, back) in losses {
        say!(
            "{what}: creates succeed again {:.2} s after the loss, {:.2} s after Redis answers",
            pause(&outcome, begun),
            pause(&outcome, back)
        );
    }
    say!("{findings}");
    system.down().await?;
    verdict(&findings)
}

/// What happened, when it began, and when Redis answered again.
type Loss = (&'static str, Instant, Instant);

async fn lose(system: &LocalSystem) -> anyhow::Result<Vec<Loss>> {
    let begun = Instant::now();
    tokio::time::sleep_until((begun + FLUSH_AFTER).into()).await;
    let flushed = Instant::now();
    tell(&system.stack().urls().redis, &["FLUSHALL"]).await?;
    let answered = Instant::now();
    tokio::time::sleep_until((begun + KILL_AFTER).into()).await;
    let killed = Instant::now();
    let stack = system.stack();
    stack.kill(Server::Redis).await?;
    stack.wipe(Server::Redis).await?;
    stack.start(Server::Redis).await?;
    Ok(vec![("FLUSHALL", flushed, answered), ("kill -9, append-only file removed", killed, Instant::now())])
}

/// Seconds from a moment to the first acknowledgement after the longest silence within the ten seconds behind it.
fn pause(outcome: &Outcome, moment: Instant) -> f64 {
    let until = moment + Duration::from_secs(10);
    let mut answers: Vec<Instant> = outcome.answered_at.iter().copied().filter(|at| (moment..until).contains(at)).collect();
    answers.sort_unstable();
    let mut longest = Duration::ZERO;
    let mut resumed = moment;
    let mut previous = moment;
    for answer in answers {
        if answer - previous > longest {
            longest = answer - previous;
            resumed = answer;
        }
        previous = answer;
    }
    (resumed - moment).as_secs_f64()
}
