//! A server is killed, paused, or restarted by its operator.

use devstack::{Condition, Server, Stack};

use super::redis;
use crate::fleet::sentence;

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// SIGKILL, to it and all its helpers.
    Kill,
    /// SIGSTOP: connections stay open, and nothing is answered.
    Pause,
    /// Stopped in order and started at once.
    Restart,
}

impl Act {
    pub(crate) const ALL: [Self; 3] = [Self::Kill, Self::Pause, Self::Restart];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Restart => "restart",
        }
    }
}

pub(super) async fn inject(act: Act, stack: &Stack, server: Server) -> anyhow::Result<()> {
    match act {
        Act::Kill => stack.kill(server).await.map_err(sentence),
        Act::Pause => stack.pause(server).map_err(sentence),
        Act::Restart => started(stack, server, stack.restart(server).await).await,
    }
}

/// A server that has ended by itself meanwhile is started, as its operator would.
pub(super) async fn heal(act: Act, stack: &Stack, server: Server) -> anyhow::Result<()> {
    if act == Act::Pause && stack.status(server).condition == Condition::Paused {
        stack.resume(server).map_err(sentence)?;
    }
    started(stack, server, stack.start(server).await).await
}

/// What an attempt to start a server has come to, once what keeps it from starting is mended, if an operator could.
pub(super) async fn started(stack: &Stack, server: Server, outcome: Result<(), devstack::Error>) -> anyhow::Result<()> {
    match server {
        Server::Redis => redis::or_mended(stack, outcome).await,
        _ => outcome.map_err(sentence),
    }
}
