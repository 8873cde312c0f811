//! The consumer service: stores, indexes and counts what was accepted, until SIGTERM.

use std::process::ExitCode;

use consumer::{Config, DEFAULT_PORT};
use service::{
    http,
    program::{self, Failure},
    shutdown, telemetry,
};

fn main() -> ExitCode {
    program::on_runtime(None, program::run("consumer", DEFAULT_PORT, &[], |config: &Config| Ok(config.check()?), serve))
}

async fn serve(config: Config) -> Result<(), Failure> {
    let telemetry = telemetry::init(&config.log, "consumer")?;
    let shutdown = shutdown::on_signals()?;
    let port = http::bind(&config.http).await?;
    let running = consumer::start(config, port, telemetry, shutdown).await?;
    tracing::info!(address = %running.address(), "consuming");
    running.finished().await?;
    tracing::info!("stopped");
    Ok(())
}
