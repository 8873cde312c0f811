//! The program itself, as operators call it: which settings it refuses. No server is needed for that, and none is reached.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::process::Command;

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
