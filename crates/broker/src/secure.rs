//! Connections over TLS. They are made here and handed to lapin ready: its own TLS would bring a reader of PKCS #12 files with
//! it, which nobody here has, and could not be held to the deadline in the middle of a handshake.

use std::{
    future::{Future, ready},
    io::{self, Read, Write},
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_rs::{
    Runtime, Tokio,
    traits::{Executor, Reactor, RuntimeKit},
    util::Task,
};
use futures_util::Stream;
use lapin::{AsyncTcpStream, Connection, ConnectionProperties, uri::AMQPUri};
use tls::Trust;
use tokio::time::{Instant, timeout_at};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use crate::Error;

/// Connects, shakes hands and logs in, until `deadline` at the latest.
pub(crate) async fn connect(
    uri: AMQPUri,
    properties: ConnectionProperties,
    trust: &Trust,
    deadline: Instant,
) -> Result<Connection, Error> {
    let stream = tls::connect(trust, &uri.authority.host, uri.authority.port, deadline).await.map_err(Error::Tls)?;
    let ready_made = Mutex::new(Some(AsyncTcpStream::Plain(stream.compat())));
    let hand_over = async move |_: AMQPUri, _: Runtime<Secure>| {
        let stream = ready_made.lock().unwrap_or_else(PoisonError::into_inner).take();
        // lapin asks again only to recover by itself, which is off.
        stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
    };
    let opening = Connection::connector(uri, Runtime::new(Secure(Tokio::current())), hand_over, properties);
    let connected = timeout_at(deadline, opening).await.map_err(|_| Error::TimedOut("log in"))?;
    connected.map_err(Error::amqp("log in"))
}

/// Tokio, whose connections are encrypted; what lapin is told of the streams that it is handed.
#[derive(Debug, Clone)]
struct Secure(Tokio);

impl RuntimeKit for Secure {}

impl Executor for Secure {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.0.block_on(future)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(&self, future: F) -> Task<Self::Task<T>> {
        self.0.spawn(future)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(&self, work: F) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(work)
    }
}

#[allow(refining_impl_trait, reason = "these two open no connection, so there is nothing to hide behind a trait")]
impl Reactor for Secure {
    type TcpStream = Compat<tls::Stream>;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(&self, _: H) -> io::Result<Self::TcpStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        self.0.sleep(time)
    }

    fn interval(&self, time: Duration) -> impl Stream<Item = std::time::Instant> + Send + 'static {
        self.0.interval(time)
    }

    fn tcp_connect_addr(&self, _: SocketAddr) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
