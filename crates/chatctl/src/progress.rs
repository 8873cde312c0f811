//! Shows how far a step is: a bar on a terminal, a plain line now and then elsewhere. Only output: nothing depends on it.

use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use say::remark;

const TEMPLATE: &str = "{prefix:<22} {bar:32} {human_pos}/{human_len} {per_sec} {elapsed}";
const BETWEEN_LINES: Duration = Duration::from_secs(2);

/// One step of so many parts, or of as many as there will be. When it is dropped its last state stays on the screen.
pub(crate) struct Progress {
    label: &'static str,
    total: Cell<u64>,
    done: Cell<u64>,
    began: Instant,
    last_line: Cell<Instant>,
    shown: Cell<Option<u64>>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A step of about so many parts; if there are more, the total grows.
    pub(crate) fn new(label: &'static str, total: usize) -> Self {
        let total = total as u64;
        let bar = stderr().is_terminal().then(|| bar(label, total));
        let now = Instant::now();
        Self {
            label,
            total: Cell::new(total),
            done: Cell::new(0),
            began: now,
            last_line: Cell::new(now),
            shown: Cell::new(None),
            bar,
        }
    }

    /// One part more is done.
    pub(crate) fn advance(&self) {
        self.advance_by(1);
    }

    /// So many parts more are done.
    pub(crate) fn advance_by(&self, parts: u64) {
        self.done.set(self.done.get() + parts);
        if self.done.get() > self.total.get() {
            self.total_is(self.done.get());
        }
        match &self.bar {
            Some(bar) => bar.inc(parts),
            None if self.last_line.get().elapsed() >= BETWEEN_LINES => self.line(),
            None => {}
        }
    }

    /// It is known now how many parts there are.
    pub(crate) fn total_is(&self, total: u64) {
        self.total.set(total);
        if let Some(bar) = &self.bar {
            bar.set_length(total);
        }
    }

    fn line(&self) {
        self.last_line.set(Instant::now());
        self.shown.set(Some(self.done.get()));
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { self.done.get() as f64 / seconds } else { 0.0 };
        remark!("{}: {} of {} after {seconds:.1} s, {rate:.0}/s", self.label, self.done.get(), self.total.get());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        match &self.bar {
            Some(bar) if self.done.get() == self.total.get() => bar.finish(),
            Some(bar) => bar.abandon(),
            None if self.shown.get() == Some(self.done.get()) => {}
            None => self.line(),
        }
    }
}

fn bar(label: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_prefix(label);
    match ProgressStyle::with_template(TEMPLATE) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
