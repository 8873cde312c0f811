//! `load broken`: builds of the system that lack one guard each, and the faults that must find them out.
//!
//! Whoever builds them says where they lie; see `deploy/broken`.

use std::path::PathBuf;

use anyhow::ensure;
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
    /// Where a directory lies for each feature, with the programs that lack its guard
    #[arg(long)]
    broken: PathBuf,
    #[command(flatten)]
    round: Round,
}

/// Puts the sound system under all faults, then each broken one under its own; prints a table, and what was found.
///
/// # Errors
/// When the sound system has a violation, or a broken one has none of the kind that its fault exposes.
pub(crate) async fn broken(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { sound, broken, round } = arguments;
    let mut system = start(Binaries::at(sound.clone())).await?;
    let mut table = String::new();
    let mut wrong = Vec::new();
    let rounds = BUILDS.map(|(_, fault)| (None, fault)).into_iter().chain(BUILDS.map(|(feature, fault)| (Some(feature), fault)));
    for (feature, fault) in rounds {
        let name = feature.unwrap_or("all guards");
        eprintln!("{name}, {fault:?}");
        system.exchange(Binaries::at(feature.map_or_else(|| sound.clone(), |feature| broken.join(feature)))).await?;
        let report = round.run(&mut system, fault).await?;
        println!("{name}, {fault:?}:\n{report}\n");
        table += &format!("| {name} | {fault:?} | {} | {} |\n", report.figures.acknowledged, found(&report));
        let exposed = fault.exposes().iter().any(|kind| report.count(*kind) > 0);
        if feature.is_some() != exposed || (feature.is_none() && report.total() > 0) {
            wrong.push(name);
        }
    }
    system.down().await?;
    println!("| system | fault | acknowledged | violations |\n|---|---|---|---|\n{table}");
    ensure!(wrong.is_empty(), "not as it should be: {}", wrong.join(", "));
    println!("four builds without a guard were found out, and the sound one stood");
    Ok(())
}

fn found(report: &Report) -> String {
    let kinds: Vec<String> = report.kinds().map(|(kind, count)| format!("{kind}: {count}")).collect();
    if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
}
