//! How a stack tells what it is doing. Only output: nothing may depend on what is shown.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Hears of the steps of a long operation. Steps overlap: the servers start side by side.
pub trait Progress: Send + Sync {
    /// A step begins.
    fn begin(&self, step: &str);
    /// The step is at this point now; called often.
    fn note(&self, step: &str, detail: &str);
    /// The step is done, after this long.
    fn end(&self, step: &str, took: Duration);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _step: &str) {}
    fn note(&self, _step: &str, _detail: &str) {}
    fn end(&self, _step: &str, _took: Duration) {}
}

/// One line a step on standard error, for a pipe or a log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines;

impl Progress for Lines {
    fn begin(&self, step: &str) {
        // A step that takes no time needs no line of its own, but these are minutes when cold.
        if step.starts_with("preparing") || step.starts_with("installing") {
            eprintln!("{step} …");
        }
    }

    fn note(&self, _step: &str, _detail: &str) {}

    fn end(&self, step: &str, took: Duration) {
        eprintln!("{step}: done in {:.1} s", took.as_secs_f64());
    }
}

/// A live line for each step on a terminal.
#[derive(Debug, Default)]
pub struct Bars {
    all: MultiProgress,
    steps: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    fn with_step(&self, step: &str, act: impl FnOnce(&ProgressBar)) {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = steps.get(step) {
            act(bar);
        }
    }
}

impl Progress for Bars {
    fn begin(&self, step: &str) {
        let bar = self.all.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(step.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.insert(step.to_owned(), bar);
    }

    fn note(&self, step: &str, detail: &str) {
        self.with_step(step, |bar| bar.set_message(detail.to_owned()));
    }

    fn end(&self, step: &str, took: Duration) {
        self.with_step(step, |bar| {
            bar.finish_with_message(format!("done in {:.1} s", took.as_secs_f64()));
        });
    }
}

/// [`Bars`] if standard error is a terminal, else [`Lines`].
pub fn for_terminal() -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() { Box::new(Bars::default()) } else { Box::new(Lines) }
}
