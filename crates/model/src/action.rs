//! What can happen next, and which function of the code it stands for.

use std::fmt;

use crate::{Consume, Loss};

/// One step of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A replica of ingest makes its next call. It may have waited for it as long as it pleased.
    Ingest {
        /// Which.
        replica: u8,
        /// What it asks whom.
        call: Call,
    },
    /// The consumer makes its next step.
    Consumer(Consume),
    /// Redis' file is written, or its replica gets this far.
    Copy,
    /// Redis loses what it holds.
    Lose(Loss),
}

/// A call of a replica to a server. `process`: the Redis process that it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "`stands_for` says it")]
pub enum Call {
    Look { process: u8 },
    NextEpoch,
    Bind,
    Unbind,
    Verify,
    Withdraw,
    WriteRecord { process: u8 },
    Issue { process: u8 },
    Fence { late: bool },
    Highest,
    Seed { process: u8 },
    Publish { late: bool },
}

impl Call {
    /// The function of the code.
    pub fn stands_for(self) -> &'static str {
        match self {
            Self::Look { .. } => "numbering::keeper::Task::look, sequencer::Sequencer::adopt",
            Self::NextEpoch => "store::epochs::next",
            Self::Bind => "broker::Publisher::bind",
            Self::Unbind => "store::epochs::open_below, broker::Publisher::unbind, store::epochs::close",
            Self::Verify => "store::epochs::highest",
            Self::Withdraw => "broker::Publisher::unbind, of its own",
            Self::WriteRecord { .. } => "sequencer::Sequencer::write_record",
            Self::Issue { .. } => "sequencer::Sequencer::issue_messages_once",
            Self::Fence { .. } => "numbering::Numbering::fence",
            Self::Highest => "store::messages::highest",
            Self::Seed { .. } => "sequencer::Sequencer::seed_chat",
            Self::Publish { .. } => "broker::Publisher::publish",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingest { replica, call } => write!(f, "ingest {replica}: {call}"),
            Self::Consumer(Consume::Head) => f.write_str("consumer: takes the head of the queue"),
            Self::Consumer(Consume::Crash(committed)) => {
                write!(f, "consumer: commits {committed} and crashes before it acknowledges")
            }
            Self::Consumer(Consume::Decide(process)) => write!(f, "consumer: raises the counter, Redis {process}"),
            Self::Copy => f.write_str("Redis: is copied, to its file or its replica"),
            Self::Lose(Loss::Flushed) => f.write_str("Redis: FLUSHALL"),
            Self::Lose(Loss::Evicted) => f.write_str("Redis: evicts the counter"),
            Self::Lose(Loss::RestartedEmpty) => f.write_str("Redis: killed, and started without its file"),
            Self::Lose(Loss::RestartedFromCopy) => f.write_str("Redis: killed, and started from its old file"),
            Self::Lose(Loss::FailedOver) => f.write_str("Redis: a replica that lags is promoted, the old primary lives on"),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look { process } => write!(f, "looks at Redis {process}"),
            Self::NextEpoch => f.write_str("takes the next epoch"),
            Self::Bind => f.write_str("binds it"),
            Self::Unbind => f.write_str("unbinds a lower one"),
            Self::Verify => f.write_str("verifies that it is the highest"),
            Self::Withdraw => f.write_str("unbinds its own"),
            Self::WriteRecord { process } => write!(f, "writes the record, Redis {process}"),
            Self::Issue { process } => write!(f, "takes a number, Redis {process}"),
            Self::Fence { late: false } => f.write_str("sends a fence"),
            Self::Fence { late: true } => f.write_str("sends a fence, which a node takes that has not heard of the unbinding"),
            Self::Highest => f.write_str("reads the highest number that is stored"),
            Self::Seed { process } => write!(f, "seeds the counter, Redis {process}"),
            Self::Publish { late: false } => f.write_str("publishes"),
            Self::Publish { late: true } => f.write_str("publishes, to a node that has not heard of the unbinding"),
        }
    }
}
