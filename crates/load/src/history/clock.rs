//! One monotonic clock for the whole history. The wall clock is read once, to place on it what servers have dated.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime},
};

/// Microseconds since the history began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Before all calls.
    pub(crate) const BEGINNING: Self = Self(0);
    /// After all calls, when nothing changes any more.
    pub(crate) const QUIET: Self = Self(u64::MAX - 1);
    /// The end of a call of which nobody knows when it takes effect, if ever.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// So many microseconds after the beginning.
    #[cfg(test)]
    pub(crate) const fn micros(micros: u64) -> Self {
        Self(micros)
    }

    pub(crate) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(micros(time)))
    }

    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(micros(time)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NEVER => f.write_str("?"),
            Self::QUIET => f.write_str("the end"),
            Self(micros) => write!(f, "{}.{:06}", micros / 1_000_000, micros % 1_000_000),
        }
    }
}

/// From when to when, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Moment,
    pub(crate) end: Moment,
}

impl Span {
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} … {} s]", self.start, self.end)
    }
}

/// Reads the time for all clients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    began: Instant,
    wall: SystemTime,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now(), wall: SystemTime::now() }
    }

    pub(crate) fn now(self) -> Moment {
        self.at(Instant::now())
    }

    /// Where a moment of this process lies.
    pub(crate) fn at(self, instant: Instant) -> Moment {
        Moment(micros(instant.saturating_duration_since(self.began)))
    }

    /// About where a moment lies that another process of this machine has dated.
    pub(crate) fn at_wall(self, time: SystemTime) -> Moment {
        Moment(micros(time.duration_since(self.wall).unwrap_or_default()))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
