//! One keep-alive HTTP/1.1 connection, as a client program holds it: one request at a time.
//!
//! What is measured goes through this and not through the typed client, whose pool, models and retries would be measured with it.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// Far longer than any answer may take: a service that does not answer is found out, and does not stop the measurement.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Connection {
    address: SocketAddr,
    limit: Duration,
    sender: Option<http1::SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// Connects on first use.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, limit: LIMIT, sender: None }
    }

    /// Waits for an answer no longer than this.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Sends a JSON body and reads the whole answer. After an error the next call connects anew.
    pub(crate) async fn post(&mut self, path: &str, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        self.send(Method::POST, path, None, body, self.limit).await.map(status_and_body)
    }

    /// Asks for a resource and reads the whole answer. After an error the next call connects anew.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        self.send(Method::GET, path, None, Bytes::new(), self.limit).await.map(status_and_body)
    }

    /// Sends a request, with one more header if there is one, and reads the whole answer within `limit`. After an error the
    /// connection is closed, and the next call connects anew.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        further: Option<(&'static str, &str)>,
        body: Bytes,
        limit: Duration,
    ) -> anyhow::Result<Response<Bytes>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some((name, value)) = further {
            request = request.header(name, value);
        }
        timeout(limit, self.exchange(request.body(Full::new(body))?)).await.context("no answer")?
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Bytes>> {
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.connect().await?,
        };
        sender.ready().await?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        self.sender = Some(sender);
        Ok(Response::from_parts(head, body))
    }

    async fn connect(&self) -> anyhow::Result<http1::SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await.context("connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the connection; its error reaches the sender's calls.
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn status_and_body(answer: Response<Bytes>) -> (StatusCode, Bytes) {
    (answer.status(), answer.into_body())
}
