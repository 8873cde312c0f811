//! The ingest service: accepts creates until SIGTERM.

use std::process::ExitCode;

use ingest::{Config, DEFAULT_PORT};
use service::{
    http,
    program::{self, Failure},
    shutdown, telemetry,
};

/// Requests are parsed and answered on the HTTP workers' own threads, one a core. What they share (the connections to Redis and
/// RabbitMQ, the forming of groups) is little work and much waiting: a second thread for it would only wake the first.
const SHARED_THREADS: usize = 1;

fn main() -> ExitCode {
    let texts: &[program::Text] = &[("openapi", || ingest::openapi().as_str().to_owned())];
    program::on_runtime(
        Some(SHARED_THREADS),
        program::run("ingest", DEFAULT_PORT, texts, |config: &Config| Ok(config.check()?), serve),
    )
}

async fn serve(config: Config) -> Result<(), Failure> {
    let telemetry = telemetry::init(&config.log, "ingest")?;
    let shutdown = shutdown::on_signals()?;
    let port = http::bind(&config.http).await?;
    let running = ingest::start(config, port, telemetry, shutdown).await?;
    tracing::info!(address = %running.address(), "accepting creates");
    running.finished().await?;
    tracing::info!("stopped");
    Ok(())
}
