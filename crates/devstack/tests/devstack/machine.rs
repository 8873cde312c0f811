//! What the tests look at from outside of the crate: `/proc`, Redis over a socket, directories.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Waits for a condition; panics with `what` when it takes too long.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "timed out: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The PID namespace of a process: whatever a server starts is in it.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: PathBuf,
    // Held open, or the kernel gives its number to the next one at once.
    _held: File,
}

impl Namespace {
    pub(crate) fn of(pid: u32) -> Self {
        let link = format!("/proc/{pid}/ns/pid");
        let held = File::open(&link).unwrap();
        Self { name: fs::read_link(link).unwrap(), _held: held }
    }

    /// All processes in it, except for zombies: those wait for the machine's init only.
    pub(crate) fn members(&self) -> Vec<u32> {
        let pids = fs::read_dir("/proc").unwrap().flatten();
        pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let link = fs::read_link(format!("/proc/{pid}/ns/pid"));
                link.is_ok_and(|name| name == self.name)
            })
            .filter(|pid| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
            })
            .collect()
    }
}

/// A directory that is removed with this value.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("devstack-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A connection to Redis that speaks inline commands.
pub(crate) struct Redis(BufReader<TcpStream>);

impl Redis {
    pub(crate) fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("redis://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(BufReader::new(stream))
    }

    /// One command without spaces in its arguments, and its answer as text.
    pub(crate) fn call(&mut self, command: &str) -> String {
        self.send(command);
        self.answer().unwrap()
    }

    pub(crate) fn send(&mut self, command: &str) {
        self.0.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
    }

    pub(crate) fn answer_within(&mut self, patience: Duration) -> Option<String> {
        self.0.get_ref().set_read_timeout(Some(patience)).unwrap();
        self.answer()
    }

    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        let Some(length) = line.strip_prefix('$') else {
            return Some(line.trim_end().to_owned());
        };
        // A bulk string; -1 is the missing value.
        let Ok(length) = length.trim_end().parse::<usize>() else {
            return Some("(nil)".to_owned());
        };
        let mut text = vec![0; length + 2];
        self.0.read_exact(&mut text).ok()?;
        Some(String::from_utf8(text).unwrap().trim_end().to_owned())
    }

    pub(crate) fn run_id(&mut self) -> String {
        let info = self.call("INFO server");
        let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        id.unwrap().to_owned()
    }
}
