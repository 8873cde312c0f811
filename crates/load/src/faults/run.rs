//! The run: step by step faults are injected under load, held, healed, and the recovery is timed. What it comes to in the end is
//! for [`verdict`](super::verdict).

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use localsystem::{Binaries, Service};
use say::say;
use store::Store;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{
    coverage::Coverage,
    draw::Draw,
    fault::Fault,
    forgotten,
    recovery::{Recovery, recover},
    redis,
    schedule::{Schedule, Step},
    table::{Table, Told},
    traffic::{Rate, Traffic},
    witness::{Moments, Witness},
};
use crate::{fleet::Fleet, scenario::Scenario};

/// All goes well for so long before the first fault.
const BEFORE: Duration = Duration::from_secs(3);
/// How long injecting or healing one fault may take. A server that must be stopped and started is the slowest.
const ACT_WITHIN: Duration = Duration::from_secs(300);
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// What is run.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// What decides about the order of the steps, as it stands on the command line.
    pub(crate) order: String,
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
    /// How long recovery may take; until all is stored, as long again as something was wrong.
    pub(crate) recover_within: Duration,
}

/// A run that is under way.
pub(crate) struct Run<'a> {
    pub(crate) fleet: &'a mut Fleet,
    binaries: &'a Binaries,
    plan: Plan,
    pub(crate) began: Instant,
    pub(crate) traffic: Traffic,
    pub(crate) witness: Witness,
    pub(crate) store: Store,
    pub(crate) table: Table,
    /// The steps after which recovery took too long.
    pub(crate) late: Vec<String>,
    /// The number of the step that would come next.
    next: usize,
}

/// Runs the plan: what is there to be judged, and what ended the steps before their time.
///
/// # Errors
/// When it cannot begin.
pub(crate) async fn run<'a>(
    fleet: &'a mut Fleet,
    binaries: &'a Binaries,
    plan: Plan,
) -> anyhow::Result<(Run<'a>, anyhow::Result<()>)> {
    let (api, ingest) = (fleet.addresses(Service::Api), fleet.addresses(Service::Ingest));
    let (api, first) = (api.first().context("no api")?, ingest.first().context("no ingest")?);
    let scenario = Arc::new(Scenario::create("faults", plan.chats, *api, *first).await?);
    let store = Store::connect(&store::Settings::new(format!("{}/chat", fleet.stack().urls().mysql)))?;
    let witness = Witness::start(fleet, plan.seed)?;
    let traffic = Traffic::start(scenario, ingest, plan.rate);
    sleep(BEFORE).await;

    let (began, table, late, next) = (Instant::now(), Table::default(), Vec::new(), plan.from);
    let mut run = Run { fleet, binaries, plan, began, traffic, witness, store, table, late, next };
    let outcome = run.steps().await;
    Ok((run, outcome))
}

impl Run<'_> {
    /// What has been done of the schedule.
    pub(crate) fn coverage(&self) -> Coverage<'_> {
        let Plan { schedule, order, left_out, from, .. } = &self.plan;
        Coverage { schedule, order, left_out, from: *from, next: self.next }
    }

    async fn steps(&mut self) -> anyhow::Result<()> {
        let (from, most, schedule) = (self.plan.from, self.plan.steps, self.plan.schedule.clone());
        let left_out = self.plan.left_out.clone();
        let possible = |step: &Step| !step.faults.iter().any(|(fault, _)| left_out.contains(fault));
        for step in (from..).map(|number| schedule.step(number)).filter(possible).take(most) {
            if self.began.elapsed() >= self.plan.duration {
                break;
            }
            self.step(&step).await.with_context(|| format!("step {}: {}", step.number, step.names()))?;
            self.next = step.number + 1;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let ledger = self.traffic.ledger.clone();
        ledger.begin_step();
        let before = ledger.tally();
        let (disturbed, recovery) = self.perform(step).await?;
        let told = Told::between(before, ledger.tally());
        self.table.enter(step.faults.iter().map(|(fault, _)| *fault).collect(), told, recovery);
        let Recovery { answering, stored } = recovery;
        let line = format!(
            "step {}: {}, {:.1} s: {} acknowledged, {} not; answering after {:.1} s, stored after {:.1} s",
            step.number,
            step.names(),
            step.hold.as_secs_f64(),
            told.acknowledged,
            told.not_acknowledged,
            answering.as_secs_f64(),
            stored.as_secs_f64(),
        );
        say!("{line}");
        // What has piled up for a while may take a while to be stored, but no longer than that.
        let within = self.plan.recover_within;
        if answering > within || stored > within + disturbed {
            self.late.push(line);
        }
        let violations = ledger.violations();
        ensure!(violations.is_empty(), "{}", violations.join("; "));
        forgotten::give_again(step, self.fleet, self.binaries).await
    }

    /// How long something was wrong, from the first injection to the last healing, and the recovery from it.
    async fn perform(&mut self, step: &Step) -> anyhow::Result<(Duration, Recovery)> {
        redis::keep_snapshot(self.fleet).await?;
        let first = Instant::now();
        let mut outcome = Ok(());
        let mut there = Vec::new();
        for (index, (fault, draw)) in step.faults.iter().enumerate() {
            if index > 0 {
                sleep(step.apart).await;
            }
            let begun = Instant::now();
            outcome = act(*fault, *draw, self.fleet, true).await;
            there.push((*fault, *draw, begun, Instant::now()));
            if outcome.is_err() {
                break;
            }
        }
        // What cannot be injected is an error all the same, but not one that leaves the system broken.
        if outcome.is_ok() {
            outcome = hold(self.fleet, step.hold).await;
        }
        there.sort_by_key(|(fault, ..)| fault.healed_in_turn());
        for (fault, draw, begun, injected) in there {
            let healing = Instant::now();
            let healed = act(fault, draw, self.fleet, false).await;
            outcome = outcome.and(healed);
            self.witness.happened(fault, Moments { begun, injected, healing, healed: Instant::now() });
        }
        outcome?;
        let disturbed = first.elapsed();
        let recovery = recover(self.fleet, &self.traffic, &self.store, step.number).await?;
        self.fleet.check()?;
        Ok((disturbed, recovery))
    }
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
