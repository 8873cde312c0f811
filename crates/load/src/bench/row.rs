//! One line of the result: what was measured, the limit that it is held against, and whether it is as near to it as it has to be.

use std::fmt;

use super::series::Series;

/// A kind of measurement over all rounds.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) figure: Series,
    pub(crate) limit: Option<Limit>,
    pub(crate) wanted: Option<Wanted>,
}

/// What a figure is compared with, in the same unit.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) name: String,
    pub(crate) figure: Series,
}

/// How good it has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    /// The ratio to the limit.
    RatioAtLeast(f64),
    /// The ratio to the limit.
    RatioAtMost(f64),
    /// The figure itself.
    AtMost(f64),
}

impl Row {
    /// A figure that stands for itself.
    pub(crate) fn plain(what: impl Into<String>, unit: &'static str, figure: Series) -> Self {
        Self { what: what.into(), unit, figure, limit: None, wanted: None }
    }

    /// With what it is compared with.
    pub(crate) fn against(self, name: impl Into<String>, figure: Series) -> Self {
        Self { limit: Some(Limit { name: name.into(), figure }), ..self }
    }

    pub(crate) fn wanted(self, wanted: Wanted) -> Self {
        Self { wanted: Some(wanted), ..self }
    }

    /// What the figure is to its limit, round by round.
    pub(crate) fn ratio(&self) -> Option<Series> {
        self.limit.as_ref().map(|limit| self.figure.ratio_to(&limit.figure))
    }

    /// Whether the median is as wanted; `None` when nothing is. What was not measured is not as wanted.
    pub(crate) fn reached(&self) -> Option<bool> {
        let ratio = || self.ratio().map_or(f64::NAN, |ratio| ratio.median());
        Some(match self.wanted? {
            Wanted::RatioAtLeast(bound) => ratio() >= bound,
            Wanted::RatioAtMost(bound) => ratio() <= bound,
            Wanted::AtMost(bound) => self.figure.median() <= bound,
        })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioAtLeast(bound) => write!(f, "≥ {bound:.2}"),
            Self::RatioAtMost(bound) => write!(f, "≤ {bound:.2}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(wanted: Wanted) -> Row {
        Row::plain("creates", "a second", Series::once(40.0)).against("bare echo", Series::once(100.0)).wanted(wanted)
    }

    #[test]
    fn a_bound_holds_at_the_bound_itself() {
        for (wanted, reached) in [
            (Wanted::RatioAtLeast(0.4), true),
            (Wanted::RatioAtLeast(0.41), false),
            (Wanted::RatioAtMost(0.4), true),
            (Wanted::RatioAtMost(0.39), false),
            (Wanted::AtMost(40.0), true),
            (Wanted::AtMost(39.0), false),
        ] {
            assert_eq!(row(wanted).reached(), Some(reached), "{wanted}");
        }
    }

    #[test]
    fn what_was_not_measured_is_not_reached_and_what_is_not_wanted_is_not_judged() {
        let unmeasured = Row::plain("creates", "a second", Series::default());
        assert_eq!(unmeasured.reached(), None);
        for wanted in [Wanted::AtMost(1.0), Wanted::RatioAtLeast(0.0), Wanted::RatioAtMost(9.0)] {
            assert_eq!(unmeasured.clone().wanted(wanted).reached(), Some(false), "{wanted}");
        }
    }
}
