//! `load broken`: builds of the system that lack one guard each, and the faults that must find them out.
//!
//! Whoever builds them says where they lie; see `scripts/broken`.

use std::{path::PathBuf, time::Instant};

use anyhow::ensure;
use clap::{ValueEnum, builder::PossibleValuesParser};
use localsystem::{Binaries, LocalSystem};
use say::say;

use super::{
    command::{Round, start},
    faults::Fault,
    report::{Kind, Report},
};

/// The cargo features that take a guard away, each with the fault against which the guard stands.
static BUILDS: [(&str, Fault); 5] = [
    ("broken-fence", Fault::RedisFlush),
    ("broken-retried-event-id", Fault::NumbersAnew),
    ("broken-event-id", Fault::Rivals),
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
    /// Only these builds, each by the option's name or "sound" [default: all]
    #[arg(long, value_parser = names())]
    only: Vec<String>,
    #[command(flatten)]
    round: Round,
}

/// A build under faults, and what must come of it.
struct Trial {
    name: &'static str,
    programs: PathBuf,
    faults: &'static [Fault],
    /// What the check must find, one of them at least; nothing at all if there are none.
    exposed: &'static [Kind],
}

/// The builds that can be asked for.
fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(std::iter::once("sound").chain(BUILDS.map(|(feature, _)| feature)))
}

/// Puts the sound system under all faults, then each broken one under its own; prints what was found, and a table.
///
/// # Errors
/// When the sound system has a violation, or a broken one has none of the kind that its fault exposes.
pub(crate) async fn broken(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { sound, broken, only, round } = arguments;
    let builds = BUILDS.iter().map(|(feature, fault)| Trial {
        name: feature,
        // Where cargo puts them, beneath a target directory.
        programs: broken.join(feature).join("debug"),
        faults: std::slice::from_ref(fault),
        exposed: fault.exposes(),
    });
    let first = Trial { name: "sound", programs: sound.clone(), faults: Fault::value_variants(), exposed: &[] };
    let trials = [first].into_iter().chain(builds).filter(|trial| only.is_empty() || only.iter().any(|name| name == trial.name));
    let mut system = start(Binaries::at(sound)).await?;
    let mut table = "| build | fault | creates acknowledged | found | seconds |\n|---|---|---|---|---|\n".to_owned();
    let mut wrong = Vec::new();
    for trial in trials {
        let (name, begun) = (trial.name, Instant::now());
        eprintln!("{name}:");
        let outcome = trial.run(&mut system, &round).await;
        let (acknowledged, found) = match &outcome {
            Ok(report) => {
                say!("{name}:\n{report}\n");
                (report.figures.acknowledged.to_string(), found(report))
            }
            // The others are of interest all the same.
            Err(error) => ("-".to_owned(), format!("nothing, for it could not be checked: {error:#}")),
        };
        let faults: Vec<String> = trial.faults.iter().map(ToString::to_string).collect();
        let (faults, seconds) = (faults.join(", "), begun.elapsed().as_secs());
        table += &format!("| {name} | {faults} | {acknowledged} | {found} | {seconds} |\n");
        if !outcome.is_ok_and(|report| trial.is_as_expected(&report)) {
            wrong.push(name);
        }
    }
    system.down().await?;
    say!("{table}");
    ensure!(wrong.is_empty(), "not as it should be: {}", wrong.join(", "));
    say!("what lacks a guard was found out, and what has all of them stood");
    Ok(())
}

impl Trial {
    async fn run(&self, system: &mut LocalSystem, round: &Round) -> anyhow::Result<Report> {
        system.exchange(Binaries::at(self.programs.clone())).await?;
        round.run(system, self.faults).await
    }

    fn is_as_expected(&self, report: &Report) -> bool {
        match self.exposed {
            [] => report.total() == 0,
            kinds => kinds.iter().any(|kind| report.count(*kind) > 0),
        }
    }
}

fn found(report: &Report) -> String {
    let kinds: Vec<String> = report.kinds().map(|(kind, count)| format!("{kind}: {count}")).collect();
    if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_found_out_by_what_its_fault_exposes_and_the_sound_one_by_anything() {
        let trial = |exposed| Trial { name: "a build", programs: PathBuf::new(), faults: &[], exposed };
        let (nothing, mut lost) = (Report::default(), Report::default());
        lost.violation(Kind::Lost, "number 1", None::<&str>);
        assert!(trial(&[]).is_as_expected(&nothing) && !trial(&[]).is_as_expected(&lost));
        let lossy = trial(Fault::ConsumerKill.exposes());
        assert!(lossy.is_as_expected(&lost) && !lossy.is_as_expected(&nothing));
        assert!(!trial(Fault::RedisFlush.exposes()).is_as_expected(&lost));
    }
}
