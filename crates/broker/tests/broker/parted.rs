//! A way to the broker on which a test can cut the connections of one name and no others.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards connections from a port of its own.
pub(crate) struct Parted {
    address: String,
    open: Arc<watch::Sender<bool>>,
}

impl Parted {
    /// Stands before the broker at `host:port`; what can be cut are the connections that call themselves so.
    pub(crate) async fn before(target: &str, name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, open) = (listener.local_addr().unwrap().to_string(), Arc::new(watch::Sender::new(true)));
        let (target, state) = (target.to_owned(), open.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, mut open) = (target.clone(), state.subscribe());
                tokio::spawn(async move {
                    // A new one waits.
                    if open.wait_for(|open| *open).await.is_ok() {
                        forward(client, &target, name, open).await;
                    }
                });
            }
        });
        Self { address, open }
    }

    /// Where it listens, as `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Drops the connections of that name, and lets none through that is new.
    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets all through.
    pub(crate) fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn forward(client: TcpStream, target: &str, name: &str, mut open: watch::Receiver<bool>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let questions = async {
        let (mut bytes, mut cuttable) = (vec![0; 64 * 1024], false);
        loop {
            let length = tokio::select! {
                length = from_client.read(&mut bytes) => length.unwrap_or(0),
                _ = open.wait_for(|open| !open), if cuttable => return,
            };
            // A client says its name in one of the first frames.
            cuttable |= bytes[..length].windows(name.len()).any(|part| part == name.as_bytes());
            if length == 0 || to_server.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    };
    // Either end ends both.
    tokio::select! {
        () = questions => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}
