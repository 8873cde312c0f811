//! The wall clock that services see is moved, as a bad time server moves it. Deadlines are kept by another clock and must not
//! notice.

use std::time::Duration;

use super::draw::Draw;
use crate::fleet::Fleet;

/// Where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Forward,
    Back,
}

impl Act {
    pub(crate) const ALL: [Self; 2] = [Self::Forward, Self::Back];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Back => "back",
        }
    }
}

/// From seconds to days: half of the steps are shorter than a quarter of an hour.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(2 * 24 * 3600);

pub(super) fn inject(act: Act, fleet: &Fleet, draw: Draw) -> anyhow::Result<()> {
    let ratio = LONGEST.as_secs_f64() / SHORTEST.as_secs_f64();
    let step = (SHORTEST.as_secs_f64() * ratio.powf(draw.fraction)) as i64;
    let step = if act == Act::Back { -step } else { step };
    let replicas = fleet.replicas();
    let one = draw.replica % replicas.len().max(1);
    let mut concerned = replicas.iter().enumerate().filter(|(index, _)| draw.all || *index == one);
    concerned.try_for_each(|(_, replica)| replica.step_clock(step))
}

pub(super) fn heal(fleet: &Fleet) -> anyhow::Result<()> {
    fleet.replicas().iter().try_for_each(|replica| replica.step_clock(0))
}
