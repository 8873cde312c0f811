//! `devstack exec`: a stack around one command.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;

use devstack::control::Control;
use devstack::{DataDir, Error, Stack, Urls, for_terminal};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::signal::unix::SignalKind;

use super::Exec;
use super::signals::Signals;

/// Runs the command on the stack and returns its exit code, 128 plus the signal's number if one
/// ended it.
pub(super) async fn run(arguments: &Exec) -> Result<ExitCode, Error> {
    let mut signals = Signals::new()?;
    let data = arguments.data.clone().map_or(DataDir::Temporary, DataDir::Path);
    let options = arguments.tuning.options(data)?;
    let progress = for_terminal();
    let stack = tokio::select! {
        up = Stack::up(options, progress.as_ref()) => Arc::new(up?),
        signal = signals.next() => return Ok(code_of_signal(signal.as_raw_value())),
    };
    let control = Control::open(&stack)?;
    let child = spawn(arguments, stack.urls())?;
    let status = wait(child, &mut signals, &control).await?;
    drop(control);
    stack.end_all().await?;
    Ok(code_of(status))
}

/// The command dies with this process: whoever kills that, kills the whole run.
fn spawn(arguments: &Exec, urls: &Urls) -> Result<Child, Error> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).args(&arguments.command);
    command.envs(urls.environment());
    command.spawn().map_err(|source| Error::Io { what: format!("run {}", arguments.command[0].display()), source })
}

/// Waits for the command's end. Signals are passed on, and `devstack down` becomes one. (A Ctrl-C
/// reaches the command from the terminal already; twice is harmless.)
async fn wait(mut child: Child, signals: &mut Signals, control: &Control) -> Result<ExitStatus, Error> {
    loop {
        let signal = tokio::select! {
            status = child.wait() => {
                return status.map_err(|source| Error::Io {
                    what: "wait for the command".to_owned(),
                    source,
                });
            }
            signal = signals.next() => signal,
            () = control.asked_down() => SignalKind::terminate(),
        };
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        if let (Some(id), Ok(signal)) = (id, Signal::try_from(signal.as_raw_value())) {
            // Fails only if it has just ended.
            let _ = kill(Pid::from_raw(id), signal);
        }
    }
}

fn code_of(status: ExitStatus) -> ExitCode {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        (None, Some(signal)) => code_of_signal(signal),
        (None, None) => ExitCode::FAILURE,
    }
}

fn code_of_signal(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
}
