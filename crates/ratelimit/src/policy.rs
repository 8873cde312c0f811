//! Which limit holds for which request.

use std::num::NonZeroU32;

use actix_web::http::Method;

use crate::{Error, Settings};

/// A request takes at least 100 µs out of its bucket, so that counting in whole microseconds is exact to a hundredth.
const MAX_PER_MINUTE: u32 = 600_000;

/// How many requests a client may send: so many a minute, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) per_minute: NonZeroU32,
    pub(crate) burst: NonZeroU32,
}

impl Quota {
    /// After how many microseconds one more request may come.
    pub(crate) fn interval_us(self) -> u64 {
        60_000_000 / u64::from(self.per_minute.get())
    }
}

/// A quota and its name, by which keys, header fields and metrics know it. Requests under policies of one name share buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) name: &'static str,
    pub(crate) quota: Quota,
}

/// POST creates, all else reads or updates.
pub(crate) fn is_create(method: &Method) -> bool {
    *method == Method::POST
}

/// What there is for each kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByKind<T> {
    pub(crate) reads: T,
    pub(crate) creates: T,
}

impl<T> ByKind<T> {
    /// What there is for requests of this method.
    pub(crate) fn of(&self, method: &Method) -> &T {
        if is_create(method) { &self.creates } else { &self.reads }
    }

    pub(crate) fn map<U>(self, with: impl Fn(T) -> U) -> ByKind<U> {
        ByKind { reads: with(self.reads), creates: with(self.creates) }
    }
}

/// The policies in force; at least one.
pub(crate) type Policies = ByKind<Option<Policy>>;

impl ByKind<Option<Policy>> {
    /// `None` when nothing is limited.
    pub(crate) fn new(settings: &Settings) -> Result<Option<Self>, Error> {
        let all = policy("requests", settings.per_minute, settings.burst)?;
        let reads = policy("reads", settings.reads_per_minute, settings.burst)?.or(all);
        let creates = policy("creates", settings.creates_per_minute, settings.burst)?.or(all);
        Ok((reads.is_some() || creates.is_some()).then_some(Self { reads, creates }))
    }
}

fn policy(name: &'static str, per_minute: u32, burst: u32) -> Result<Option<Policy>, Error> {
    if per_minute > MAX_PER_MINUTE || burst > MAX_PER_MINUTE {
        return Err(Error::InvalidSettings("rate_limit: limits and burst must be at most 600000"));
    }
    Ok(NonZeroU32::new(per_minute).map(|per_minute| {
        let burst = NonZeroU32::new(burst).unwrap_or(per_minute);
        Policy { name, quota: Quota { per_minute, burst } }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(per_minute: u32, reads_per_minute: u32, creates_per_minute: u32, burst: u32) -> Option<Policies> {
        Policies::new(&Settings { per_minute, reads_per_minute, creates_per_minute, burst, ..Settings::for_tests() }).unwrap()
    }

    fn shown(policy: Option<Policy>) -> Option<(&'static str, u32, u32)> {
        policy.map(|policy| (policy.name, policy.quota.per_minute.get(), policy.quota.burst.get()))
    }

    #[test]
    fn a_limit_of_its_own_takes_a_kind_out_of_the_common_one() {
        assert_eq!(policies(0, 0, 0, 7), None);
        for (settings, reads, creates) in [
            ((100, 0, 0, 0), Some(("requests", 100, 100)), Some(("requests", 100, 100))),
            ((100, 0, 30, 0), Some(("requests", 100, 100)), Some(("creates", 30, 30))),
            ((0, 200, 0, 10), Some(("reads", 200, 10)), None),
            ((0, 200, 30, 0), Some(("reads", 200, 200)), Some(("creates", 30, 30))),
        ] {
            let (per_minute, reads_per_minute, creates_per_minute, burst) = settings;
            let policies = policies(per_minute, reads_per_minute, creates_per_minute, burst).unwrap();
            assert_eq!((shown(*policies.of(&Method::GET)), shown(*policies.of(&Method::POST))), (reads, creates), "{settings:?}");
            assert_eq!(policies.of(&Method::PATCH), policies.of(&Method::HEAD));
        }
    }

    #[test]
    fn limits_too_high_to_be_counted_are_refused() {
        let with = |per_minute, burst| Policies::new(&Settings { per_minute, burst, ..Settings::for_tests() });
        assert!(with(600_000, 600_000).is_ok());
        assert!(with(600_001, 0).is_err() && with(1, 600_001).is_err());
    }
}
