//! The task that sends spans: what has gathered, at once, and never the same twice. A collector that is away costs the spans that
//! were meant for it, which are counted.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use metrics::{Counter, counter};
use reqwest::{Certificate, Client, StatusCode, header::CONTENT_TYPE, redirect::Policy};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant as Moment, timeout_at},
};
use url::Url;

use crate::{InvalidSettings, span::Ended, wire};

/// Spans that are sent together, at most.
const TOGETHER: usize = 512;
/// How long the first of them waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// While the collector is away, it is said this often.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// What comes to the task.
#[derive(Debug)]
pub(crate) enum Message {
    /// A span to be sent.
    Ended(Box<Ended>),
    /// Send what has come, and say so.
    Flush(oneshot::Sender<()>),
}

/// The task: ends when nobody can begin a span any more.
pub(crate) fn run(
    target: Url,
    trust: &tls::Trust,
    timeout: Duration,
    service: &'static str,
    version: &'static str,
    waiting: mpsc::Receiver<Message>,
) -> Result<impl Future<Output = ()> + Send + 'static, InvalidSettings> {
    let unusable = |_| InvalidSettings("trace.endpoint cannot be used: there is no TLS");
    let trusted = Certificate::from_pem_bundle(trust.pem().unwrap_or_default().as_bytes()).map_err(unusable)?;
    // Led elsewhere, a post would become a question without spans, or go without TLS.
    let client = Client::builder().timeout(timeout).no_proxy().redirect(Policy::none());
    let client = trusted.into_iter().fold(client, reqwest::ClientBuilder::add_root_certificate).build().map_err(unusable)?;
    let resource = wire::Resource { service, version, instance: format!("{:016x}", rand::random::<u64>()) };
    let outcome = |outcome| counter!("chat_spans_total", "outcome" => outcome);
    let exporter = Exporter { client, target, resource, sent: outcome("sent"), failed: outcome("failed"), said: None };
    Ok(exporter.run(waiting))
}

struct Exporter {
    client: Client,
    target: Url,
    resource: wire::Resource,
    sent: Counter,
    failed: Counter,
    said: Option<Instant>,
}

impl Exporter {
    async fn run(mut self, mut waiting: mpsc::Receiver<Message>) {
        let mut spans = Vec::with_capacity(TOGETHER);
        let mut flushed = Vec::new();
        while gather(&mut waiting, &mut spans, &mut flushed).await {
            if !spans.is_empty() {
                self.send(&spans).await;
                spans.clear();
            }
            for done in flushed.drain(..) {
                // Whoever has gone away need not be told.
                let _ = done.send(());
            }
        }
    }

    async fn send(&mut self, spans: &[Ended]) {
        let count = spans.len() as u64;
        let request = self.client.post(self.target.clone()).header(CONTENT_TYPE, "application/json");
        let body = wire::request(&self.resource, spans).to_string();
        let answer = request.body(body).send().await.map(|answer| answer.status());
        if answer.as_ref().is_ok_and(StatusCode::is_success) {
            self.said = None;
            self.sent.increment(count);
            return;
        }
        self.failed.increment(count);
        if self.said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            self.said = Some(Instant::now());
            let status = answer.as_ref().ok().map(StatusCode::as_u16);
            let verdict = answer.as_ref().err().and_then(|error| tls::Error::behind(error)).map(|verdict| verdict.to_string());
            // The URL may hold what gives access.
            let error = answer.err().map(|error| error.without_url().to_string());
            tracing::warn!(error, status, tls = verdict, spans = count, "the collector of traces takes none");
        }
    }
}

/// Takes what comes within [`GATHER`] of the first span, [`TOGETHER`] at most, or up to a flush. `false`: nothing can come any
/// more.
async fn gather(waiting: &mut mpsc::Receiver<Message>, spans: &mut Vec<Ended>, flushed: &mut Vec<oneshot::Sender<()>>) -> bool {
    let Some(first) = waiting.recv().await else { return false };
    let until = Moment::now() + GATHER;
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Ended(ended) => spans.push(*ended),
            Message::Flush(done) => {
                flushed.push(done);
                return true;
            }
        }
        if spans.len() >= TOGETHER {
            return true;
        }
        next = timeout_at(until, waiting.recv()).await.ok().flatten();
    }
    true
}
