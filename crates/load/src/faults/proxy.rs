//! A TCP proxy that stands between a service and a server, and can be told to misbehave as a network does.
//!
//! It knows no protocol and keeps no bytes: what it has swallowed is gone, and the connections that lost something are reset when
//! all is well again, for no network gives a stream back with a hole in it.

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

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// A server that says everything again, until it is dropped.
    struct Echo(SocketAddr, AbortHandle);

    impl Echo {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let serve = async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    tokio::spawn(async move {
                        let (mut from, mut to) = stream.split();
                        let _ = tokio::io::copy(&mut from, &mut to).await;
                    });
                }
            };
            Self(address, tokio::spawn(serve).abort_handle())
        }
    }

    impl Drop for Echo {
        fn drop(&mut self) {
            self.1.abort();
        }
    }

    async fn connect_to(proxy: &Proxy) -> TcpStream {
        TcpStream::connect(proxy.address()).await.unwrap()
    }

    /// What comes back for a word, or the error that ends the connection; `None` when nothing comes in time.
    async fn say(stream: &mut TcpStream, word: &str, within: Duration) -> Option<io::Result<String>> {
        let exchange = async {
            stream.write_all(word.as_bytes()).await?;
            let mut answer = vec![0; word.len()];
            stream.read_exact(&mut answer).await?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        timeout(within, exchange).await.ok()
    }

    #[tokio::test]
    async fn an_open_one_carries_both_ways_and_ends_when_both_ends_have() {
        let echo = Echo::start().await;
        let proxy = Proxy::start(vec![echo.0]).await.unwrap();
        let mut stream = connect_to(&proxy).await;
        let long = "x".repeat(3 * PIECE + 1);
        assert_eq!(say(&mut stream, &long, SOON).await.unwrap().unwrap(), long);
        stream.shutdown().await.unwrap();
        let end = timeout(SOON, stream.read(&mut [0])).await.unwrap();
        assert_eq!(end.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_cut_resets_what_is_there_and_what_comes_until_it_is_mended() {
        let echo = Echo::start().await;
        let proxy = Proxy::start(vec![echo.0]).await.unwrap();
        let mut stream = connect_to(&proxy).await;
        say(&mut stream, "before", SOON).await.unwrap().unwrap();
        proxy.set(Mode::Cut);
        assert!(say(&mut stream, "during", SOON).await.unwrap().is_err());
        let mut another = connect_to(&proxy).await;
        assert!(say(&mut another, "during", SOON).await.unwrap().is_err());
        proxy.set(Mode::Open);
        assert_eq!(say(&mut connect_to(&proxy).await, "after", SOON).await.unwrap().unwrap(), "after");
    }

    #[tokio::test]
    async fn a_slow_one_delivers_everything_in_order_and_late_both_ways() {
        let echo = Echo::start().await;
        let proxy = Proxy::start(vec![echo.0]).await.unwrap();
        let mut stream = connect_to(&proxy).await;
        say(&mut stream, "before", SOON).await.unwrap().unwrap();
        proxy.set(Mode::Slow(Duration::from_millis(150)));
        let began = Instant::now();
        assert_eq!(say(&mut stream, "late", SOON).await.unwrap().unwrap(), "late");
        assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_half_open_one_takes_connections_and_delivers_nothing_and_resets_them_when_it_is_mended() {
        let echo = Echo::start().await;
        let proxy = Proxy::start(vec![echo.0]).await.unwrap();
        let mut old = connect_to(&proxy).await;
        say(&mut old, "before", SOON).await.unwrap().unwrap();
        proxy.set(Mode::HalfOpen);
        let mut new = connect_to(&proxy).await;
        for stream in [&mut old, &mut new] {
            assert!(say(stream, "during", Duration::from_millis(200)).await.is_none());
        }
        proxy.set(Mode::Open);
        for stream in [&mut old, &mut new] {
            assert!(say(stream, "after", SOON).await.unwrap().is_err());
        }
        assert_eq!(say(&mut connect_to(&proxy).await, "after", SOON).await.unwrap().unwrap(), "after");
    }

    #[tokio::test]
    async fn behind_a_half_open_one_a_server_does_not_hear_that_its_client_has_gone_until_it_is_mended() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(vec![listener.local_addr().unwrap()]).await.unwrap();
        let client = connect_to(&proxy).await;
        let (mut server, _) = listener.accept().await.unwrap();
        proxy.set(Mode::HalfOpen);
        drop(client);
        assert!(timeout(Duration::from_millis(200), server.read(&mut [0])).await.is_err());
        proxy.set(Mode::Open);
        assert!(timeout(SOON, server.read(&mut [0])).await.unwrap().is_err());
    }

    #[tokio::test]
    async fn when_one_end_resets_the_other_is_told_though_it_has_nothing_to_say() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(vec![listener.local_addr().unwrap()]).await.unwrap();
        let (client, (server, _)) = (connect_to(&proxy).await, listener.accept().await.unwrap());
        let (another, (other_server, _)) = (connect_to(&proxy).await, listener.accept().await.unwrap());
        for (gone, mut left) in [(client, server), (other_server, another)] {
            gone.set_zero_linger().unwrap();
            drop(gone);
            assert!(timeout(SOON, left.read(&mut [0])).await.unwrap().is_err());
        }
    }

    #[tokio::test]
    async fn led_elsewhere_new_connections_go_there_and_old_ones_stay_until_they_are_reset() {
        let (one, other) = (Echo::start().await, Echo::start().await);
        let proxy = Proxy::start(vec![one.0]).await.unwrap();
        let mut old = connect_to(&proxy).await;
        say(&mut old, "before", SOON).await.unwrap().unwrap();
        proxy.lead_to(other.0);
        drop(one);
        assert_eq!(say(&mut connect_to(&proxy).await, "new", SOON).await.unwrap().unwrap(), "new");
        assert_eq!(say(&mut old, "old", SOON).await.unwrap().unwrap(), "old");
        proxy.reset();
        assert!(say(&mut old, "reset", SOON).await.unwrap().is_err());
    }

    #[tokio::test]
    async fn of_several_servers_it_takes_each_in_turn_and_passes_over_those_that_are_gone() {
        let (one, gone) = (Echo::start().await, Echo::start().await);
        let proxy = Proxy::start(vec![one.0, gone.0]).await.unwrap();
        drop(gone);
        for _ in 0..4 {
            assert_eq!(say(&mut connect_to(&proxy).await, "word", SOON).await.unwrap().unwrap(), "word");
        }
    }

    #[tokio::test]
    async fn it_knows_where_the_connections_lead_that_are_there() {
        let (one, other) = (Echo::start().await, Echo::start().await);
        let proxy = Proxy::start(vec![one.0, other.0]).await.unwrap();
        assert_eq!(proxy.carries_to(), []);
        let (mut first, mut second) = (connect_to(&proxy).await, connect_to(&proxy).await);
        for stream in [&mut first, &mut second] {
            say(stream, "word", SOON).await.unwrap().unwrap();
        }
        let mut carried = proxy.carries_to();
        carried.sort();
        let mut both = vec![one.0, other.0];
        both.sort();
        assert_eq!(carried, both);
        drop((first, second));
        let gone = async {
            while !proxy.carries_to().is_empty() {
                sleep(Duration::from_millis(5)).await
            }
        };
        timeout(SOON, gone).await.unwrap();
    }

    #[tokio::test]
    async fn without_a_server_behind_it_connections_are_reset() {
        let echo = Echo::start().await;
        let target = echo.0;
        drop(echo);
        let proxy = Proxy::start(vec![target]).await.unwrap();
        let gone = async { while say(&mut connect_to(&proxy).await, "word", SOON).await.unwrap().is_ok() {} };
        timeout(SOON, gone).await.unwrap();
    }
}
