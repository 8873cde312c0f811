//! What chance decides about a fault that is injected. The same step of the same seed draws the same.

use rand::Rng;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    /// Which replica of a service.
    pub(crate) replica: usize,
    /// Whether all services are concerned, or the one that [`Draw::replica`] names.
    pub(crate) all: bool,
    /// From 0 to 1.
    pub(crate) fraction: f64,
}

impl Draw {
    pub(crate) fn from(rng: &mut impl Rng) -> Self {
        Self { replica: rng.random_range(0..64), all: rng.random_bool(0.5), fraction: rng.random() }
    }
}
