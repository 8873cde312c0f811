//! One connection for one request, byte by byte.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Far longer than any answer may take: what is never answered ends the test.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    /// The last answer among these bytes: before it there may be interim ones (`100 Continue`).
    fn parse(mut bytes: &[u8]) -> Option<Self> {
        loop {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
            let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
            let body = &bytes[end + 4..];
            let status = head.split(' ').nth(1)?.parse().ok()?;
            if status >= 200 {
                return Some(Self { status, head, body: body.to_vec() });
            }
            bytes = body;
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(super) async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("the service accepts connections");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Sends the bytes on a connection of their own and reads until the service closes it.
pub(super) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Result<Answer, String> {
    let mut stream = connect(address).await;
    let (mut reader, mut writer) = stream.split();
    // The service may answer and close before all is sent, so both directions go on side by side. This side stays open: a
    // client that has sent a bad request does not hang up either.
    let sending = async { writer.write_all(bytes).await };
    let (_, answer) = tokio::join!(sending, rest(&mut reader));
    answer
}

/// Everything until the service closes the connection.
pub(super) async fn rest(reader: &mut (impl AsyncReadExt + Unpin)) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    let read = timeout(LIMIT, reader.read_to_end(&mut bytes)).await;
    let answer = Answer::parse(&bytes);
    match (answer, read) {
        // A reset behind the answer is a close as well.
        (Some(answer), Ok(_)) => Ok(answer),
        (Some(answer), Err(_)) => Err(format!("the connection stays open behind {}", answer.status)),
        (None, read) => Err(format!("no answer, but {:?} ({:?})", String::from_utf8_lossy(&bytes), read.map(kind))),
    }
}

fn kind(read: io::Result<usize>) -> Result<usize, io::ErrorKind> {
    read.map_err(|error| error.kind())
}
