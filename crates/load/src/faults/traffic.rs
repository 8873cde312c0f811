//! The load that runs all the time: clients that create messages on all replicas of ingest in turn, and enter in the ledger what
//! they were told.
//!
//! No create is sent twice: each text is one create's, and a failed one may or may not be stored.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::StatusCode;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::ledger::{Create, Ledger};
use crate::{
    connection::Connection,
    scenario::{NumberAnswer, Scenario, Sender, text},
};

/// A service answers within 3 s, whatever is wrong; a client that waits a little longer sees whether it does.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// As a well-behaved client does when it was refused.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) clients: u32,
    /// Of each client, between its creates.
    pub(crate) pause: Duration,
}

/// Clients at work. Dropping it ends them.
pub(crate) struct Traffic {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) scenario: Arc<Scenario>,
    ingest: Vec<SocketAddr>,
    stop: CancellationToken,
    clients: JoinSet<()>,
}

impl Traffic {
    /// Starts the clients.
    pub(crate) fn start(scenario: Arc<Scenario>, ingest: Vec<SocketAddr>, rate: Rate) -> Self {
        let (ledger, stop) = (Arc::new(Ledger::default()), CancellationToken::new());
        let mut clients = JoinSet::new();
        for client in 0..rate.clients {
            let writer = Writer::new(scenario.clone(), ledger.clone(), Sender { run: 0, client });
            clients.spawn(writer.run(ingest.clone(), rate.pause, stop.clone()));
        }
        Self { ledger, scenario, ingest, stop, clients }
    }

    /// A client that writes to one replica only, for each of them. No two calls may give the same `run`, from 1.
    pub(crate) fn writers(&self, run: u32) -> Vec<(SocketAddr, Writer)> {
        let writer = |client| Writer::new(self.scenario.clone(), self.ledger.clone(), Sender { run, client });
        self.ingest.iter().copied().zip((0..).map(writer)).collect()
    }

    /// Ends the clients when each has its last answer.
    pub(crate) async fn finish(&mut self) {
        self.stop.cancel();
        while self.clients.join_next().await.is_some() {}
    }
}

/// One client.
pub(crate) struct Writer {
    scenario: Arc<Scenario>,
    ledger: Arc<Ledger>,
    sender: Sender,
    sequence: u32,
}

impl Writer {
    fn new(scenario: Arc<Scenario>, ledger: Arc<Ledger>, sender: Sender) -> Self {
        Self { scenario, ledger, sender, sequence: 0 }
    }

    async fn run(mut self, ingest: Vec<SocketAddr>, pause: Duration, stop: CancellationToken) {
        let mut connections: Vec<Connection> = ingest.into_iter().map(connection).collect();
        // So that not all begin with the same one.
        let mut turn = self.sender.client as usize;
        while !stop.is_cancelled() {
            turn += 1;
            let count = connections.len();
            let accepted = self.create(&mut connections[turn % count]).await;
            sleep(if accepted { pause } else { pause.max(PAUSE_AFTER_REFUSAL) }).await;
        }
    }

    /// Sends the next create, once, and returns whether it was acknowledged.
    pub(crate) async fn create(&mut self, connection: &mut Connection) -> bool {
        self.sequence += 1;
        let create = Create { sender: self.sender, sequence: self.sequence };
        let chat = self.scenario.chat(create.sender, create.sequence);
        let body = Bytes::from(format!("{{\"body\":\"{}\"}}", text(create.sender, create.sequence)));
        match connection.post(self.scenario.path(chat), body).await {
            Ok((StatusCode::CREATED, answer)) => match serde_json::from_slice::<NumberAnswer>(&answer) {
                Ok(NumberAnswer { number }) => {
                    self.ledger.acknowledged(chat, number, create);
                    return true;
                }
                // Cut off in the middle: as good as none.
                Err(_) => self.ledger.unanswered(chat),
            },
            Ok(_) => self.ledger.refused(chat),
            Err(_) => self.ledger.unanswered(chat),
        }
        false
    }
}

/// A client's connection to a replica.
pub(crate) fn connection(address: SocketAddr) -> Connection {
    Connection::to(address).within(ANSWER_WITHIN)
}
