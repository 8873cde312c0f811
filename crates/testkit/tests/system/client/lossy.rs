//! A way to a service on which answers can be lost: requests are handed on as they are, and the connection is cut in place of
//! the answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const KEY: &str = "idempotency-key: ";

/// Stands before a service until it is dropped.
pub(super) struct Lossy {
    pub(super) address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    to_lose: AtomicUsize,
    keys: Mutex<Vec<String>>,
}

impl Lossy {
    pub(super) async fn start(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::new(State::default()));
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(hand_on(client, service, shared.clone()));
            }
        });
        Self { address, state, accepting }
    }

    /// Loses the answers of the next requests.
    pub(super) fn lose(&self, answers: usize) {
        self.state.to_lose.store(answers, Ordering::SeqCst);
    }

    /// The idempotency key of each request so far.
    pub(super) fn keys(&self) -> Vec<String> {
        self.state.keys.lock().unwrap().clone()
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One request after the other, as HTTP's clients send them; each fits into one segment of this machine's own network.
async fn hand_on(mut client: TcpStream, service: SocketAddr, state: Arc<State>) {
    let mut upstream = TcpStream::connect(service).await.unwrap();
    let mut buffer = vec![0; 65_536];
    loop {
        let Ok(read @ 1..) = client.read(&mut buffer).await else { return };
        let head = String::from_utf8_lossy(&buffer[..read]).to_lowercase();
        let key = head.lines().find_map(|line| line.strip_prefix(KEY));
        state.keys.lock().unwrap().extend(key.map(str::to_owned));
        upstream.write_all(&buffer[..read]).await.unwrap();
        let Ok(read @ 1..) = upstream.read(&mut buffer).await else { return };
        let lose = state.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if lose || client.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
