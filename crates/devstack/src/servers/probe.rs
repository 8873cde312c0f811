//! Readiness, asked in each server's own protocol. Any error means "not yet"; who asks has the
//! deadline.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::Certificates;

const PATIENCE: Duration = Duration::from_secs(2);

/// MySQL's first packet: four bytes of header, then the protocol version, which is 10. A server
/// that cannot take the connection sends an error packet (255) there.
pub(super) async fn mysql_greets(port: u16) -> bool {
    matches!(talk::<5>(port, b"").await, Ok([_, _, _, 0, 10]))
}

/// Redis says `+PONG` only when its data is loaded; `-LOADING …` before.
pub(super) async fn redis_answers(port: u16, certificates: Option<&Certificates>) -> bool {
    let question = b"PING\r\n";
    let answer = match certificates {
        None => talk::<5>(port, question).await,
        Some(certificates) => match secure(port, certificates).await {
            Ok(stream) => in_time(exchange(stream, question)).await,
            Err(verdict) => return verdict.is_about_certificate(),
        },
    };
    matches!(answer, Ok(answer) if &answer == b"+PONG")
}

/// What a Sentinel tells of the primary that goes by this name, as `<field> <value>` lines; nothing if it knows none, or wants
/// another password.
pub(crate) async fn sentinel_says(port: u16, password: Option<&str>, master: &str) -> String {
    let ask = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let login = password.map(|password| format!("AUTH {password}\r\n")).unwrap_or_default();
        stream.write_all(format!("{login}SENTINEL MASTER {master}\r\n").as_bytes()).await?;
        // It knows no QUIT, and closes when it has answered all.
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, ask).await.ok().and_then(Result::ok).unwrap_or_default();
    // An array of texts, each behind its length: fields and values in turn.
    let texts: Vec<&str> = answer.lines().filter(|line| !line.starts_with(['*', '$', '+', '-'])).collect();
    texts.chunks(2).map(|pair| format!("{}\n", pair.join(" "))).collect()
}

/// After the AMQP 0-9-1 header the broker sends Connection.Start: a method frame (type 1) on
/// channel 0. A broker that refuses sends its own header.
pub(super) async fn amqp_starts(port: u16) -> bool {
    matches!(talk::<3>(port, b"AMQP\x00\x00\x09\x01").await, Ok([1, 0, 0]))
}

/// Whether this answers with success, and with `expected` in its body.
pub(super) async fn http_says(url: &str, login: Option<(&str, &str)>, expected: &str) -> bool {
    let ask = async {
        // A proxy of the environment is not for servers on this machine.
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let mut request = client.get(url);
        if let Some((user, password)) = login {
            request = request.basic_auth(user, Some(password));
        }
        request.send().await?.error_for_status()?.text().await
    };
    ask.await.is_ok_and(|body: String| body.contains(expected))
}

/// The same over TLS, with a path.
pub(super) async fn https_says(port: u16, certificates: &Certificates, path: &str, expected: &str) -> bool {
    let mut stream = match secure(port, certificates).await {
        Ok(stream) => stream,
        Err(verdict) => return verdict.is_about_certificate(),
    };
    let answer = in_time(async {
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        // What came before it closed, however it did.
        let _ = stream.read_to_end(&mut answer).await;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    });
    answer.await.is_ok_and(|answer| answer.split(' ').nth(1) == Some("200") && answer.contains(expected))
}

/// Shakes hands. A server whose certificate is one that clients are to refuse is as ready as it will ever be when it shows that.
async fn secure(port: u16, certificates: &Certificates) -> Result<tls::Stream, tls::Error> {
    let trust = tls::Trust::with_certificates("of the stack", certificates.authority.clone())?;
    tls::connect(&trust, "localhost", port, Instant::now() + PATIENCE).await
}

async fn talk<const N: usize>(port: u16, question: &[u8]) -> io::Result<[u8; N]> {
    in_time(async { exchange(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?, question).await }).await
}

async fn exchange<const N: usize>(mut stream: impl AsyncRead + AsyncWrite + Unpin, question: &[u8]) -> io::Result<[u8; N]> {
    stream.write_all(question).await?;
    let mut answer = [0; N];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

async fn in_time<T>(talk: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, talk).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
