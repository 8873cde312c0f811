//! What the tests share: a sequencer with keys of its own on the stack's Redis, or a Redis of its own that may be harmed.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

pub(crate) mod busy;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use deadpool_redis::redis::{Client, Cmd, Connection, FromRedisValue, RedisResult, cmd};
use devstack::{Quiet, Server, Stack, StackOptions};
use domain::{ApplicationId, ApplicationToken, ChatNumber, MessageNumber};
use events::Epoch;
use sequencer::{Adopted, Adoption, ChatIssue, Error, MessageIssue, Record, Sequencer, Settings};

pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(700);
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// What the clock of a busy machine may add to a deadline.
pub(crate) const SLACK: Duration = Duration::from_millis(500);

/// What a server may take to become another's replica.
pub(crate) const REPLICATION: Duration = Duration::from_secs(20);

pub(crate) fn settings(url: &str, key_prefix: &str) -> Settings {
    Settings {
        url: url.into(),
        sentinels: String::new(),
        master: String::new(),
        sentinel_password: None,
        key_prefix: key_prefix.into(),
        connect_timeout_ms: CONNECT_TIMEOUT.as_millis() as u64,
        response_timeout_ms: RESPONSE_TIMEOUT.as_millis() as u64,
        idempotency_ttl_s: 3_600,
        tls: tls::Trust::default(),
    }
}

/// Keys of one test on the Redis that all tests share. They are removed in the end, also after a panic.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let Ok(url) = std::env::var("REDIS_URL") else {
            panic!("REDIS_URL is not set: run the tests with `make test`, which starts the servers and says where they are");
        };
        Self { settings: settings(&url, &format!("test-{}:", uuid::Uuid::now_v7())) }
    }

    pub(crate) fn sequencer(&self) -> Sequencer {
        Sequencer::connect(&self.settings).unwrap()
    }

    /// A sequencer that has adopted epoch 1.
    pub(crate) async fn adopted(&self) -> (Sequencer, Adopted) {
        let sequencer = self.sequencer();
        let adopted = open(&sequencer, 1).await;
        (sequencer, adopted)
    }

    pub(crate) fn record_key(&self) -> String {
        format!("{}record", self.settings.key_prefix)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        let mut connection = plain(&self.settings.url);
        let pattern = format!("{}*", self.settings.key_prefix);
        connection_keys(&mut connection, &pattern)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let keys = self.keys();
        if !keys.is_empty() {
            run::<u64>(&self.settings.url, cmd("UNLINK").arg(keys));
        }
    }
}

fn connection_keys(connection: &mut Connection, pattern: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut cursor = 0_u64;
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(1000);
        let (next, found): (u64, Vec<String>) = scan.query(connection).unwrap();
        keys.extend(found);
        cursor = next;
        if cursor == 0 {
            return keys;
        }
    }
}

/// A Redis of the test's own, which it may flush, kill and pause. It ends with the value.
pub(crate) struct Private {
    pub(crate) stack: Stack,
    pub(crate) settings: Settings,
}

impl Private {
    pub(crate) async fn start() -> Self {
        let stack = Stack::up(StackOptions::only([Server::Redis]), &Quiet).await.unwrap();
        let settings = settings(&stack.urls().redis, "chat:");
        Self { stack, settings }
    }

    pub(crate) fn sequencer(&self) -> Sequencer {
        Sequencer::connect(&self.settings).unwrap()
    }

    pub(crate) async fn kill(&self) {
        self.stack.kill(Server::Redis).await.unwrap();
    }

    pub(crate) async fn start_again(&self) {
        self.stack.start(Server::Redis).await.unwrap();
    }

    /// Sends a command as an operator would.
    pub(crate) fn operate<T: FromRedisValue>(&self, command: &[&str]) -> T {
        self.ask(command).unwrap()
    }

    /// Does so while the server may be promoted, which closes all its clients' connections.
    pub(crate) fn ask<T: FromRedisValue>(&self, command: &[&str]) -> RedisResult<T> {
        cmd(command[0]).arg(&command[1..]).query(&mut connect(&self.settings.url)?)
    }
}

fn plain(url: &str) -> Connection {
    connect(url).unwrap()
}

fn connect(url: &str) -> RedisResult<Connection> {
    Client::open(url)?.get_connection_with_timeout(Duration::from_secs(5))
}

pub(crate) fn run<T: FromRedisValue>(url: &str, command: &Cmd) -> T {
    command.query(&mut plain(url)).unwrap()
}

/// Who the server is that the settings lead to, as the sequencer names it.
pub(crate) fn run_id(settings: &Settings) -> String {
    let info: String = run(&settings.url, &cmd("INFO"));
    let id = |name| info.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    format!("{}{}{:0>16}", &id("run_id:")[..32], &id("master_replid:")[..16], id("evicted_keys:"))
}

/// Writes the record of `epoch` for the process at hand and adopts it.
pub(crate) async fn open(sequencer: &Sequencer, epoch: u64) -> Adopted {
    let run_id = match sequencer.adopt().await.unwrap() {
        Adoption::Adopted(adopted) => adopted.record().run_id.clone(),
        Adoption::NeedsEpoch { run_id, .. } => run_id,
    };
    assert!(sequencer.write_record(&Record { epoch: Epoch::new(epoch), run_id }).await.unwrap());
    let adopted = adopt(sequencer).await;
    assert_eq!(adopted.record().epoch, Epoch::new(epoch));
    adopted
}

pub(crate) async fn adopt(sequencer: &Sequencer) -> Adopted {
    match sequencer.adopt().await.unwrap() {
        Adoption::Adopted(adopted) => adopted,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn token() -> ApplicationToken {
    ApplicationToken::generate().unwrap()
}

pub(crate) fn application() -> ApplicationId {
    ApplicationId::new(42)
}

pub(crate) fn chat(number: u64) -> ChatNumber {
    ChatNumber::new(number).unwrap()
}

pub(crate) fn message(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

/// Takes one number for a request with neither key nor charge.
pub(crate) trait Issue {
    async fn issue_chat(&self, adopted: &Adopted, token: ApplicationToken) -> Result<ChatIssue, Error>;

    async fn issue_message(&self, adopted: &Adopted, token: ApplicationToken, chat: ChatNumber) -> Result<MessageIssue, Error>;
}

impl Issue for Sequencer {
    async fn issue_chat(&self, adopted: &Adopted, token: ApplicationToken) -> Result<ChatIssue, Error> {
        self.issue_chat_once(adopted, token, None, None).await
    }

    async fn issue_message(&self, adopted: &Adopted, token: ApplicationToken, chat: ChatNumber) -> Result<MessageIssue, Error> {
        self.issue_messages_once(adopted, token, chat, 1, None, None).await
    }
}

/// An application with one chat, whose last message is `last`.
pub(crate) async fn seeded_chat(sequencer: &Sequencer, adopted: &Adopted, last: u64) -> ApplicationToken {
    let token = token();
    sequencer.seed_application(adopted, token, application(), 1).await.unwrap();
    sequencer.seed_chat(adopted, token, chat(1), last).await.unwrap();
    token
}

/// The next message's number in the chat that [`seeded_chat`] made.
pub(crate) async fn next_message(sequencer: &Sequencer, adopted: &Adopted, token: ApplicationToken) -> u64 {
    match sequencer.issue_message(adopted, token, chat(1)).await.unwrap() {
        MessageIssue::Issued { application_id, number } => {
            assert_eq!(application_id, application());
            number.get()
        }
        other => panic!("{other:?}"),
    }
}

/// Tries until it succeeds, and returns after how long it did.
pub(crate) async fn until<F: Future<Output = bool>>(limit: Duration, mut holds: impl FnMut() -> F) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < limit, "not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

/// Makes the one a replica of the other and waits until it has all its data.
pub(crate) async fn replicate(primary: &Private, replica: &Private) {
    let port = primary.settings.url.rsplit(':').next().unwrap();
    primary.operate::<()>(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
    replica.operate::<()>(&["REPLICAOF", "127.0.0.1", port]);
    until(REPLICATION, async || replica.operate::<String>(&["INFO", "replication"]).contains("master_link_status:up")).await;
}
