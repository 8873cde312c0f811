//! The api service: reads, updates and searches until SIGTERM.

use std::process::ExitCode;

use api::{Config, DEFAULT_PORT};
use service::{
    http,
    program::{self, Failure},
    shutdown, telemetry,
};

fn main() -> ExitCode {
    let texts: &[program::Text] = &[("openapi", || api::openapi().as_str().to_owned())];
    program::on_runtime(None, program::run("api", DEFAULT_PORT, texts, |config: &Config| Ok(config.check()?), serve))
}

async fn serve(config: Config) -> Result<(), Failure> {
    let telemetry = telemetry::init(&config.log, "api")?;
    let shutdown = shutdown::on_signals()?;
    let port = http::bind(&config.http).await?;
    let running = api::start(config, port, telemetry, shutdown).await?;
    tracing::info!(address = %running.address(), "answering");
    running.finished().await?;
    tracing::info!("stopped");
    Ok(())
}
