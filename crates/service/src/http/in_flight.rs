//! Counts the requests that are being answered, and those whose client went away before: their future is dropped, and no answer
//! stands among the measured ones. Only a connection that was broken off shows that: who has closed its own half may still read,
//! and is answered to the end.

use metrics::{Counter, Gauge, counter, gauge};

/// The meters of one worker.
pub(super) struct Requests {
    in_flight: Gauge,
    abandoned: Counter,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self { in_flight: gauge!("http_requests_in_flight"), abandoned: counter!("http_requests_abandoned_total") }
    }

    pub(super) fn enter(&self) -> InFlight {
        self.in_flight.increment(1.0);
        InFlight { in_flight: self.in_flight.clone(), abandoned: Some(self.abandoned.clone()) }
    }
}

/// One request, from its making to its drop.
pub(super) struct InFlight {
    in_flight: Gauge,
    abandoned: Option<Counter>,
}

impl InFlight {
    /// It has its answer.
    pub(super) fn answered(mut self) {
        self.abandoned = None;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
        if let Some(abandoned) = &self.abandoned {
            abandoned.increment(1);
        }
    }
}
