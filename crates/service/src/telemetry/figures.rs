//! What a process has measured, as a few numbers: each metric of ours summed over its labels. For whoever compares processes with
//! one another and needs no more; all else is in Prometheus' text, from which this is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What metrics of ours begin with.
const OURS: [&str; 2] = ["chat_", "http_"];
const REQUESTS: &str = "http_request_duration_seconds";
/// The requests among [`REQUESTS`] that were answered 5xx.
const FAILED_REQUESTS: &str = "http_requests_failed";
/// Routes of operators and programs that watch: they are not what a service is there for.
const OPERATION: [&str; 6] = ["/healthz", "/readyz", "/metrics", "/console", "/swagger", "/api-docs"];

/// The figures of a process, since its start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Counters and gauges by name.
    #[serde(default)]
    pub values: BTreeMap<String, f64>,
    /// Histograms by name. `http_request_duration_seconds` leaves out what operators ask for; how many of the rest were answered
    /// 5xx is the value `http_requests_failed`.
    #[serde(default)]
    pub histograms: BTreeMap<String, Histogram>,
}

/// How often a value up to each bound was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The bounds, ascending, without the last, which is infinite.
    pub bounds: Vec<f64>,
    /// So many values up to each bound, and behind these how many in all.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: f64,
}

impl Figures {
    /// A counter's or a gauge's value; 0 of one that was never used.
    pub fn value(&self, name: &str) -> f64 {
        self.values.get(name).copied().unwrap_or_default()
    }

    /// Reads Prometheus' text form, as [`Telemetry::render`](super::Telemetry::render) writes it. What cannot be read is left
    /// out.
    pub fn read(text: &str) -> Self {
        let mut figures = Self::default();
        // The metric of which the lines are, and whether it is a histogram: its type is told before them.
        let (mut metric, mut is_histogram) = ("", false);
        for line in text.lines() {
            if let Some(told) = line.strip_prefix("# TYPE ") {
                let (name, kind) = told.split_once(' ').unwrap_or((told, ""));
                (metric, is_histogram) = (name, kind == "histogram");
                continue;
            }
            let ours = OURS.iter().any(|prefix| metric.starts_with(prefix));
            if !ours || line.starts_with('#') {
                continue;
            }
            let Some(series) = Series::read(line) else { continue };
            if is_histogram {
                figures.add_to_histogram(metric, &series);
            } else {
                *figures.values.entry(metric.to_owned()).or_default() += series.value;
            }
        }
        figures
    }

    fn add_to_histogram(&mut self, metric: &str, series: &Series<'_>) {
        if metric == REQUESTS {
            let route = series.label("route").unwrap_or_default();
            if OPERATION.iter().any(|prefix| route.starts_with(prefix)) {
                return;
            }
            if series.name.ends_with("_count") && series.label("status").is_some_and(|status| status.starts_with('5')) {
                *self.values.entry(FAILED_REQUESTS.to_owned()).or_default() += series.value;
            }
        }
        let histogram = self.histograms.entry(metric.to_owned()).or_default();
        match (series.name.strip_prefix(metric), series.label("le")) {
            (Some("_sum"), _) => histogram.sum += series.value,
            // What is behind the last bound is the count of all.
            (Some("_bucket"), Some(bound)) => {
                if let Ok(bound) = bound.parse() {
                    histogram.add(bound, series.value as u64);
                }
            }
            _ => {}
        }
    }
}

impl Histogram {
    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.counts.last().copied().unwrap_or_default()
    }

    fn add(&mut self, bound: f64, count: u64) {
        // The last count is the infinite bound's, which is not among the bounds.
        let place = self.bounds.partition_point(|known| *known < bound);
        if bound.is_finite() && self.bounds.get(place) != Some(&bound) {
            self.bounds.insert(place, bound);
            self.counts.insert(place, 0);
        }
        if self.counts.len() == self.bounds.len() {
            self.counts.push(0);
        }
        self.counts[place] += count;
    }
}

/// A line of the text form.
struct Series<'a> {
    name: &'a str,
    labels: &'a str,
    value: f64,
}

impl<'a> Series<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        Some(Self { name, labels, value: value.parse().ok()? })
    }

    /// The label's value as it is written; those that are asked for have nothing that would be escaped.
    fn label(&self, name: &str) -> Option<&'a str> {
        let value = self.labels.split(',').find_map(|pair| pair.trim_end_matches('}').strip_prefix(name)?.strip_prefix("=\""))?;
        value.split('"').next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP chat_items_stored_total what it is
# TYPE chat_items_stored_total counter
chat_items_stored_total{kind="chat"} 3
chat_items_stored_total{kind="message"} 40

# TYPE chat_epoch gauge
chat_epoch 7.5

# TYPE process_open_fds gauge
process_open_fds 12

# TYPE chat_batch_items histogram
chat_batch_items_bucket{le="1"} 2
chat_batch_items_bucket{le="4"} 5
chat_batch_items_bucket{le="+Inf"} 6
chat_batch_items_sum 30
chat_batch_items_count 6

# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{method="GET",route="/applications/{token}",status="200",le="0.1"} 4
http_request_duration_seconds_bucket{method="GET",route="/applications/{token}",status="200",le="+Inf"} 5
http_request_duration_seconds_sum{method="GET",route="/applications/{token}",status="200"} 0.5
http_request_duration_seconds_count{method="GET",route="/applications/{token}",status="200"} 5
http_request_duration_seconds_bucket{method="PUT",route="/applications/{token}",status="503",le="0.1"} 0
http_request_duration_seconds_bucket{method="PUT",route="/applications/{token}",status="503",le="+Inf"} 2
http_request_duration_seconds_sum{method="PUT",route="/applications/{token}",status="503"} 2
http_request_duration_seconds_count{method="PUT",route="/applications/{token}",status="503"} 2
http_request_duration_seconds_bucket{method="GET",route="/metrics",status="200",le="0.1"} 100
http_request_duration_seconds_count{method="GET",route="/metrics",status="500"} 100
nonsense
"#;

    #[test]
    fn each_metric_of_ours_is_summed_over_its_labels() {
        let figures = Figures::read(TEXT);
        assert_eq!((figures.value("chat_items_stored_total"), figures.value("chat_epoch")), (43.0, 7.5));
        assert_eq!((figures.value("process_open_fds"), figures.value("chat_never_used")), (0.0, 0.0));
        let batches = &figures.histograms["chat_batch_items"];
        assert_eq!(*batches, Histogram { bounds: vec![1.0, 4.0], counts: vec![2, 5, 6], sum: 30.0 });
        assert_eq!((batches.count(), Histogram::default().count()), (6, 0));
    }

    #[test]
    fn of_requests_those_count_that_clients_send() {
        let figures = Figures::read(TEXT);
        assert_eq!(figures.histograms[REQUESTS], Histogram { bounds: vec![0.1], counts: vec![4, 7], sum: 2.5 });
        assert_eq!(figures.value(FAILED_REQUESTS), 2.0);
    }

    #[test]
    fn bounds_may_come_in_any_order() {
        let mut histogram = Histogram::default();
        for (bound, count) in [(f64::INFINITY, 9), (1.0, 4), (0.5, 1), (1.0, 1), (f64::INFINITY, 1)] {
            histogram.add(bound, count);
        }
        assert_eq!(histogram, Histogram { bounds: vec![0.5, 1.0], counts: vec![1, 5, 10], sum: 0.0 });
    }
}
