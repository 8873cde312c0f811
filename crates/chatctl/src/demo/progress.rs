//! Shows how far a step is: a bar on a terminal, a plain line now and then elsewhere. Only output: nothing depends on it.

use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{prefix:<22} {bar:32} {human_pos}/{human_len} {per_sec} {elapsed}";
const BETWEEN_LINES: Duration = Duration::from_secs(2);

/// One step of so many parts. When it is dropped its last state stays on the screen.
pub(crate) struct Progress {
    label: &'static str,
    total: u64,
    done: Cell<u64>,
    began: Instant,
    last_line: Cell<Instant>,
    shown: Cell<Option<u64>>,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(label: &'static str, total: usize) -> Self {
        let total = total as u64;
        let bar = stderr().is_terminal().then(|| bar(label, total));
        let now = Instant::now();
        Self { label, total, done: Cell::new(0), began: now, last_line: Cell::new(now), shown: Cell::new(None), bar }
    }

    /// One part more is done.
    pub(crate) fn advance(&self) {
        self.done.set(self.done.get() + 1);
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.last_line.get().elapsed() >= BETWEEN_LINES => self.line(),
            None => {}
        }
    }

    fn line(&self) {
        self.last_line.set(Instant::now());
        self.shown.set(Some(self.done.get()));
        eprintln!("{}: {} of {} after {:.1} s", self.label, self.done.get(), self.total, self.began.elapsed().as_secs_f64());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        match &self.bar {
            Some(bar) if self.done.get() == self.total => bar.finish(),
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
