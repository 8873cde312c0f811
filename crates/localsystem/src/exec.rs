//! `localsystem exec`: a whole system around one command, such as a checker of the HTTP contract. Nothing of it is left behind.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    process::{ExitCode, ExitStatus},
};

use anyhow::Context;
use devstack::{DataDir, ElasticsearchOptions, StackOptions};
use localsystem::{Binaries, LocalSystem, Options, Service};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

/// Runs the command and returns its exit code; failure when a signal ended it, or a service ended by itself meanwhile.
///
/// # Errors
/// When the system or the command cannot be started, or the system does not end as it should.
pub(crate) async fn run(command: &[OsString]) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let progress = devstack::for_terminal();
    let start = async { LocalSystem::start(Binaries::build().await?, options(), progress.as_ref()).await };
    let mut system = tokio::select! {
        system = start => system?,
        _ = interrupt.recv() => return Ok(ExitCode::FAILURE),
        _ = terminate.recv() => return Ok(ExitCode::FAILURE),
    };
    let mut child = command_of(command, &system).spawn().with_context(|| format!("{} cannot be run", command[0].display()))?;
    let outcome = tokio::select! {
        status = child.wait() => status.map(code_of).map_err(Into::into),
        error = system.broken() => Err(error),
        _ = interrupt.recv() => Ok(ExitCode::FAILURE),
        _ = terminate.recv() => Ok(ExitCode::FAILURE),
    };
    // Nothing happens here when it has ended by itself.
    child.kill().await?;
    let code = outcome?;
    system.down().await?;
    Ok(code)
}

fn options() -> Options {
    // Nobody measures here, and the command waits for the start: Elasticsearch does not step back, and starts soon.
    let elasticsearch = ElasticsearchOptions { short_lived: true, ..ElasticsearchOptions::default() };
    let stack = StackOptions { data: DataDir::Temporary, elasticsearch, ..StackOptions::default() };
    Options { stack, ports: BTreeMap::new(), environment: Vec::new() }
}

/// It dies with this process: whoever kills that, kills the whole run.
fn command_of(command: &[OsString], system: &LocalSystem) -> Command {
    let mut wrapped = Command::new("setpriv");
    wrapped.args(["--pdeathsig", "TERM", "--"]).args(command).kill_on_drop(true);
    wrapped.envs(system.environment().iter().map(|(name, value)| (name, value)));
    for service in Service::ALL {
        wrapped.env(format!("{}_URL", service.name().to_uppercase()), format!("http://{}", system.address(service)));
    }
    wrapped
}

fn code_of(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
