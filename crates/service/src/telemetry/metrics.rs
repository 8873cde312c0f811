//! Gathers metrics for Prometheus. They are rendered by our own `/metrics`: no port is opened here.

use std::time::Duration;

use ::metrics::gauge;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::Error;

/// Upper bounds for what is measured in seconds: from a read in memory to the longest deadline.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds for sizes in items: groups and batches.
const ITEMS: [f64; 9] = [1.0, 4.0, 16.0, 64.0, 128.0, 256.0, 512.0, 1000.0, 4000.0];
/// Observed values are kept one by one until they are put into their buckets, which must not be left to the next scrape.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Makes this the process' metrics, the first of which tells who it is: `chat_build_info` is always 1, and its labels join
/// replicas with their versions.
pub(super) fn init(service: &'static str) -> Result<PrometheusHandle, Error> {
    let handle = install().map_err(|error| Error::Telemetry(error.into()))?;
    gauge!("chat_build_info", "service" => service, "version" => env!("CARGO_PKG_VERSION")).set(1);
    let upkeep = handle.clone();
    // A thread rather than a task: it must outlive whichever runtime it was set up from.
    std::thread::Builder::new()
        .name("metrics-upkeep".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP_INTERVAL);
                upkeep.run_upkeep();
            }
        })
        .map_err(|error| Error::Telemetry(error.into()))?;
    Ok(handle)
}

fn install() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_items".to_owned()), &ITEMS)?
        .install_recorder()
}
