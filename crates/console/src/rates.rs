//! What replicas did lately: the difference between a replica's last report and an earlier one, added up over a service's
//! replicas.

use std::collections::{BTreeMap, HashMap, VecDeque};

use roster::Alive;
use service::telemetry::{Figures, Histogram};

/// Rates are those of so many last milliseconds.
const WINDOW_MS: u64 = 10_000;

/// The reports of the last while.
#[derive(Default)]
pub(crate) struct History {
    /// By instance, oldest first: the uptime at the report, and the figures.
    reports: HashMap<String, VecDeque<(u64, Figures)>>,
}

/// What a service's replicas did lately, together.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Recent {
    /// By how much each counter rose in a second.
    rising: BTreeMap<String, f64>,
    /// The values that histograms took up: how many in a second, their sum in a second, and all of the window by their size.
    taken_up: BTreeMap<String, TakenUp>,
}

/// The values that a histogram took up.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TakenUp {
    pub(crate) per_s: f64,
    pub(crate) sum_per_s: f64,
    values: Histogram,
}

impl History {
    /// Takes in the last reports; of replicas that are gone nothing is kept.
    pub(crate) fn add(&mut self, replicas: &[Alive]) {
        self.reports.retain(|instance, _| replicas.iter().any(|alive| alive.status.instance == *instance));
        for Alive { status, .. } in replicas {
            // Who does not know yet that somebody looks says nothing of it.
            let Some(figures) = &status.figures else { continue };
            let reports = self.reports.entry(status.instance.clone()).or_default();
            if reports.back().is_some_and(|(uptime, _)| *uptime >= status.uptime_ms) {
                continue;
            }
            reports.push_back((status.uptime_ms, figures.clone()));
            // The first one may be older than the window, so that there are two as soon as can be.
            while reports.get(1).is_some_and(|(uptime, _)| *uptime + WINDOW_MS <= status.uptime_ms) {
                reports.pop_front();
            }
        }
    }

    /// What these replicas did together, `None` as long as none has reported twice.
    pub(crate) fn recent<'a>(&self, instances: impl Iterator<Item = &'a str>) -> Option<Recent> {
        let mut recent = None;
        for reports in instances.filter_map(|instance| self.reports.get(instance)) {
            let (Some((began, first)), Some((ended, last))) = (reports.front(), reports.back()) else { continue };
            if ended > began {
                let seconds = (ended - began) as f64 / 1000.0;
                recent.get_or_insert_with(Recent::default).add(first, last, seconds);
            }
        }
        recent
    }
}

impl Recent {
    fn add(&mut self, first: &Figures, last: &Figures, seconds: f64) {
        for (name, value) in &last.values {
            *self.rising.entry(name.clone()).or_default() += (value - first.value(name)).max(0.0) / seconds;
        }
        for (name, histogram) in &last.histograms {
            let values = match first.histograms.get(name) {
                Some(before) => difference(before, histogram),
                None => histogram.clone(),
            };
            let taken_up = self.taken_up.entry(name.clone()).or_default();
            taken_up.per_s += values.count() as f64 / seconds;
            taken_up.sum_per_s += values.sum / seconds;
            taken_up.values = sum(&taken_up.values, values);
        }
    }

    /// By how much a counter rose in a second.
    pub(crate) fn rising(&self, name: &str) -> f64 {
        self.rising.get(name).copied().unwrap_or_default()
    }

    /// What a histogram took up, if it took up anything.
    pub(crate) fn taken_up(&self, name: &str) -> Option<&TakenUp> {
        self.taken_up.get(name).filter(|taken_up| taken_up.values.count() > 0)
    }
}

impl TakenUp {
    /// The value below which this share of all lies, reckoned as Prometheus does: evenly spread within each bucket. Beyond the
    /// last bound it is that bound.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let Histogram { bounds, counts, .. } = &self.values;
        let rank = share * self.values.count() as f64;
        let place = counts.partition_point(|count| (*count as f64) < rank);
        let Some(upper) = bounds.get(place) else { return bounds.last().copied().unwrap_or_default() };
        let (lower, below) = if place == 0 { (0.0, 0) } else { (bounds[place - 1], counts[place - 1]) };
        let within = (counts[place] - below) as f64;
        if within > 0.0 { lower + (upper - lower) * (rank - below as f64) / within } else { *upper }
    }

    /// The mean of all.
    pub(crate) fn mean(&self) -> f64 {
        self.values.sum / self.values.count().max(1) as f64
    }
}

/// What a histogram has taken up in between. Of one with other bounds, which is another release's, nothing is told.
fn difference(before: &Histogram, after: &Histogram) -> Histogram {
    if before.bounds != after.bounds || before.counts.len() != after.counts.len() {
        return Histogram::default();
    }
    let counts = before.counts.iter().zip(&after.counts).map(|(before, after)| after.saturating_sub(*before)).collect();
    Histogram { bounds: after.bounds.clone(), counts, sum: (after.sum - before.sum).max(0.0) }
}

/// Both together; the first alone where their bounds differ.
fn sum(first: &Histogram, second: Histogram) -> Histogram {
    if first.counts.is_empty() {
        return second;
    }
    if first.bounds != second.bounds || first.counts.len() != second.counts.len() {
        return first.clone();
    }
    let counts = first.counts.iter().zip(&second.counts).map(|(first, second)| first + second).collect();
    Histogram { bounds: second.bounds, counts, sum: first.sum + second.sum }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::Timestamp;
    use roster::{Own, Status};

    use super::*;

    fn alive(instance: &str, uptime_ms: u64, stored: f64, counts: [u64; 3]) -> Alive {
        let histogram = Histogram { bounds: vec![1.0, 3.0], counts: counts.to_vec(), sum: counts[2] as f64 * 2.0 };
        let figures =
            Figures { values: [("stored".to_owned(), stored)].into(), histograms: [("times".to_owned(), histogram)].into() };
        let status = Status {
            service: "consumer".to_owned(),
            instance: instance.to_owned(),
            place: "one:1".to_owned(),
            version: "1".to_owned(),
            started_at: Timestamp::now(),
            uptime_ms,
            figures: Some(figures),
            own: Own::default(),
        };
        Alive { status, silent_for: Duration::ZERO }
    }

    #[test]
    fn a_rate_is_the_last_reports_over_their_time_and_over_all_replicas() {
        let mut history = History::default();
        history.add(&[alive("a", 1_000, 100.0, [0, 0, 0])]);
        assert_eq!(history.recent(["a", "b"].into_iter()), None);
        history.add(&[alive("a", 3_000, 140.0, [10, 20, 20]), alive("b", 50_000, 7.0, [5, 5, 5])]);
        let recent = history.recent(["a", "b"].into_iter()).unwrap();
        assert_eq!(recent.rising("stored"), 20.0);
        assert_eq!(recent.rising("never seen"), 0.0);
        assert_eq!(recent.taken_up("times").map(|times| (times.per_s, times.sum_per_s, times.mean())), Some((10.0, 20.0, 2.0)));
        assert!(recent.taken_up("never seen").is_none());

        // The same report twice is no second one; both replicas together are, one of them idle.
        history.add(&[alive("a", 3_000, 140.0, [10, 20, 20]), alive("b", 52_000, 7.0, [5, 5, 5])]);
        assert_eq!(history.recent(["a", "b"].into_iter()).unwrap().rising("stored"), 20.0);
        // One that is gone is forgotten: started again it begins anew.
        history.add(&[alive("b", 54_000, 9.0, [5, 5, 5])]);
        assert_eq!(history.recent(["a"].into_iter()), None);
        assert_eq!(history.recent(["b"].into_iter()).unwrap().rising("stored"), 0.5);
        assert!(history.recent(["b"].into_iter()).unwrap().taken_up("times").is_none());
    }

    #[test]
    fn what_is_older_than_the_window_counts_no_more() {
        let mut history = History::default();
        for second in 0..=30_u32 {
            let stored = if second < 15 { 1_000.0 } else { 1_000.0 + f64::from(second) };
            history.add(&[alive("a", u64::from(second) * 1_000, stored, [0, 0, 0])]);
        }
        assert_eq!(history.recent(["a"].into_iter()).unwrap().rising("stored"), 1.0);
    }

    #[test]
    fn quantiles_are_spread_evenly_within_their_bucket() {
        let taken_up = |counts: [u64; 3]| TakenUp {
            values: Histogram { bounds: vec![1.0, 3.0], counts: counts.to_vec(), sum: 0.0 },
            ..TakenUp::default()
        };
        for (counts, half, most) in
            [([10, 20, 20], 1.0, 2.8), ([20, 20, 20], 0.5, 0.95), ([0, 0, 9], 3.0, 3.0), ([0, 10, 10], 2.0, 2.9)]
        {
            let taken_up = taken_up(counts);
            assert!((taken_up.quantile(0.5) - half).abs() < 1e-9, "{counts:?} {}", taken_up.quantile(0.5));
            assert!((taken_up.quantile(0.95) - most).abs() < 1e-9, "{counts:?} {}", taken_up.quantile(0.95));
        }
    }
}
