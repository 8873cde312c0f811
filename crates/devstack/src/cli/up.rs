//! `devstack up`: own a stack until told to end it; or have another process own it.

use std::fs::{self, File};
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use devstack::control::Control;
use devstack::{DataDir, Error, Stack, State, for_terminal};

use super::signals::Signals;
use super::{Up, show};

/// Owns the stack; returns when a signal or `devstack down` has ended it.
pub(super) async fn foreground(arguments: &Up) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let options = arguments.tuning.options(DataDir::Path(arguments.place.directory()?))?;
    let progress = for_terminal();
    let stack = tokio::select! {
        up = Stack::up(options, progress.as_ref()) => Arc::new(up?),
        // Dropping the half-made stack kills what it started.
        _ = signals.next() => return Ok(()),
    };
    let control = Control::open(&stack)?;
    show::servers(&stack.state());
    if std::io::stderr().is_terminal() {
        eprintln!("ready; Ctrl-C or \"devstack down\" ends it");
    }
    tokio::select! {
        _ = signals.next() => {}
        () = control.asked_down() => {}
    }
    drop(control);
    tokio::select! {
        ended = stack.end_all() => ended,
        // Somebody is impatient: dropping the stack kills the rest.
        _ = signals.next() => Ok(()),
    }
}

/// Starts another process that owns the stack, and returns when all servers answer.
pub(super) async fn detached(arguments: &Up) -> Result<(), Error> {
    let data = arguments.place.directory()?;
    fs::create_dir_all(&data).map_err(failed("create", &data))?;
    let log_path = data.join("devstack.log");
    let log = File::options().create(true).append(true).open(&log_path).map_err(failed("write", &log_path))?;
    let mut lines = Lines::at_the_end_of(&log_path)?;
    let mut owner = spawn_owner(&data, log)?;
    loop {
        let ended = owner.try_wait().map_err(failed("wait for", &log_path))?;
        lines.show();
        if ended.is_some() {
            let log = log_path.display();
            return Err(Error::Refused(format!("the stack did not start, see above or {log}")));
        }
        match State::read(&data) {
            Ok(state) if state.ready && state.owner == owner.id() => {
                show::servers(&state);
                return Ok(());
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// This very command without `--detach`, in a session of its own so that the terminal's signals do
/// not reach it.
fn spawn_owner(data: &Path, log: File) -> Result<Child, Error> {
    let errors = log.try_clone().map_err(failed("write", data))?;
    let program = std::env::current_exe().map_err(failed("find the program of", data))?;
    Command::new("setsid")
        .arg(program)
        .args(std::env::args_os().skip(1).filter(|argument| argument != "--detach"))
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(failed("start the owner of", data))
}

/// Shows what is added to a file.
struct Lines(File);

impl Lines {
    fn at_the_end_of(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(failed("read", path))?;
        file.seek(SeekFrom::End(0)).map_err(failed("read", path))?;
        Ok(Self(file))
    }

    fn show(&mut self) {
        let mut text = String::new();
        // Only for people: what cannot be read is not shown.
        let _ = self.0.read_to_string(&mut text);
        eprint!("{text}");
    }
}

fn failed(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let what = format!("{what} {}", path.display());
    move |source| Error::Io { what, source }
}
