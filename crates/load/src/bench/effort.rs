//! How much is measured: in full, or just enough to see in two minutes whether something has become slower.

use std::time::Duration;

use clap::{Args, ValueEnum};

/// `load bench`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// The main ratios, in less than two minutes
    #[arg(long)]
    quick: bool,
    /// How often each measurement is repeated, all of a part in turn
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each measurement
    #[arg(long)]
    seconds: Option<f64>,
    /// Seconds of creates before the first measurement: Elasticsearch compiles its code while it runs
    #[arg(long)]
    warm_up: Option<f64>,
    /// Messages that are drained
    #[arg(long)]
    backlog: Option<u64>,
    /// Messages that are searched, a fifth of them in one chat
    #[arg(long)]
    corpus: Option<u64>,
    /// Messages of the chat that is paged through and counted
    #[arg(long)]
    depth: Option<u64>,
}

/// Of fewer messages nothing can be told.
const FEWEST: u64 = 1_000;

/// What can be measured, each with rows of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Creates a second beside the bare echo, and beside a straightforward implementation
    Creates,
    /// How long a lone client waits
    Lone,
    /// A backlog stored and indexed
    Drain,
    /// Reads beside a bare handler with the same select
    Reads,
    /// Searches in a large corpus beside two other ways to index it
    Search,
    /// Counts brought up to date
    Counts,
    /// How long clients wait at a fixed rate
    FixedRate,
    /// Replicas, and what a create costs each process
    Scale,
    /// What a line for each request costs ingest
    AccessLog,
    /// Memory, sizes, starts, idle connections
    Footprint,
    /// What the load generator itself costs
    Generator,
}

impl Part {
    const QUICK: [Self; 5] = [Self::Creates, Self::Lone, Self::Counts, Self::Reads, Self::Drain];
}

/// The options, decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effort {
    pub(crate) parts: Vec<Part>,
    /// Every kind of measurement of a part, not only those that tell most.
    pub(crate) thorough: bool,
    pub(crate) rounds: usize,
    pub(crate) duration: Duration,
    pub(crate) warm_up: Duration,
    /// Chats of the scenario with many.
    pub(crate) chats: usize,
    pub(crate) backlog: u64,
    pub(crate) corpus: u64,
    pub(crate) depth: u64,
    pub(crate) dirty_chats: u64,
}

impl Effort {
    pub(crate) fn of(options: &Options) -> Self {
        let default = if options.quick { Self::quick() } else { Self::full() };
        let seconds = |given: Option<f64>, default| given.map_or(default, |seconds| Duration::from_secs_f64(seconds.max(0.1)));
        Self {
            parts: if options.only.is_empty() { default.parts } else { options.only.clone() },
            rounds: options.rounds.unwrap_or(default.rounds).max(1),
            duration: seconds(options.seconds, default.duration),
            warm_up: seconds(options.warm_up, default.warm_up),
            backlog: options.backlog.unwrap_or(default.backlog).max(FEWEST),
            corpus: options.corpus.unwrap_or(default.corpus).max(FEWEST),
            depth: options.depth.unwrap_or(default.depth).max(FEWEST),
            ..default
        }
    }

    /// No part: for one run by itself.
    pub(crate) fn alone(chats: usize) -> Self {
        Self { parts: Vec::new(), chats, ..Self::quick() }
    }

    fn full() -> Self {
        Self {
            parts: Part::value_variants().into(),
            thorough: true,
            rounds: 5,
            duration: Duration::from_secs(4),
            warm_up: Duration::from_secs(20),
            chats: 1_000,
            backlog: 200_000,
            corpus: 200_000,
            depth: 1_000_000,
            dirty_chats: 100_000,
        }
    }

    fn quick() -> Self {
        Self {
            parts: Part::QUICK.into(),
            thorough: false,
            rounds: 2,
            duration: Duration::from_millis(800),
            warm_up: Duration::from_secs(3),
            chats: 100,
            backlog: 20_000,
            corpus: 20_000,
            depth: 100_000,
            dirty_chats: 5_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    fn effort(arguments: &[&str]) -> Effort {
        let cli = Cli::try_parse_from([&["bench"], arguments].concat()).unwrap();
        Effort::of(&cli.options)
    }

    #[test]
    fn everything_is_measured_unless_less_is_asked_for() {
        assert_eq!(effort(&[]), Effort::full());
        assert_eq!(effort(&[]).parts.len(), Part::value_variants().len());
        assert_eq!(effort(&["--quick"]), Effort::quick());
        assert_eq!(effort(&["--only", "drain,reads"]).parts, [Part::Drain, Part::Reads]);
    }

    #[test]
    fn what_is_given_wins_and_stays_sensible() {
        let given = effort(&["--quick", "--rounds", "0", "--seconds", "0.5", "--backlog", "2000000", "--depth", "0"]);
        assert_eq!((given.rounds, given.duration, given.backlog), (1, Duration::from_millis(500), 2_000_000));
        assert_eq!(given.depth, FEWEST);
        assert_eq!(given.corpus, Effort::quick().corpus);
    }
}
