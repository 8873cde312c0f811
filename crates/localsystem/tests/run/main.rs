//! `make run`, as a person has it: the program started, what it prints tried, servers taken away, all of it ended. Each test has
//! a system of its own on ports of its own; nothing of it may be left behind.

// Helpers beside the tests are tests too; the lint's own exception does not see that.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod before;
mod program;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use devstack::{
    Condition, Server, State,
    control::{self, Request, Verb},
};
use nix::sys::signal::Signal;
use tokio::sync::Mutex;

use crate::program::{Program, eventually, free_ports, is_alive, shell};

const BODY: &str = r#""body":"Shall I compare thee to a summer’s day?""#;
/// What a busy machine may need to store a message and to show it in the index.
const SOON: Duration = Duration::from_secs(60);
/// Services promise to be gone after 15 s, each in its turn, and servers are killed after 20.
const ENDED_WITHIN: Duration = Duration::from_secs(90);

/// A system takes gigabytes of memory and all processors while it starts: one at a time.
static TURN: Mutex<()> = Mutex::const_new(());

#[test]
fn the_lines_that_it_prints_work_and_ctrl_c_leaves_nothing() {
    let _turn = TURN.blocking_lock();
    let [api, ingest, consumer] = free_ports();
    let mut program = Program::start(&["--temporary"], [api, ingest, consumer]);
    let welcome = program.welcome();
    assert_eq!(welcome.place("read, update, search"), format!("http://127.0.0.1:{api}"));
    assert_eq!(welcome.place("create"), format!("http://127.0.0.1:{ingest}"));

    let [create, chat, message, read, search] = welcome.lines_to_paste().try_into().expect("five lines");
    let token = shell(&format!("{create}\nprintf %s \"$TOKEN\""));
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
    let paste = |line: &str| shell(&format!("TOKEN={token}\n{line}"));
    assert_eq!(paste(&chat), r#"{"number":1,"status":"Chat created successfully"}"#);
    assert_eq!(paste(&message), r#"{"number":1,"status":"Message created successfully"}"#);
    eventually("the message is read", SOON, || paste(&read).starts_with(&format!("{{\"number\":1,{BODY},")));
    eventually("the message is found", SOON, || paste(&search).contains(BODY));
    for place in
        [format!("{api}/console"), format!("{api}/swagger/"), format!("{ingest}/swagger/"), format!("{consumer}/metrics")]
    {
        let code = shell(&format!("curl -s -L -o /dev/null -w '%{{http_code}}' http://127.0.0.1:{place}"));
        assert_eq!(code, "200", "{place}");
    }

    let logs = welcome.logs();
    for server in Server::ALL {
        let log = logs.join(format!("{server}.log"));
        assert!(fs::metadata(&log).is_ok_and(|file| file.len() > 0), "{}", log.display());
    }
    let data = logs.parent().unwrap();
    assert_eq!(State::read(data).unwrap().owner, program.id());

    let processes = program.descendants();
    assert!(processes.len() >= 7, "three services and four servers: {processes:?}");
    program.signal(Signal::SIGINT);
    let status = program.ended(ENDED_WITHIN);
    assert!(status.success(), "{status}: {}", program.said());
    eventually("the end of all that it has started", SOON, || !processes.iter().any(is_alive));
    assert!(!data.exists(), "temporary data is removed");
}

#[tokio::test]
async fn devstacks_verbs_reach_its_servers_and_down_ends_it() {
    let _turn = TURN.lock().await;
    let [api, ingest, consumer] = free_ports();
    let mut program = Program::start(&["--temporary"], [api, ingest, consumer]);
    let welcome = program.welcome();
    let data = fs::canonicalize(welcome.logs().parent().unwrap()).unwrap();
    let token = shell(&format!("{}\nprintf %s \"$TOKEN\"", welcome.lines_to_paste()[0]));
    let create = || {
        let url = format!("http://127.0.0.1:{ingest}/applications/{token}/chats");
        shell(&format!("curl -s -o /dev/null -w '%{{http_code}}' -X POST {url}"))
    };
    assert_eq!(create(), "201");

    let state = control::ask(&data, Request::Verb(Verb::Kill, Server::Redis)).await.unwrap();
    assert_eq!(condition(&state, Server::Redis), Condition::Stopped);
    assert_eq!(create(), "503", "without Redis");
    assert_eq!(condition(&control::ask(&data, Request::Status).await.unwrap(), Server::Mysql), Condition::Running);
    control::ask(&data, Request::Verb(Verb::Start, Server::Redis)).await.unwrap();
    eventually("creates are accepted again", SOON, || create() == "201");

    // Who starts another one on the same data is told how this one is ended, and that is true.
    let data_flag = data.to_str().unwrap();
    let mut second = Program::start(&["--data", data_flag], free_ports());
    assert!(!second.ended(program::UP_WITHIN).success());
    let told = second.said();
    assert!(told.contains("is in use by another stack") && told.contains(&format!("down --data {data_flag}")), "{told}");

    let processes = program.descendants();
    control::down(&data).await.unwrap();
    let status = program.ended(ENDED_WITHIN);
    assert!(status.success(), "{status}: {}", program.said());
    eventually("the end of all that it has started", SOON, || !processes.iter().any(is_alive));
}

#[test]
fn a_taken_port_is_told_in_one_sentence_before_anything_is_built() {
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = other.local_addr().unwrap().port();
    let [api, _, consumer] = free_ports();
    let mut program = Program::start(&["--temporary"], [api, taken, consumer]);
    assert!(!program.ended(SOON).success());
    let sentence =
        format!("port {taken}, for ingest, is taken by another program: stop that, or choose another port with --ingest-port");
    assert_eq!(program.said(), format!("error: {sentence}\n"));
}

fn condition(state: &State, server: Server) -> Condition {
    state.servers.iter().find(|status| status.server == server).unwrap().condition
}
