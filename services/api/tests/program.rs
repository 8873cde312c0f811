//! The program itself, as operators call it: what it prints, and which settings it refuses. No server is needed for that, and
//! none is reached.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    ffi::OsStr,
    fs::File,
    os::unix::ffi::OsStrExt,
    process::{Command, Output, Stdio},
};

fn api() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_api"));
    command.env_clear().envs([
        ("DATABASE_URL", "mysql://chat:hidden@localhost/chat"),
        ("REDIS_URL", "redis://:hidden@localhost"),
        ("AMQP_URL", "amqp://chat:hidden@localhost"),
        ("ELASTICSEARCH_URL", "http://localhost:9200"),
    ]);
    command
}

/// The sentence with which it fails.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(said.starts_with("api: ") && said.lines().count() == 1 && !said.contains("hidden"), "{said}");
    said
}

#[test]
fn settings_that_cannot_work_are_told_by_check_config() {
    let sound = api().arg("check-config").output().unwrap();
    assert!(sound.status.success() && !String::from_utf8_lossy(&sound.stdout).contains("hidden"), "{sound:?}");
    for (name, value, said) in [
        ("RATE_LIMIT_PER_MINUTE", "700000", "rate_limit"),
        ("CHAT__RATE_LIMIT__TIMEOUT_MS", "0", "rate_limit.timeout_ms"),
        ("CHAT__REDIS__IDEMPOTENCY_TTL_S", "0", "idempotency_ttl_s"),
        ("REDIS_URL", "hidden", ""),
        ("DATABASE_URL", "hidden", "mysql://"),
        ("CHAT__MYSQL__POOL_SIZE", "0", "pool_size"),
        ("CHAT__ELASTICSEARCH__INDEX", "A", "index"),
        ("CHAT__CACHE__TTL_MS", "0", "cache"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "hidden", "trace.endpoint"),
        ("RUST_LOG", "=hidden=", "log.filter"),
    ] {
        let output = api().arg("check-config").env(name, value).output().unwrap();
        assert!(output.stdout.is_empty(), "{name}: {output:?}");
        let sentence = refusal(&output);
        assert!(sentence.contains(said), "{name}: {sentence}");
    }
    // A cache that there is not needs no settings.
    let without = api().arg("check-config").envs([("CHAT__CACHE__ENABLED", "false"), ("CHAT__CACHE__TTL_MS", "0")]).output();
    assert!(without.unwrap().status.success());
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure_and_a_full_disk_is() {
    for argument in ["check-config", "openapi", "--version", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = api().arg(argument).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{argument}: {output:?}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        refusal(&api().arg(argument).stdout(full).stderr(Stdio::piped()).output().unwrap());
    }
}

#[test]
fn an_argument_that_is_no_text_is_refused_in_a_sentence() {
    let output = api().arg(OsStr::from_bytes(b"check\xff")).output().unwrap();
    assert!(refusal(&output).contains("not text in UTF-8"), "{output:?}");
    // Nor does it matter that nobody listens.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(api().arg("nothing").stdout(Stdio::null()).stderr(writer).status().unwrap().code(), Some(1));
}
