//! Three Redis Sentinels that watch over a primary, from the same root file system as Redis itself.
//!
//! They are a stack's neighbours, not a part of it: which Redis is the primary, and whether another follows it, is their owner's
//! business, until they change it.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cache;
use crate::data_dir::{self, Claimed};
use crate::places::cache_directory;
use crate::ports::{self, Assigned};
use crate::process::Process;
use crate::servers::{sentinel, sentinel_says};
use crate::{DataDir, Database, Error, Ports, Progress, Server, Stack};

/// What they watch, and how they are told to.
#[derive(Debug, Clone)]
pub struct SentinelOptions {
    /// Where they keep what they know.
    pub data: DataDir,
    /// The primary's port on this machine.
    pub port: u16,
    /// How many replicas it has: they must be known before anything can fail over.
    pub replicas: usize,
    /// For so long the primary may leave them without an answer before it counts as down.
    pub down_after: Duration,
    /// The step of their patience with a failover. After one they begin no other by themselves for twice this time.
    pub failover_timeout: Duration,
    /// What they want to hear from clients and from one another, if anything.
    pub password: Option<String>,
    /// Further lines of their configuration, such as `sentinel auth-pass chat secret`.
    pub lines: Vec<String>,
}

impl SentinelOptions {
    /// Over a primary that has no replica.
    pub fn over(primary: &Stack) -> Self {
        Self {
            data: DataDir::Temporary,
            port: primary.redis_port(),
            replicas: 0,
            down_after: Duration::from_secs(1),
            failover_timeout: Duration::from_secs(5),
            password: None,
            lines: Vec::new(),
        }
    }
}

/// Three Sentinels, two of which must agree. They live as long as this value.
#[derive(Debug)]
pub struct Sentinels {
    // Dropped in this order.
    processes: Vec<Process>,
    data: Claimed,
    ports: Assigned,
}

const AGREEING: usize = 2;
/// They tell one another of themselves every two seconds.
const ACQUAINTED_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

impl Sentinels {
    /// The primary's name with them.
    pub const MASTER: &str = "chat";

    /// Starts them, and returns when they know one another, the primary and its replicas.
    ///
    /// # Errors
    /// Whatever [`Error`] describes.
    pub async fn up(options: &SentinelOptions, progress: &dyn Progress) -> Result<Self, Error> {
        let cache = cache_directory()?;
        let images = cache::images(&cache, &[Server::Redis], Database::default(), progress).await?;
        let mut sentinels = Self {
            processes: Vec::new(),
            data: data_dir::claim(&options.data, &cache)?,
            ports: ports::assign(&cache, &Ports::default(), &[])?,
        };
        for port in sentinels.ports.sentinels {
            let data = sentinels.data.path().join(format!("sentinel-{port}"));
            fs::create_dir_all(&data).map_err(Error::io("create", &data))?;
            let file = data.join(CONFIGURATION);
            fs::write(&file, configuration(options, port)).map_err(Error::io("write", &file))?;
            let mut command = sentinel(&images, &data, CONFIGURATION);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            sentinels.processes.push(Process::spawn(command).await.map_err(Error::io("start a Sentinel in", &data))?);
        }
        sentinels.become_acquainted(options).await?;
        Ok(sentinels)
    }

    async fn become_acquainted(&self, options: &SentinelOptions) -> Result<(), Error> {
        let known = [
            format!("num-other-sentinels {}", self.processes.len() - 1),
            format!("num-slaves {}", options.replicas),
            "flags master".to_owned(),
        ];
        let deadline = Instant::now() + ACQUAINTED_WITHIN;
        for (port, process) in self.ports.sentinels.into_iter().zip(&self.processes) {
            loop {
                let told = sentinel_says(port, options.password.as_deref(), Self::MASTER).await;
                if known.iter().all(|line| told.lines().any(|told| told == line)) {
                    break;
                }
                let wrong = |why: String| Error::Command { what: format!("the Sentinel on port {port}"), why };
                if let Some(status) = process.ended() {
                    return Err(wrong(status.to_string()));
                }
                if Instant::now() > deadline {
                    return Err(wrong(format!("does not know all of {known:?}, but {told:?}")));
                }
                sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// Where they answer.
    pub fn addresses(&self) -> Vec<String> {
        self.ports.sentinels.iter().map(|port| format!("127.0.0.1:{port}")).collect()
    }

    /// Stops one of them in mid-air (SIGSTOP): connections to it are taken, and nothing is answered.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none of this number; [`Error::Io`].
    pub fn pause(&self, number: usize) -> Result<(), Error> {
        let process = self.processes.get(number).ok_or_else(|| Error::Invalid(format!("there is no Sentinel {number}")))?;
        process.pause().map_err(|source| Error::Io { what: format!("pause Sentinel {number}"), source })
    }
}

const CONFIGURATION: &str = "sentinel.conf";

fn configuration(options: &SentinelOptions, port: u16) -> String {
    let master = Sentinels::MASTER;
    let SentinelOptions { port: primary, down_after, failover_timeout, lines, .. } = options;
    let (down_after, failover_timeout) = (down_after.as_millis(), failover_timeout.as_millis());
    let mut text = format!(
        "bind 127.0.0.1\nport {port}\ndir /data\nlogfile sentinel.log\n\
         sentinel monitor {master} 127.0.0.1 {primary} {AGREEING}\n\
         sentinel down-after-milliseconds {master} {down_after}\n\
         sentinel failover-timeout {master} {failover_timeout}\n"
    );
    let password = options.password.iter().map(|password| format!("requirepass {password}"));
    for line in lines.iter().cloned().chain(password) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}
