//! What is printed of the settings, and that whoever reads it may stop.

use std::{
    io::PipeWriter,
    process::{Command, Stdio},
};

/// What is needed in any case.
const NEEDED: [(&str, &str); 2] = [("DATABASE_URL", "mysql://chat:hidden@db/chat"), ("ELASTICSEARCH_URL", "http://search:9200")];

/// The command with no settings but these.
fn check_config(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command.arg("check-config").env_clear().envs(settings.iter().copied());
    command
}

/// A pipe that nobody reads any more.
fn left() -> PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let output = check_config(&NEEDED).stdout(left()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// A failure is told by the status all the same, and by the same one: 101 is that of a program that has come to grief.
#[test]
fn a_failure_that_nobody_reads_of_is_still_one() {
    let none: &[(&str, &str)] = &[];
    for (settings, status) in [(&NEEDED[..], 0), (none, 1)] {
        let both = check_config(settings).stdout(left()).stderr(left()).status().unwrap();
        assert_eq!(both.code(), Some(status), "{settings:?}, both left");
        let mut closed = Command::new("sh");
        closed.args(["-c", "exec \"$0\" check-config >&- 2>&-", env!("CARGO_BIN_EXE_chatctl")]);
        let closed = closed.env_clear().envs(settings.iter().copied()).status().unwrap();
        assert_eq!(closed.code(), Some(status), "{settings:?}, both closed");
    }
}

#[test]
fn the_settings_of_every_command_are_shown_and_checked() {
    let others = [("REDIS_URL", "redis://:hidden@numbers"), ("AMQP_URL", "amqp://chat:hidden@queues")];
    let all = [NEEDED, others].concat();
    let output = check_config(&all).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !shown.contains("hidden"), "{shown}");
    let sections: Vec<&str> = shown.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(sections, ["[amqp]", "[consumer]", "[elasticsearch]", "[mysql]", "[redis]", "[tls]"]);
    for line in ["url = \"redis://:***@numbers\"", "url = \"amqp://chat:***@queues\"", "partitions = 2", "key_prefix = \"chat:\""]
    {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in {shown}");
    }

    // Where only such commands are used as need no more.
    let output = check_config(&NEEDED).output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"[amqp]\n"), "{output:?}");
    for (name, value) in [
        ("CHAT__MYSQL__POOL_SIZE", "0"),
        ("CHAT__REDIS__IDEMPOTENCY_TTL_S", "0"),
        ("CHAT__AMQP__PARTITIONS", "0"),
        ("CHAT__CONSUMER__BATCH_MS", "0"),
        ("CHAT__ELASTICSEARCH__INDEX", "A"),
    ] {
        let output = check_config(&all).env(name, value).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{name}: {output:?}");
    }
}
