//! The run: step by step faults are injected under load, held, healed, and the recovery is timed; in the end all is compared.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use localsystem::Service;
use store::Store;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{
    fault::{Draw, Fault},
    recovery::{Recovery, recover},
    redis,
    schedule::{Schedule, Step},
    table::{Table, Told},
    traffic::{Rate, Traffic},
};
use crate::{fleet::Fleet, scenario::Scenario};

/// All goes well for so long before the first fault.
const BEFORE: Duration = Duration::from_secs(3);
/// How long injecting or healing one fault may take. A server that must be stopped and started is the slowest.
const ACT_WITHIN: Duration = Duration::from_secs(300);
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// What is run.
pub(crate) struct Plan {
    pub(crate) schedule: Schedule,
    /// What cannot be injected here: steps with it are passed over.
    pub(crate) left_out: Vec<Fault>,
    /// The number of the first step.
    pub(crate) from: usize,
    /// No step begins after this.
    pub(crate) duration: Duration,
    /// No more steps than this.
    pub(crate) steps: usize,
    pub(crate) rate: Rate,
    pub(crate) chats: usize,
    /// How long recovery may take.
    pub(crate) recover_within: Duration,
}

/// Runs the plan and prints what came of it.
///
/// # Errors
/// The first violation, or the first recovery that took too long; what a repetition needs stands above it.
pub(crate) async fn run(fleet: &mut Fleet, plan: Plan) -> anyhow::Result<()> {
    let (api, ingest) = (fleet.addresses(Service::Api), fleet.addresses(Service::Ingest));
    let (api, first) = (api.first().context("no api")?, ingest.first().context("no ingest")?);
    let scenario = Arc::new(Scenario::create("faults", plan.chats, *api, *first).await?);
    let store = Store::connect(&store::Settings::new(format!("{}/chat", fleet.stack().urls().mysql)))?;
    let mut traffic = Traffic::start(scenario, ingest, plan.rate);
    sleep(BEFORE).await;

    let mut table = Table::default();
    let mut late = Vec::new();
    let began = Instant::now();
    let outcome = steps(fleet, &plan, &traffic, &store, &mut table, &mut late, began).await;
    traffic.finish().await;
    // Also after an error: what is only late is not lost. The number is nobody else's.
    let settled = outcome.and(recover(fleet, &traffic, &store, usize::try_from(u32::MAX)?).await.map(drop));
    let comparison = traffic.ledger.compare(&store, &traffic.scenario).await;
    println!();
    table.print(&traffic.ledger);
    println!("\n| replica | peak RSS, MiB |\n|---|---|");
    for (replica, mib) in fleet.peaks() {
        println!("| {replica} | {mib} |");
    }
    match &comparison {
        Ok(comparison) => println!("\n{:.0} s of faults: {comparison}", began.elapsed().as_secs_f64()),
        Err(error) => println!("\nnothing could be compared: {error:#}"),
    }
    let violations = traffic.ledger.violations();
    violations.iter().for_each(|violation| println!("violation: {violation}"));
    late.iter().for_each(|late| println!("late: {late}"));
    settled?;
    let found = comparison?.violations();
    ensure!(found == 0 && violations.is_empty(), "what is stored differs from what was acknowledged");
    ensure!(late.is_empty(), "recovery took too long {} times", late.len());
    Ok(())
}

async fn steps(
    fleet: &mut Fleet,
    plan: &Plan,
    traffic: &Traffic,
    store: &Store,
    table: &mut Table,
    late: &mut Vec<String>,
    began: Instant,
) -> anyhow::Result<()> {
    let possible = |step: &Step| !step.faults.iter().any(|(fault, _)| plan.left_out.contains(fault));
    for step in (plan.from..).map(|number| plan.schedule.step(number)).filter(possible).take(plan.steps) {
        if began.elapsed() >= plan.duration {
            break;
        }
        let number = step.number;
        traffic.ledger.begin_step();
        let before = traffic.ledger.tally();
        let recovery = perform(fleet, traffic, store, &step).await.with_context(|| format!("step {number}: {}", step.names()))?;
        let told = Told::between(before, traffic.ledger.tally());
        table.enter(step.faults.iter().map(|(fault, _)| *fault).collect(), told, recovery);
        let Recovery { answering, stored } = recovery;
        let line = format!(
            "step {number}: {}, {:.1} s: {} acknowledged, {} not; answering after {:.1} s, stored after {:.1} s",
            step.names(),
            step.hold.as_secs_f64(),
            told.acknowledged,
            told.not_acknowledged,
            answering.as_secs_f64(),
            stored.as_secs_f64(),
        );
        println!("{line}");
        if recovery.whole() > plan.recover_within {
            late.push(line);
        }
        let violations = traffic.ledger.violations();
        ensure!(violations.is_empty(), "step {number}: {}: {}", step.names(), violations.join("; "));
    }
    Ok(())
}

async fn perform(fleet: &mut Fleet, traffic: &Traffic, store: &Store, step: &Step) -> anyhow::Result<Recovery> {
    redis::keep_snapshot(fleet).await?;
    let mut outcome = Ok(());
    for (index, (fault, draw)) in step.faults.iter().enumerate() {
        if index > 0 {
            sleep(step.apart).await;
        }
        outcome = act(*fault, *draw, fleet, true).await;
        if outcome.is_err() {
            break;
        }
    }
    // What cannot be injected is an error all the same, but not one that leaves the system broken.
    if outcome.is_ok() {
        outcome = hold(fleet, step.hold).await;
    }
    let mut faults = step.faults.clone();
    faults.sort_by_key(|(fault, _)| fault.healed_in_turn());
    for (fault, draw) in faults {
        let healed = act(fault, draw, fleet, false).await;
        outcome = outcome.and(healed);
    }
    outcome?;
    let recovery = recover(fleet, traffic, store, step.number).await?;
    fleet.check()?;
    Ok(recovery)
}

async fn act(fault: Fault, draw: Draw, fleet: &mut Fleet, inject: bool) -> anyhow::Result<()> {
    let verb = if inject { "inject" } else { "heal" };
    let acting = async { if inject { fault.inject(fleet, draw).await } else { fault.heal(fleet, draw).await } };
    match timeout(ACT_WITHIN, acting).await {
        Ok(outcome) => outcome.with_context(|| format!("{verb} {fault}")),
        Err(_) => bail!("{verb} {fault}: not done after {} s", ACT_WITHIN.as_secs()),
    }
}

/// Lets time pass, and sees that no replica ends by itself.
async fn hold(fleet: &mut Fleet, duration: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + duration;
    while Instant::now() < until {
        sleep_until(until.min(Instant::now() + WATCH_EVERY)).await;
        fleet.check()?;
    }
    Ok(())
}
