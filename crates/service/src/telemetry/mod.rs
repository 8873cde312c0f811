//! Logs and metrics of a process.
//!
//! Both are set up once for a process, which is what the facades behind `tracing` and `metrics` ask for: here stands the one
//! global value of the workspace. Logs go to standard output. They never contain a token, a body, a name or a secret.

#[cfg(test)]
mod captured;
mod figures;
mod logs;
mod metrics;
mod process;
mod repeats;

use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;

use crate::Error;
use process::Process;

#[cfg(test)]
pub(crate) use captured::Captured;
pub use figures::{Figures, Histogram};
pub use repeats::Repeats;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The section `log`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The form of log lines.
    pub format: Format,
    /// What is logged: a level, or levels by target such as `info,access=warn`. The access log's target is `access`.
    pub filter: String,
}

impl Settings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`Error::LogFilter`].
    pub fn check(&self) -> Result<(), Error> {
        logs::filter(self).map(drop)
    }
}

/// The telemetry of this process. Clones share it.
#[derive(Clone)]
pub struct Telemetry {
    prometheus: PrometheusHandle,
    process: Process,
}

impl Telemetry {
    /// All metrics in Prometheus' text form, and what the operating system says of the process at this moment.
    pub fn render(&self) -> String {
        let mut text = self.prometheus.render();
        text.push_str(&self.process.render());
        text
    }

    /// The metrics in short.
    pub fn figures(&self) -> Figures {
        Figures::read(&self.render())
    }
}

static OF_PROCESS: Mutex<Option<Telemetry>> = Mutex::new(None);

/// Sets up logs and metrics; later calls in one process return what the first one made. To be called before a server is
/// started or a metric is used: what is counted earlier is lost. `service` is named in each log line.
///
/// # Errors
/// [`Error::LogFilter`]; [`Error::Telemetry`] when something else in the process set up logs or metrics before.
pub fn init(settings: &Settings, service: &'static str) -> Result<Telemetry, Error> {
    let mut of_process = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(telemetry) = &*of_process {
        return Ok(telemetry.clone());
    }
    logs::init(settings, service)?;
    let telemetry = Telemetry { prometheus: metrics::init(service)?, process: Process::new() };
    *of_process = Some(telemetry.clone());
    Ok(telemetry)
}
