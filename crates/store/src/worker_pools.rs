//! A pool in parts: one for each HTTP worker, and one for all else.
//!
//! What MySQL answers comes to the thread that drives the connection. If that is not the one which waits for it, each answer wakes
//! two threads, and that is a fifth of what a short read costs. So a worker has connections of its own. There must never be more
//! of them in all than the settings allow, nor so few for a worker that one slow statement holds up all that it does.

use crate::{Error, Settings, Store};

/// Connections of a worker at least; else it has none of its own.
const FEWEST: usize = 2;

/// The connections that the settings allow, shared out.
#[derive(Debug, Clone)]
pub struct WorkerPools {
    common: Store,
    each: Option<usize>,
}

impl WorkerPools {
    /// Leaves a quarter of the connections to all that is not a worker's, and gives the rest to so many workers, in equal parts.
    /// Where that would be less than two for each, all share one pool. As for [`Store::connect`], MySQL need not be up, and the
    /// current runtime must be the one that lives longest.
    ///
    /// # Errors
    /// Those of [`Store::connect`].
    pub fn connect(settings: &Settings, workers: usize) -> Result<Self, Error> {
        let Shares { common, each } = shares(settings.pool_size, workers);
        Ok(Self { common: Store::with(settings, common)?, each })
    }

    /// What is not a worker's.
    pub fn common(&self) -> &Store {
        &self.common
    }

    /// The part of the worker on whose runtime this is called, which then drives its connections; to be called once for each.
    /// The common one, where workers have no parts.
    pub fn of_worker(&self) -> Store {
        let own = self.each.and_then(|each| self.common.beside(each).ok());
        own.unwrap_or_else(|| self.common.clone())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Shares {
    common: usize,
    each: Option<usize>,
}

fn shares(connections: usize, workers: usize) -> Shares {
    let each = (connections * 3 / 4).checked_div(workers).filter(|each| *each >= FEWEST);
    Shares { common: connections - each.map_or(0, |each| each * workers), each }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_shared_out_than_there_is_and_no_worker_has_a_single_one() {
        let told = |connections, workers| {
            let Shares { common, each } = shares(connections, workers);
            (common, each)
        };
        assert_eq!(told(16, 2), (4, Some(6)));
        assert_eq!(told(16, 5), (6, Some(2)));
        assert_eq!(told(16, 7), (16, None));
        assert_eq!(told(1, 1), (1, None));
        assert_eq!(told(3, 1), (1, Some(2)));
        assert_eq!(told(8, 0), (8, None));
        for (connections, workers) in (1..100).flat_map(|connections| (1..40).map(move |workers| (connections, workers))) {
            let Shares { common, each } = shares(connections, workers);
            assert!(common >= 1 && each != Some(1));
            assert_eq!(common + each.unwrap_or(0) * workers, connections);
        }
    }
}
