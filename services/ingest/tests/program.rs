//! The program itself, as operators call it: which settings it refuses, and when it lets clients in. No server is needed for
//! that, and none is reached.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command},
    time::{Duration, Instant},
};

fn check_config() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingest"));
    command.arg("check-config").env_clear().envs([
        ("DATABASE_URL", "mysql://chat:hidden@localhost/chat"),
        ("REDIS_URL", "redis://:hidden@localhost"),
        ("AMQP_URL", "amqp://chat:hidden@localhost"),
    ]);
    command
}

#[test]
fn settings_that_cannot_work_are_told_by_check_config() {
    let sound = check_config().output().unwrap();
    assert!(sound.status.success() && !String::from_utf8_lossy(&sound.stdout).contains("hidden"), "{sound:?}");
    for (name, value, said) in [
        ("RATE_LIMIT_PER_MINUTE", "700000", "rate_limit"),
        ("CHAT__REDIS__IDEMPOTENCY_TTL_S", "0", "idempotency_ttl_s"),
        ("DATABASE_URL", "hidden", "mysql://"),
        ("CHAT__MYSQL__POOL_SIZE", "0", "pool_size"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "hidden", "trace.endpoint"),
        ("RUST_LOG", "=hidden=", "log.filter"),
    ] {
        let output = check_config().env(name, value).output().unwrap();
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{name}: {sentence}");
        assert!(sentence.starts_with("ingest: ") && sentence.contains(said), "{name}: {sentence}");
        assert!(!sentence.contains("hidden"), "{name}: {sentence}");
    }
}

/// Ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A proxy must not send it requests that can only wait: one that is refused is sent to another replica.
#[test]
fn clients_are_refused_while_it_looks_for_the_broker() {
    let nowhere = "127.0.0.1:1";
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingest"));
    command.env_clear().envs([
        ("DATABASE_URL", format!("mysql://chat@{nowhere}/chat")),
        ("REDIS_URL", format!("redis://{nowhere}")),
        ("AMQP_URL", format!("amqp://chat@{}", broker.local_addr().unwrap())),
        ("CHAT__HTTP__ADDRESS", address.ip().to_string()),
        ("PORT", address.port().to_string()),
        ("LOG_LEVEL", "off".to_owned()),
    ]);
    let _program = Program(command.spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(30);
    // A broker that takes connections and says nothing.
    broker.set_nonblocking(true).unwrap();
    let _silent = loop {
        match broker.accept() {
            Ok(connection) => break connection,
            Err(error) => assert!(error.kind() == ErrorKind::WouldBlock && Instant::now() < deadline, "nobody connects: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);

    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "it never lets anybody in");
        std::thread::sleep(Duration::from_millis(50));
    }
}
