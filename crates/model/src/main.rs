//! `model`: checks the numbering protocol within any bounds, with or without its guards.

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use model::{Bounds, Guard, Guards, Protocol, story};
use stateright::{Checker as _, HasDiscoveries, Model as _};

/// Checks every order of steps of the numbering protocol
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    bounds: Bounds,
    /// Guards to take out of the protocol
    #[arg(long, value_enum, value_delimiter = ',')]
    without: Vec<Guard>,
    /// Visit states that differ in nothing each for itself
    #[arg(long)]
    plain: bool,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> ExitCode {
    let Cli { bounds, without, plain, threads } = Cli::parse();
    let guards = without.into_iter().fold(Guards::all(), Guards::without);
    let began = Instant::now();
    let builder =
        Protocol { bounds, guards, reduced: !plain }.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures);
    let checker = builder.symmetry().spawn_dfs().join();
    let (unique, depth, seconds) = (checker.unique_state_count(), checker.max_depth(), began.elapsed().as_secs_f64());
    println!("{} states, {unique} unique, depth {depth}, {seconds:.1} s", checker.state_count());
    let mut failed = false;
    for property in checker.model().properties() {
        let found = checker.discovery(property.name);
        let fails = found.is_some() == property.expectation.discovery_is_failure();
        println!("{}  {}", if fails { "fails" } else { "holds" }, property.name);
        if let Some(path) = found.filter(|_| fails) {
            println!("{}", story(path));
        }
        failed |= fails;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
