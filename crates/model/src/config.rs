//! What a check is of: how much may happen, and which guards the protocol is left with.

use clap::{Args, ValueEnum};

/// How much may happen. Every combination and order of it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Bounds {
    /// Replicas of ingest
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub replicas: u8,
    /// Creates that each replica is asked for, one after the other
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub creates: u8,
    /// Losses of Redis: flushed, its counter evicted, restarted empty or from an old file, replaced by a replica that lags
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=3))]
    pub losses: u8,
    /// Moments of which Redis' file, or its replica, may hold the data
    #[arg(long, default_value_t = 1)]
    pub copies: u8,
    /// Epochs that may be taken; a replica that needs one more gives up
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=12))]
    pub epochs: u8,
    /// Crashes of the consumer between a commit and its acknowledgement
    #[arg(long, default_value_t = 1)]
    pub crashes: u8,
    /// Messages that a cluster's node may still take after their epoch was unbound; 0: a single broker
    #[arg(long, default_value_t = 0)]
    pub stragglers: u8,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { replicas: 2, creates: 2, losses: 2, copies: 1, epochs: 4, crashes: 1, stragglers: 0 }
    }
}

/// One of the things that keep numbers unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Guard {
    /// A counter is seeded behind a fence. Without: from what MySQL holds at the moment.
    Fence,
    /// Who opens an epoch unbinds all lower ones.
    Unbinding,
    /// Who opens an epoch looks whether it is still the highest before it writes the record.
    Verification,
    /// An epoch is bound before that look. Without: after it.
    BindFirst,
    /// The record names the process that it was written in.
    RunId,
    /// The scripts compare the record.
    Script,
    /// Once keys were evicted no counter is seeded in the epoch, and nobody adopts it any more.
    Evictions,
    /// Seeding leaves a counter alone that is there.
    StillMissing,
    /// A row's event tells a redelivery from another's create. Without: a number that is taken makes a conflict.
    EventId,
    /// As `event-id`. Without: a number that is taken counts as stored.
    EventIdElseDone,
    /// As `event-id`. Without: a number that is taken gets the later row.
    EventIdElseReplace,
    /// A straggler's counter is raised before the straggler is stored.
    Raise,
    /// Where there is no counter to raise, the straggler's number is left for whoever seeds it.
    Floor,
}

/// The guards that the protocol has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guards {
    removed: u16,
}

impl Guards {
    /// All of them: the protocol as it is.
    pub fn all() -> Self {
        Self::default()
    }

    /// These but one.
    #[must_use]
    pub fn without(self, guard: Guard) -> Self {
        Self { removed: self.removed | 1 << guard as u16 }
    }

    pub(crate) fn has(self, guard: Guard) -> bool {
        self.removed & 1 << guard as u16 == 0
    }
}
