//! `load faults`: everything that may go wrong, under load, alone and in each combination of two, and whether what was promised
//! holds.
//!
//! [`fault`] names the kinds; one file a kind of target does them. [`schedule`] says when, [`run`] does it; [`ledger`] and
//! [`witness`] see what comes of it, and [`verdict`] judges.

mod clock;
mod coverage;
mod cut;
mod disk;
mod draw;
mod failover;
mod fault;
mod forgotten;
mod ledger;
mod means;
mod memory;
mod network;
mod nodes;
mod recovery;
mod redis;
mod run;
mod schedule;
mod sentinels;
mod servers;
mod services;
mod table;
pub(crate) mod traffic;
mod verdict;
mod witness;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use localsystem::Binaries;
use say::say;
use tokio::signal::unix::{SignalKind, signal};

use self::{fault::Fault, means::Means, schedule::Schedule, traffic::Rate};
use crate::fleet::{self, Fleet};

/// What may be chosen about a run.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// What decides about the order of the faults and all that chance decides in them
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// No step begins after so many minutes
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// The number of the first step: to resume a run, or to repeat a step of it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    from: u32,
    /// No more steps than this
    #[arg(long, default_value_t = u32::MAX)]
    steps: u32,
    /// Only these faults, by the names that --list shows, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// RabbitMQ is a cluster of three nodes, which has faults of its own
    #[arg(long)]
    cluster: bool,
    /// Redis is a primary and a replica under three Sentinels, which have faults of their own in place of Redis' others
    #[arg(long)]
    sentinels: bool,
    /// Show the faults and the first steps, and do nothing
    #[arg(long)]
    list: bool,
    /// The longest time, in seconds, for which a fault lasts
    #[arg(long, default_value_t = 10.0)]
    hold: f64,
    /// The longest time, in seconds, that recovery may take
    #[arg(long, default_value_t = 10.0)]
    recover: f64,
    /// Clients that create all the time
    #[arg(long, default_value_t = 16)]
    clients: u32,
    /// Milliseconds between two creates of a client
    #[arg(long, default_value_t = 20)]
    pause: u64,
    /// Chats that they create in
    #[arg(long, default_value_t = 40)]
    chats: usize,
    /// Where logs are kept [default: faults, beside the program]
    #[arg(long)]
    logs: Option<PathBuf>,
    /// In namespaces of its own already; what the network outside is called
    #[arg(long, hide = true)]
    apart_from: Option<String>,
}

impl Options {
    /// What decides about the order of the steps.
    fn order(&self) -> String {
        let mut flags = format!("--seed {}", self.seed);
        for (flag, set) in [(" --cluster", self.cluster), (" --sentinels", self.sentinels)] {
            flags += if set { flag } else { "" };
        }
        if !self.only.is_empty() {
            flags += &format!(" --only {}", self.only.join(","));
        }
        flags
    }
}

/// Runs as chosen.
///
/// # Errors
/// When something promised does not hold: a create lost or doubled, a service that ends by itself, a recovery that takes too
/// long.
pub(crate) async fn faults(options: Options) -> anyhow::Result<()> {
    let faults = chosen(&options.only, options.cluster, options.sentinels)?;
    let schedule = Schedule::new(options.seed, &faults, Duration::from_secs_f64(options.hold));
    if options.list {
        list(&options, &faults, &schedule);
        return Ok(());
    }
    let Means { disks, cuts, fake_clock, left_out } = Means::find(&faults, options.apart_from.as_deref()).await?;
    let plan = run::Plan {
        seed: options.seed,
        order: options.order(),
        left_out,
        from: options.from as usize,
        duration: Duration::from_secs_f64(options.minutes * 60.0),
        steps: options.steps as usize,
        rate: Rate { clients: options.clients, pause: Duration::from_millis(options.pause) },
        chats: options.chats.max(1),
        recover_within: Duration::from_secs_f64(options.recover),
        schedule,
    };
    say!(
        "seed {}: {} faults and {} combinations of two; from step {}",
        options.seed,
        faults.len(),
        plan.schedule.pairs(),
        plan.from
    );
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let place = place(&options)?;
    let (cluster, sentinels) = (options.cluster, options.sentinels);
    let fleet = fleet::Plan { place: place.clone(), disks, cluster, cuts, sentinels, fake_clock };
    // Dropped, everything that was started ends.
    tokio::select! {
        outcome = whole(plan, fleet) => {
            outcome.with_context(|| format!("logs: {}; seed {}", place.display(), options.seed))
        }
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

async fn whole(plan: run::Plan, fleet: fleet::Plan) -> anyhow::Result<()> {
    let progress = devstack::for_terminal();
    let binaries = Binaries::build().await?;
    let mut fleet = Fleet::start(fleet, &binaries, progress.as_ref()).await?;
    let outcome = judged(&mut fleet, plan, &binaries).await;
    if outcome.is_err() {
        eprintln!("{}", fleet.tails());
    }
    outcome.and(fleet.down().await)
}

async fn judged(fleet: &mut Fleet, plan: run::Plan, binaries: &Binaries) -> anyhow::Result<()> {
    let (run, outcome) = run::run(fleet, binaries, plan).await?;
    verdict::verdict(run, outcome).await?;
    fleet.verify(binaries).await
}

fn chosen(only: &[String], cluster: bool, sentinels: bool) -> anyhow::Result<Vec<Fault>> {
    let all = Fault::all(cluster, sentinels);
    if only.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        let fault = all.iter().find(|fault| fault.to_string() == *name);
        fault.copied().with_context(|| format!("\"{name}\" is no fault; --list shows those that there are"))
    };
    only.iter().map(find).collect()
}

fn list(options: &Options, faults: &[Fault], schedule: &Schedule) {
    say!("{} faults:", faults.len());
    faults.iter().for_each(|fault| say!("  {fault}"));
    say!("\n{} steps a round, {} of them combinations of two; seed {}:", schedule.round(), schedule.pairs(), options.seed);
    let from = options.from as usize;
    for number in (from..from + 20).take(options.steps as usize) {
        let step = schedule.step(number);
        say!("  step {number}: {}, {:.1} s", step.names(), step.hold.as_secs_f64());
    }
}

/// A new directory for this run.
fn place(options: &Options) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let usual = || program.parent().map(|directory| directory.join("faults"));
    let parent = options.logs.clone().or_else(usual).context("a program without a directory")?;
    let place = parent.join(format!("seed-{}-{}", options.seed, std::process::id()));
    std::fs::create_dir_all(&place).with_context(|| format!("create {}", place.display()))?;
    // Server processes are told absolute paths.
    Ok(place.canonicalize()?)
}
