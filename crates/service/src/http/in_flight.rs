//! Counts the requests that are being answered. A request whose client goes away is counted out as well: its future is dropped.

use metrics::Gauge;

/// One request, from its making to its drop.
pub(super) struct InFlight(Gauge);

impl InFlight {
    pub(super) fn enter(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
