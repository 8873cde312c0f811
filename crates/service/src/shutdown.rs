//! Turns the signals that end a process into the one token that every part of a service listens to.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// A token that is cancelled by the first SIGTERM or SIGINT. Later signals change nothing: the stop under way has its own
/// deadlines. To be called on a Tokio runtime.
///
/// # Errors
/// [`Error::Signals`].
pub fn on_signals() -> Result<CancellationToken, Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let token = CancellationToken::new();
    let shutdown = token.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            () = shutdown.cancelled() => return,
        };
        tracing::info!(signal = name, "stopping");
        shutdown.cancel();
    });
    Ok(token)
}
