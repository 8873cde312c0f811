//! The command, as people and the Makefile use it.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use devstack::State;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::machine::{Directory, Namespace, Redis, eventually};

fn devstack(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devstack"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn on(data: &Path, arguments: &[&str]) -> Output {
    devstack(arguments).arg("--data").arg(data).output().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// A foreground `up`; killed if the test panics.
struct Owner(Child);

impl Owner {
    fn up(data: &Path, servers: &str) -> Self {
        let mut command = devstack(&["up", "--servers", servers, "--data"]);
        command.arg(data).stdout(Stdio::null()).stderr(Stdio::null());
        let owner = Self(command.spawn().unwrap());
        eventually("the stack", || State::read(data).is_ok_and(|state| state.ready));
        owner
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id() as i32), signal).unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn namespaces(data: &Path) -> Vec<Namespace> {
    let servers = State::read(data).unwrap().servers;
    servers.iter().filter_map(|status| status.pid).map(Namespace::of).collect()
}

#[test]
fn however_its_owner_ends_no_server_is_left() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL] {
        let directory = Directory::new();
        let mut owner = Owner::up(&directory.0, "redis,rabbitmq");
        let namespaces = namespaces(&directory.0);
        assert_eq!(namespaces.len(), 2);
        owner.signal(signal);
        let status = owner.0.wait().unwrap();
        assert_eq!(status.success(), signal != Signal::SIGKILL, "{signal}: {status}");
        let began = Instant::now();
        eventually("the servers' end", || namespaces.iter().all(|each| each.members().is_empty()));
        assert!(began.elapsed() < Duration::from_secs(5), "{signal}");
        assert!(State::read(&directory.0).is_err(), "{signal}");
    }
}

#[test]
fn a_detached_stack_takes_verbs_until_down() {
    let directory = Directory::new();
    let data = &directory.0;
    let up = on(data, &["up", "--detach", "--servers", "redis"]);
    assert!(up.status.success(), "{}", text(&up.stderr));
    let url = State::read(data).unwrap().urls.redis;
    Redis::connect(&url).call("SET a 1");

    let again = on(data, &["up", "--detach", "--servers", "redis"]);
    assert!(!again.status.success());
    assert!(text(&again.stderr).contains("is in use by another stack"), "{}", text(&again.stderr));

    for (verb, condition) in
        [("pause", "paused"), ("resume", "running"), ("kill", "stopped"), ("start", "running"), ("restart", "running")]
    {
        let done = on(data, &[verb, "redis"]);
        assert!(done.status.success(), "{verb}: {}", text(&done.stderr));
        let table = text(&on(data, &["status"]).stdout);
        let line = table.lines().find(|line| line.starts_with("redis")).unwrap();
        assert!(line.contains(condition), "{verb}: {line}");
    }
    assert_eq!(Redis::connect(&url).call("GET a"), "1");

    let refused = on(data, &["pause", "mysql"]);
    assert_eq!(text(&refused.stderr), "devstack: mysql is not running\n");
    let exports = text(&on(data, &["env"]).stdout);
    assert!(exports.contains(&format!("export REDIS_URL='{url}'")), "{exports}");

    assert!(on(data, &["wipe", "redis"]).status.success());
    assert!(on(data, &["start", "redis"]).status.success());
    assert_eq!(Redis::connect(&url).call("GET a"), "(nil)");

    let namespaces = namespaces(data);
    assert!(on(data, &["down"]).status.success());
    assert!(namespaces.iter().all(|each| each.members().is_empty()));
    let nothing = on(data, &["status"]);
    assert!(text(&nothing.stderr).contains("no stack runs"), "{}", text(&nothing.stderr));
}

#[test]
fn exec_gives_the_addresses_and_passes_the_exit_code_on() {
    let script = "echo \"$REDIS_URL $DATABASE_URL $AMQP_URL\"; exit 7";
    let run = devstack(&["exec", "--servers", "redis", "--", "sh", "-c", script]).output().unwrap();
    assert_eq!(run.status.code(), Some(7), "{}", text(&run.stderr));
    let urls = text(&run.stdout);
    assert!(urls.starts_with("redis://127.0.0.1:"), "{urls}");
    assert!(urls.contains(" mysql://root@127.0.0.1:"), "{urls}");

    let script = "kill -TERM $$";
    let run = devstack(&["exec", "--servers", "redis", "--", "sh", "-c", script]).output().unwrap();
    assert_eq!(run.status.code(), Some(128 + 15));
}

#[test]
fn exec_ends_its_command_on_a_signal_and_on_down() {
    for by_signal in [true, false] {
        let directory = Directory::new();
        let data = &directory.0;
        let mut command = devstack(&["exec", "--servers", "redis", "--data"]);
        command.arg(data).args(["--", "sleep", "600"]).stderr(Stdio::null());
        let mut owner = Owner(command.spawn().unwrap());
        eventually("the command", || children(owner.0.id()).iter().any(|name| name == "sleep"));
        let url = State::read(data).unwrap().urls.redis;
        assert_eq!(Redis::connect(&url).call("PING"), "+PONG");
        let namespaces = namespaces(data);
        if by_signal {
            owner.signal(Signal::SIGTERM);
        } else {
            assert!(on(data, &["down"]).status.success());
        }
        assert_eq!(owner.0.wait().unwrap().code(), Some(128 + 15));
        assert!(namespaces.iter().all(|each| each.members().is_empty()));
    }
}

#[test]
fn wrong_arguments_are_explained() {
    let unknown = devstack(&["kill", "oracle"]).output().unwrap();
    let told = text(&unknown.stderr);
    assert!(told.contains("'oracle'") && told.contains("mysql, redis, rabbitmq, elasticsearch"), "{told}");
    let port = devstack(&["up", "--ports", "redis=x"]).output().unwrap();
    assert!(text(&port.stderr).contains("\"redis=x\" is no port"), "{}", text(&port.stderr));
}

/// The names of a process's children.
fn children(parent: u32) -> Vec<String> {
    Namespace::of(parent)
        .members()
        .into_iter()
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok())
        .filter_map(|stat| {
            let (head, rest) = stat.rsplit_once(") ")?;
            let name = head.split_once(" (")?.1.to_owned();
            (rest.split(' ').nth(1)? == parent.to_string()).then_some(name)
        })
        .collect()
}
