//! A connection that is let go when its client does nothing.
//!
//! The framework sets a time for the head of a connection's first request and for a connection without a request. It sets none
//! for the head of a later request, nor for a client that does not read its answer; here is one for both, beneath all that it
//! does. It must never be the first to act where another deadline holds: that one says what is wrong, this one only ends the
//! connection.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a client may do nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// While it takes nothing of an answer.
    pub(super) unread: Duration,
    /// While it is told nothing, because it has asked nothing: longer than all that may pass between two answers.
    pub(super) unanswered: Duration,
}

/// A connection with patience.
pub(super) struct TimedStream {
    stream: TcpStream,
    patience: Patience,
    /// When the client was last told something, or had come.
    told: Instant,
    /// Goes off when that may be too long ago. It is set anew only then, because it costs more than to look at a clock.
    alarm: Pin<Box<Sleep>>,
    /// Goes off when nothing could be written for too long; `None` while something can.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    pub(super) fn new(stream: TcpStream, patience: Patience) -> Self {
        let told = Instant::now();
        let alarm = Box::pin(sleep_until(told + patience.unanswered));
        Self { stream, patience, told, alarm, stalled: None }
    }

    /// Ready when the client has been told nothing for too long.
    fn poll_unanswered(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let until = self.told + self.patience.unanswered;
            if Instant::now() >= until {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(until);
        }
    }

    /// What becomes of an attempt to write.
    fn poll_written(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            let unread = self.patience.unread;
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(unread)));
            return stalled.as_mut().poll(context).map(|()| Err(ErrorKind::TimedOut.into()));
        }
        self.stalled = None;
        self.told = Instant::now();
        written
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Pending => this.poll_unanswered(context).map(|()| Err(ErrorKind::TimedOut.into())),
            read => read,
        }
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.poll_written(written, context)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, bytes);
        this.poll_written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
