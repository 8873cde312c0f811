//! One service as a child process: started, awaited, paused, stopped, killed.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::Service;

/// A service is ready within this time or something is wrong: it only connects to servers that are up.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// The services promise to be gone this long after SIGTERM.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// How one process of a service is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Which one.
    pub service: Service,
    /// Its program.
    pub program: PathBuf,
    /// Where it is to listen.
    pub address: SocketAddr,
    /// Variables of its environment, above those of this process.
    pub environment: Vec<(String, String)>,
    /// How far it steps back while others need the processors: its niceness, 0 to 19.
    pub niceness: u8,
    /// The file to whose end its output goes; `None` is standard error.
    pub log: Option<PathBuf>,
}

/// A running service. It dies with this value, and with this process, however that ends.
pub struct Process {
    service: Service,
    address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts the program and waits until it calls itself ready.
    ///
    /// # Errors
    /// When it cannot be started, ends, or is not ready in time.
    pub async fn start(launch: &Launch) -> anyhow::Result<Self> {
        let mut process = Self::spawn(launch)?;
        process.wait_ready().await?;
        Ok(process)
    }

    /// Starts the program and does not wait.
    ///
    /// # Errors
    /// When the operating system cannot start it, or its log cannot be written.
    pub fn spawn(launch: &Launch) -> anyhow::Result<Self> {
        let Launch { service, program, address, environment, niceness, log } = launch;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "nice"]).arg(format!("-n{niceness}")).arg(program);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.env("PORT", address.port().to_string()).env("CHAT__HTTP__ADDRESS", address.ip().to_string());
        // A group of its own: Ctrl-C is for whoever owns the system, who stops its parts in order.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if let Some(path) = log {
            let file = File::options().create(true).append(true).open(path).with_context(|| format!("log {}", path.display()))?;
            command.stdout(file.try_clone()?).stderr(file);
        }
        let mut child = command.spawn().with_context(|| format!("{service} cannot be started"))?;
        tokio::spawn(copy_lines(child.stdout.take()));
        tokio::spawn(copy_lines(child.stderr.take()));
        Ok(Self { service: *service, address: *address, child })
    }

    /// Waits until it calls itself ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.address);
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let deadline = Instant::now() + READY_WITHIN;
        let mut last = String::from("no answer");
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended by itself ({status})", self.service);
            }
            match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => last = answer.text().await.unwrap_or_default(),
                Err(_) => {}
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("{} was not ready within {} s: {last}", self.service, READY_WITHIN.as_secs())
    }

    /// Which service it is of.
    pub(crate) fn service(&self) -> Service {
        self.service
    }

    /// The process' id, for who measures it; `None` once it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The most memory that it has held so far, in KiB: `VmHWM`, see proc_pid_status(5). `None` once it has ended.
    pub fn peak_resident_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()?)).ok()?;
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
    }

    /// SIGSTOP: its connections stay open, and nothing is answered.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// SIGCONT, after [`Process::pause`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.id().with_context(|| format!("{} has ended", self.service))?;
        kill(Pid::from_raw(i32::try_from(id)?), signal).with_context(|| format!("{signal} for {}", self.service))
    }

    /// Waits until the process ends.
    pub(crate) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// When it does not end with success within its promised time of 15 s; it is killed then.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let service = self.service;
        if self.id().is_none() {
            return Ok(());
        }
        self.signal(Signal::SIGTERM)?;
        let ended = timeout(STOP_WITHIN, self.child.wait()).await;
        match ended {
            Ok(status) if status.as_ref().is_ok_and(ExitStatus::success) => Ok(()),
            Ok(status) => bail!("{service} ended with {}", status?),
            Err(_) => {
                self.kill().await?;
                bail!("{service} did not end within {} s after SIGTERM", STOP_WITHIN.as_secs())
            }
        }
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("kill")
    }
}

/// The lines name their service themselves.
async fn copy_lines(stream: Option<impl AsyncRead + Unpin>) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        say::remark!("{line}");
    }
}
