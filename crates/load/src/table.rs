//! Prints measurements as a table of medians.

use say::say;

use crate::run::Outcome;

/// A row: one kind of measurement, over all rounds.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) clients: u32,
    rates: Vec<f64>,
    p50_us: Vec<f64>,
    p99_us: Vec<f64>,
    refused: u64,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, clients: u32) -> Self {
        Self { name: name.into(), clients, rates: Vec::new(), p50_us: Vec::new(), p99_us: Vec::new(), refused: 0 }
    }

    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.rates.push(outcome.rate());
        self.p50_us.push(outcome.latency_us.value_at_quantile(0.50) as f64);
        self.p99_us.push(outcome.latency_us.value_at_quantile(0.99) as f64);
        self.refused += outcome.refused + outcome.unanswered;
    }

    pub(crate) fn rate(&self) -> f64 {
        median(&self.rates)
    }

    pub(crate) fn p99_ms(&self) -> f64 {
        median(&self.p99_us) / 1e3
    }

    /// Requests that were not answered as wanted.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints the rows; each ratio is to the echo with as many clients.
pub(crate) fn print(echoes: &[Row], rows: &[Row]) {
    say!("| what | clients | creates/s (min–max) | ratio to echo | p50 ms | p99 ms | not acknowledged |");
    say!("|---|---|---|---|---|---|---|");
    for row in echoes.iter().chain(rows) {
        let echo = echoes.iter().find(|echo| echo.clients == row.clients).map_or(f64::NAN, Row::rate);
        let low = row.rates.iter().copied().fold(f64::INFINITY, f64::min);
        let high = row.rates.iter().copied().fold(0.0, f64::max);
        say!(
            "| {} | {} | {:.0} ({low:.0}–{high:.0}) | {:.2} | {:.2} | {:.2} | {} |",
            row.name,
            row.clients,
            row.rate(),
            row.rate() / echo,
            median(&row.p50_us) / 1e3,
            row.p99_ms(),
            row.refused,
        );
    }
}
