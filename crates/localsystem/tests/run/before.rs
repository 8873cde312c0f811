//! What `make run` says before it builds anything: the scripts that it asks.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Command, Output},
};

use crate::program::free_ports;

fn script(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(name))
}

/// Whether it lets the build begin, and what it says.
fn said(output: &Output) -> (bool, String) {
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_taken_port_is_told_before_the_build() {
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = other.local_addr().unwrap().port();
    let [api, ingest, consumer] = free_ports();
    let asked = |[api, ingest, consumer]: [u16; 3]| {
        let flags = [format!("--api-port={api}"), "--ingest-port".to_owned(), ingest.to_string()];
        said(&script("ports-free").args(flags).arg(format!("--consumer-port={consumer}")).output().unwrap())
    };
    assert_eq!(asked([api, ingest, consumer]), (true, String::new()));
    for (service, ports) in
        [("api", [taken, ingest, consumer]), ("ingest", [api, taken, consumer]), ("consumer", [api, ingest, taken])]
    {
        let sentence = format!(
            "port {taken}, for {service}, is taken by another program: stop that, or choose another port with \
             RUN_FLAGS=\"--{service}-port …\"\n"
        );
        assert_eq!(asked(ports), (false, sentence));
    }
}

#[test]
fn a_missing_cargo_and_a_full_disk_are_told_before_the_build() {
    let (ready, told) = said(&script("ready").env("CARGO", "no-such-cargo +beta").args(["target", "debug"]).output().unwrap());
    assert_eq!(
        (ready, told.as_str()),
        (false, "no-such-cargo is missing: install Rust as https://rustup.rs says, and open a new shell\n")
    );
    // A file system without any room.
    let (ready, told) = said(&script("ready").args(["/proc/no/such/place", "release"]).output().unwrap());
    assert!(!ready && told.starts_with("/proc has 0 MiB free and the build needs 1500 MiB: make room there"), "{told}");
}
