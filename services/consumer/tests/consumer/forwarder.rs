//! A way to a server that a test can cut and mend.

use std::sync::Arc;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards connections from a port of its own while it is open.
pub(crate) struct Forwarder {
    pub(crate) port: u16,
    open: Arc<watch::Sender<bool>>,
}

impl Forwarder {
    /// Forwards to `host:port`.
    pub(crate) async fn to(target: String, open: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(watch::Sender::new(open));
        let state = open.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *state.borrow() {
                    tokio::spawn(forward(client, target.clone(), state.subscribe()));
                }
            }
        });
        Self { port, open }
    }

    /// Lets connections through from now on.
    pub(crate) fn mend(&self) {
        self.open.send_replace(true);
    }

    /// Drops all connections, and every new one.
    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }
}

async fn forward(mut client: TcpStream, target: String, mut open: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => (),
        _ = open.wait_for(|open| !open) => (),
    }
}
