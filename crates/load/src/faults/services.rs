//! A replica of a service is killed, stopped as an orchestrator stops it, or paused.

use crate::fleet::Replica;

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// SIGKILL.
    Kill,
    /// SIGTERM: it must end with success within 15 s, whatever else is wrong.
    Stop,
    /// SIGSTOP: it goes on later in the belief that no time has passed.
    Pause,
}

impl Act {
    pub(crate) const ALL: [Self; 3] = [Self::Kill, Self::Stop, Self::Pause];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::Pause => "pause",
        }
    }
}

pub(super) async fn inject(act: Act, replica: &mut Replica) -> anyhow::Result<()> {
    match act {
        Act::Kill => replica.kill().await,
        Act::Stop => replica.stop().await,
        Act::Pause => replica.pause(),
    }
}

pub(super) fn heal(act: Act, replica: &mut Replica) -> anyhow::Result<()> {
    match act {
        Act::Kill | Act::Stop => replica.start(),
        Act::Pause => replica.resume(),
    }
}
