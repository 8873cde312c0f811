//! A TCP proxy that stands between a service and a server, and can be told to misbehave as a network does.
//!
//! It knows no protocol and keeps no bytes: what it has swallowed is gone, and the connections that lost something are reset when
//! all is well again, for no network gives a stream back with a hole in it.

#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};

/// A server on the same machine takes a connection at once, or its queue of them is full.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Pieces that may be on their way in one direction.
const IN_FLIGHT: usize = 64;
const PIECE: usize = 32 * 1024;

/// How the network between is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As a good one.
    Open,
    /// Connections are reset, new ones too.
    Cut,
    /// All comes later by this, in each direction.
    Slow(Duration),
    /// Connections stay open and new ones are taken, but nothing that is sent arrives.
    HalfOpen,
}

#[derive(Debug, Clone)]
struct State {
    mode: Mode,
    targets: Vec<SocketAddr>,
    /// Connections of an earlier one are reset.
    generation: u64,
}

/// A proxy that listens on a port of its own. Dropping it closes all.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    carried: Carried,
    task: AbortHandle,
}

/// Where the connections lead that are there.
#[derive(Debug, Clone, Default)]
struct Carried(Arc<Mutex<Vec<SocketAddr>>>);

impl Carried {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<SocketAddr>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One of them, until this is dropped.
struct Entry(Carried, SocketAddr);

impl Entry {
    fn new(carried: Carried, target: SocketAddr) -> Self {
        carried.with(|targets| targets.push(target));
        Self(carried, target)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.with(|targets| targets.iter().position(|target| *target == self.1).map(|place| targets.swap_remove(place)));
    }
}

impl Proxy {
    /// Listens on a free port of the loopback interface and carries what comes to `targets` in turn; past those that take no
    /// connection.
    pub(crate) async fn start(targets: Vec<SocketAddr>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = watch::Sender::new(State { mode: Mode::Open, targets, generation: 0 });
        let carried = Carried::default();
        let task = tokio::spawn(accept(listener, state.subscribe(), carried.clone())).abort_handle();
        Ok(Self { address, state, carried, task })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the connections lead that are there now, each of them.
    pub(crate) fn carries_to(&self) -> Vec<SocketAddr> {
        self.carried.with(|targets| targets.clone())
    }

    /// Changes the network, for connections that are there and for new ones. What leaves [`Mode::HalfOpen`] is reset.
    pub(crate) fn set(&self, mode: Mode) {
        self.state.send_modify(|state| {
            if state.mode != mode && matches!(state.mode, Mode::HalfOpen) || mode == Mode::Cut {
                state.generation += 1;
            }
            state.mode = mode;
        });
    }

    /// New connections lead to another server; those that are there stay.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.state.send_modify(|state| state.targets = vec![target]);
    }

    /// Resets all connections that are there.
    pub(crate) fn reset(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: watch::Receiver<State>, carried: Carried) {
    // Dropped, it ends what it holds.
    let mut connections = JoinSet::new();
    let mut turn = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(carry(stream, state.clone(), turn, carried.clone()));
                    turn += 1;
                }
                // Out of file descriptors, at worst: others may close theirs.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection from its first byte to its end. What it came to is for its two ends to find out.
async fn carry(mut client: TcpStream, state: watch::Receiver<State>, turn: usize, carried: Carried) {
    let State { mode, targets, generation } = state.borrow().clone();
    let mut until = state.clone();
    let reset = async move { until.wait_for(|now| now.generation != generation).await.map(|_| ()) };
    tokio::pin!(reset);
    if mode == Mode::Cut {
        return end(&client, None);
    }
    if mode == Mode::HalfOpen {
        tokio::select! {
            _ = &mut reset => {}
            () = swallow(&mut client) => {}
        }
        return end(&client, None);
    }
    let mut server = tokio::select! {
        _ = &mut reset => return end(&client, None),
        connected = connect(&targets, turn) => match connected {
            Some(server) => server,
            None => return end(&client, None),
        },
    };
    let _entry = server.peer_addr().map(|target| Entry::new(carried, target));
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let torn = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            _ = &mut reset => true,
            // An end that has no more to say may still listen; one that is gone is gone for both ways.
            ended = async { tokio::try_join!(pump(from_client, to_server, &state), pump(from_server, to_client, &state)) } =>
                ended.is_err(),
        }
    };
    if torn {
        end(&client, Some(&server));
    }
}

async fn connect(targets: &[SocketAddr], turn: usize) -> Option<TcpStream> {
    for place in 0..targets.len() {
        let target = targets[(turn + place) % targets.len()];
        if let Ok(Ok(server)) = timeout(CONNECT_WITHIN, TcpStream::connect(target)).await {
            return Some(server);
        }
    }
    None
}

/// With no time to linger, closing is a reset: the other end learns of it at once.
fn end(client: &TcpStream, server: Option<&TcpStream>) {
    let _ = client.set_zero_linger();
    let _ = server.map(TcpStream::set_zero_linger);
}

async fn swallow(stream: &mut TcpStream) {
    let mut piece = vec![0; PIECE];
    while stream.read(&mut piece).await.is_ok_and(|read| read > 0) {}
}

/// One direction, until its sender has no more to say.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, state: &watch::Receiver<State>) -> io::Result<()> {
    let (queue, mut queued) = mpsc::channel::<(Instant, Vec<u8>)>(IN_FLIGHT);
    let reading = async move {
        let mut piece = vec![0; PIECE];
        loop {
            let read = from.read(&mut piece).await;
            let mode = state.borrow().mode;
            let read = match read {
                Ok(read) if read > 0 => read,
                // Of an end, too, nothing arrives.
                _ if mode == Mode::HalfOpen => std::future::pending().await,
                end => return end.map(drop),
            };
            let due = match mode {
                Mode::Open | Mode::Cut => Instant::now(),
                Mode::Slow(delay) => Instant::now() + delay,
                Mode::HalfOpen => continue,
            };
            if queue.send((due, piece[..read].to_vec())).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = queued.recv().await {
            sleep_until(due).await;
            to.write_all(&piece).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(|_: ((), ())| ())
}
