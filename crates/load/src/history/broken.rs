//! `load broken`: builds of the system that lack one guard each, and the faults that must find them out.
//!
//! Whoever builds them says where they lie; see `deploy/broken`.

use std::{path::PathBuf, time::Instant};

use anyhow::ensure;
use clap::ValueEnum;
use localsystem::Binaries;

use super::{
    command::{Round, start},
    faults::Fault,
    report::Report,
};

/// The cargo features that take a guard away, each with the fault against which the guard stands.
const BUILDS: [(&str, Fault); 4] = [
    ("broken-fence", Fault::RedisFlush),
    ("broken-event-id", Fault::NumbersAnew),
    ("broken-early-ack", Fault::ConsumerKill),
    ("broken-early-answer", Fault::BrokerKill),
];

/// Where the builds lie.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the programs of the sound system lie
    #[arg(long)]
    sound: PathBuf,
    /// Where a target directory lies for each feature, with the programs that lack its guard
    #[arg(long)]
    broken: PathBuf,
    #[command(flatten)]
    round: Round,
}

/// Puts the sound system under all faults, then each broken one under its own; prints what was found, and a table.
///
/// # Errors
/// When the sound system has a violation, or a broken one has none of the kind that its fault exposes.
pub(crate) async fn broken(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { sound, broken, round } = arguments;
    let mut system = start(Binaries::at(sound.clone())).await?;
    let mut table = "| build | fault | creates acknowledged | found | seconds |\n|---|---|---|---|---|\n".to_owned();
    let mut wrong = Vec::new();
    for feature in [None].into_iter().chain(BUILDS.iter().map(Some)) {
        let (name, programs, faults) = match feature {
            None => ("sound", sound.clone(), Fault::value_variants()),
            Some((feature, fault)) => (*feature, broken.join(feature).join("debug"), std::slice::from_ref(fault)),
        };
        let begun = Instant::now();
        system.exchange(Binaries::at(programs)).await?;
        let report = round.run(&mut system, faults).await?;
        println!("{name}:\n{report}\n");
        let (faults_named, found, seconds) = (names(faults), found(&report), begun.elapsed().as_secs());
        let acknowledged = report.figures.acknowledged;
        table += &format!("| {name} | {faults_named} | {acknowledged} | {found} | {seconds} |\n");
        let as_expected = match feature {
            Some((_, fault)) => fault.exposes().iter().any(|kind| report.count(*kind) > 0),
            None => report.total() == 0,
        };
        if !as_expected {
            wrong.push(name);
        }
    }
    system.down().await?;
    println!("{table}");
    ensure!(wrong.is_empty(), "not as it should be: {}", wrong.join(", "));
    println!("four builds without a guard were found out, and the sound one stood");
    Ok(())
}

fn names(faults: &[Fault]) -> String {
    let names: Vec<String> = faults.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn found(report: &Report) -> String {
    let kinds: Vec<String> = report.kinds().map(|(kind, count)| format!("{kind}: {count}")).collect();
    if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
}
