//! One service as a child process: started, awaited, stopped, killed.

use std::{
    net::SocketAddr,
    path::Path,
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

/// A running service.
pub(crate) struct Process {
    service: Service,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts the program and waits until it calls itself ready. It dies with this process, however that ends.
    pub(crate) async fn start(
        service: Service,
        program: &Path,
        address: SocketAddr,
        environment: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.env("PORT", address.port().to_string()).env("CHAT__HTTP__ADDRESS", address.ip().to_string());
        // A group of its own: Ctrl-C is for whoever owns the system, who stops its parts in order.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{service} cannot be started"))?;
        tokio::spawn(copy_lines(child.stdout.take()));
        tokio::spawn(copy_lines(child.stderr.take()));
        let mut process = Self { service, address, child };
        process.wait_ready().await?;
        Ok(process)
    }

    async fn wait_ready(&mut self) -> anyhow::Result<()> {
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

    /// The process' id, for who measures it; `None` once it has ended.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the process ends.
    pub(crate) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// SIGTERM, and an error if it does not end as promised.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let service = self.service;
        let Some(id) = self.child.id() else { return Ok(()) };
        kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
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
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("kill")
    }
}

/// The lines name their service themselves.
async fn copy_lines(stream: Option<impl AsyncRead + Unpin>) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        eprintln!("{line}");
    }
}
