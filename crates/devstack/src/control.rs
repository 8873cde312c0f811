//! The door of a running stack: a unix socket in its data directory over which another process asks
//! for verbs. One JSON request and one JSON answer a connection, a line each. Only the stack's
//! user can reach it (the directory is theirs alone).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::data_dir::{is_claimed, owner};
use crate::{Error, Server, Stack, State};

const SOCKET: &str = "control.sock";
/// sockaddr_un holds 108 bytes with the final zero, see unix(7).
const LONGEST_PATH: usize = 107;
const LONGEST_LINE: u64 = 64 * 1024;
/// A start may have to prepare the server first; everything else is far quicker.
const PATIENCE: Duration = Duration::from_secs(600);
/// Servers take 20 s at most; before them an owner may have services to end, each with 15 s of its own.
const DOWN_DEADLINE: Duration = Duration::from_secs(90);

/// What can be done to one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// [`Stack::kill`].
    Kill,
    /// [`Stack::stop`].
    Stop,
    /// [`Stack::start`].
    Start,
    /// [`Stack::restart`].
    Restart,
    /// [`Stack::pause`].
    Pause,
    /// [`Stack::resume`].
    Resume,
    /// [`Stack::wipe`].
    Wipe,
}

/// What another process can ask of a stack's owner.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// The state as of now.
    Status,
    /// A verb on one server.
    Verb(Verb, Server),
    /// The end of the stack; answered at once, done afterwards.
    Down,
}

/// Answers requests until it is dropped.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    down: Arc<Notify>,
    listener: JoinHandle<()>,
}

impl Control {
    /// Opens the door of this stack.
    pub fn open(stack: &Arc<Stack>) -> Result<Control, Error> {
        let path = socket_path(&stack.root())?;
        // Left behind by an owner that was killed: the directory's lock is ours.
        if path.exists() {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        let listener = UnixListener::bind(&path).map_err(Error::io("listen on", &path))?;
        let down = Arc::new(Notify::new());
        let listener = tokio::spawn(accept(listener, Arc::clone(stack), Arc::clone(&down)));
        Ok(Control { path, down, listener })
    }

    /// Returns when somebody asked for the stack's end.
    pub async fn asked_down(&self) {
        self.down.notified().await;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.listener.abort();
        let _ = fs::remove_file(&self.path);
    }
}

/// Asks the owner of the stack on this data directory. Returns its state after that.
///
/// # Errors
/// [`Error::NoStack`] when there is none, [`Error::NoDoor`] when it takes no requests (yet, or any more), [`Error::Refused`] with
/// the owner's sentence when the verb failed.
pub async fn ask(data: &Path, request: Request) -> Result<State, Error> {
    if !is_claimed(data) {
        return Err(Error::NoStack { path: data.to_owned() });
    }
    let path = socket_path(data)?;
    let answer = tokio::time::timeout(PATIENCE, exchange(&path, request))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| unanswered(data, &path, error))?;
    answer.map_err(Error::Refused)
}

/// What it means that nobody answered at this door.
fn unanswered(data: &Path, door: &Path, error: io::Error) -> Error {
    match error.kind() {
        // It has ended just now.
        _ if !is_claimed(data) => Error::NoStack { path: data.to_owned() },
        // There is none, or one that was left behind by an owner that was killed.
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Error::NoDoor { path: data.to_owned(), owner: owner(data) },
        _ => Error::io("ask the stack's owner over", door)(error),
    }
}

/// Ends the stack on this data directory and returns when it is gone.
pub async fn down(data: &Path) -> Result<(), Error> {
    ask(data, Request::Down).await?;
    let gone = async {
        while is_claimed(data) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DOWN_DEADLINE, gone)
        .await
        .map_err(|_| Error::Refused(format!("the stack is still there after {} s", DOWN_DEADLINE.as_secs())))
}

type Answer = Result<State, String>;

async fn exchange(path: &Path, request: Request) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(path).await?;
    stream.write_all(&line_of(&request)?).await?;
    read_line(&mut stream).await
}

async fn accept(listener: UnixListener, stack: Arc<Stack>, down: Arc<Notify>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&stack), Arc::clone(&down)));
            }
            // Out of file descriptors, at worst: others may close theirs.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve(mut stream: UnixStream, stack: Arc<Stack>, down: Arc<Notify>) -> io::Result<()> {
    let request = read_line(&mut stream).await?;
    let done = match request {
        Request::Status | Request::Down => Ok(()),
        Request::Verb(verb, server) => perform(&stack, verb, server).await,
    };
    let answer: Answer = done.map(|()| stack.state()).map_err(|error| error.with_sources());
    stream.write_all(&line_of(&answer)?).await?;
    if matches!(request, Request::Down) {
        down.notify_one();
    }
    Ok(())
}

async fn perform(stack: &Stack, verb: Verb, server: Server) -> Result<(), Error> {
    match verb {
        Verb::Kill => stack.kill(server).await,
        Verb::Stop => stack.stop(server).await,
        Verb::Start => stack.start(server).await,
        Verb::Restart => stack.restart(server).await,
        Verb::Pause => stack.pause(server),
        Verb::Resume => stack.resume(server),
        Verb::Wipe => stack.wipe(server).await,
    }
}

fn line_of<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

async fn read_line<T: serde::de::DeserializeOwned>(stream: &mut UnixStream) -> io::Result<T> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_until(b'\n', &mut line).await?;
    Ok(serde_json::from_slice(&line)?)
}

fn socket_path(data: &Path) -> Result<PathBuf, Error> {
    let data = fs::canonicalize(data).map_err(Error::io("resolve", data))?;
    let path = data.join(SOCKET);
    if path.as_os_str().len() > LONGEST_PATH {
        return Err(Error::Invalid(format!(
            "the data directory {} is too long for the socket inside it: choose a shorter path",
            data.display()
        )));
    }
    Ok(path)
}
