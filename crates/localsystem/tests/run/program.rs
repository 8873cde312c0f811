//! The program as a process: what it prints, which processes it has started, how it ends. Every wait has a deadline.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// It has cargo build the services first: a moment when they are built, minutes when they are not, or cargo is busy.
pub(crate) const UP_WITHIN: Duration = Duration::from_secs(1200);
/// For what an ended program has written last.
const SAID_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
/// Devstack's servers and the kernel's outgoing connections have theirs above.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// A running localsystem; killed with all that it has started if the test panics.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    said: Arc<Mutex<String>>,
    reader: thread::JoinHandle<()>,
}

impl Program {
    /// Starts it with ports for the api, ingest and the consumer.
    pub(crate) fn start(arguments: &[&str], [api, ingest, consumer]: [u16; 3]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_localsystem"));
        command.args(arguments).args([format!("--api-port={api}"), format!("--ingest-port={ingest}")]);
        command.arg(format!("--consumer-port={consumer}"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let said = Arc::new(Mutex::new(String::new()));
        let reader = thread::spawn({
            let (stderr, said) = (child.stderr.take().unwrap(), said.clone());
            move || keep(stderr, &said)
        });
        Self { child, lines, said, reader }
    }

    /// What it prints when all is up.
    pub(crate) fn welcome(&self) -> Welcome {
        let deadline = Instant::now() + UP_WITHIN;
        let mut lines = Vec::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.starts_with("End:") => return Welcome(lines),
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("not up within {UP_WITHIN:?}: {}", self.said()),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before it was up: {}", self.said()),
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id() as i32), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // All that it has said is wanted. A build that it made may have left a compiler's server behind that holds the
                // pipe.
                let grace = Instant::now() + SAID_WITHIN;
                while !self.reader.is_finished() && Instant::now() < grace {
                    thread::sleep(PAUSE);
                }
                return status;
            }
            assert!(Instant::now() < deadline, "still there after {within:?}: {}", self.said());
            thread::sleep(PAUSE);
        }
    }

    /// What it has written to standard error so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All processes that it has started and that live, and theirs.
    pub(crate) fn descendants(&self) -> Vec<Process> {
        let all: Vec<(Process, u32)> =
            fs::read_dir("/proc").unwrap().filter_map(|entry| process(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect();
        let mut parents = vec![self.id()];
        let mut found = Vec::new();
        while let Some(parent) = parents.pop() {
            for (child, _) in all.iter().filter(|(_, its_parent)| *its_parent == parent) {
                parents.push(child.id);
                found.push(*child);
            }
        }
        found
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(mut from: impl Read, said: &Mutex<String>) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        said.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
}

/// What a person is shown.
pub(crate) struct Welcome(Vec<String>);

impl Welcome {
    /// What stands behind a name in the table.
    pub(crate) fn place(&self, name: &str) -> String {
        let rest = self.0.iter().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix("  "));
        rest.unwrap_or_else(|| panic!("no {name} in {:#?}", self.0)).trim().to_owned()
    }

    /// Where the servers' logs are, in the data directory.
    pub(crate) fn logs(&self) -> PathBuf {
        PathBuf::from(self.place("servers' logs"))
    }

    /// The lines under "Try it".
    pub(crate) fn lines_to_paste(&self) -> Vec<String> {
        let below = self.0.iter().skip_while(|line| *line != "Try it:").skip(1);
        below.filter(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect()
    }
}

/// A process, told apart from a later one with the same id by the moment of its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    id: u32,
    started: u64,
}

/// Whether it is there, and not a zombie: those wait for their parent only.
pub(crate) fn is_alive(wanted: &Process) -> bool {
    process(wanted.id).is_some_and(|(found, _)| found == *wanted)
}

/// A living process and its parent, see proc_pid_stat(5).
fn process(id: u32) -> Option<(Process, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before may hold spaces and parentheses itself; behind it come state, parent, and the start as the 22nd of all.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let started = fields.get(19)?.parse().ok()?;
    (!matches!(fields[0], "Z" | "X")).then_some((Process { id, started }, fields.get(1)?.parse().ok()?))
}

/// Three ports that nothing listens on, and that no other test is given: the programs bind theirs only after a while.
pub(crate) fn free_ports() -> [u16; 3] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Where to begin differs between processes.
    let first = PORTS.start + u16::try_from(std::process::id() % 9_000).unwrap();
    let next = || first + NEXT.fetch_add(1, Ordering::Relaxed);
    let candidates = std::iter::repeat_with(next).take_while(|port| PORTS.contains(port));
    let mut free = candidates.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    std::array::from_fn(|_| free.next().unwrap())
}

/// Waits for a condition; panics with `what` when it takes too long.
pub(crate) fn eventually(what: &str, within: Duration, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        thread::sleep(PAUSE);
    }
}

/// What lines print in a shell, as a person pastes them there. No proxy stands before this machine's own ports.
pub(crate) fn shell(lines: &str) -> String {
    let output = Command::new("sh").args(["-ec", lines]).env("no_proxy", "*").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{lines}: {} {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
