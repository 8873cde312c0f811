//! The ways between services and a server are cut, slow, or half-open: for all services, or for one replica alone, which then
//! sees another world than the others.

use std::time::Duration;

use devstack::Server;

use super::draw::Draw;
use crate::fleet::{Fleet, Mode, Proxy, Replica};

/// What happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// Connections are reset, and so are new ones.
    Cut,
    /// Everything comes 20 to 500 ms later, in each direction.
    Slow,
    /// Connections stay open, new ones are taken, and nothing arrives.
    HalfOpen,
}

impl Act {
    pub(crate) const ALL: [Self; 3] = [Self::Cut, Self::Slow, Self::HalfOpen];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Slow => "slow",
            Self::HalfOpen => "half-open",
        }
    }
}

const SHORTEST_DELAY: Duration = Duration::from_millis(20);
const LONGEST_DELAY: Duration = Duration::from_millis(500);

pub(super) fn inject(act: Act, fleet: &Fleet, server: Server, draw: Draw) -> anyhow::Result<()> {
    let mode = match act {
        Act::Cut => Mode::Cut,
        Act::Slow => Mode::Slow(SHORTEST_DELAY + (LONGEST_DELAY - SHORTEST_DELAY).mul_f64(draw.fraction)),
        Act::HalfOpen => Mode::HalfOpen,
    };
    let replicas = fleet.replicas();
    let one = draw.replica % replicas.len().max(1);
    let concerned = replicas.iter().enumerate().filter(|(index, _)| draw.all || *index == one);
    set(concerned.map(|(_, replica)| replica), server, mode);
    Ok(())
}

pub(super) fn heal(fleet: &Fleet, server: Server) -> anyhow::Result<()> {
    set(fleet.replicas().iter(), server, Mode::Open);
    Ok(())
}

fn set<'a>(replicas: impl Iterator<Item = &'a Replica>, server: Server, mode: Mode) {
    replicas.filter_map(|replica| replica.links.get(&server)).for_each(|link: &Proxy| link.set(mode));
}
