//! The stack: a data directory, a block of ports and four slots. It owns its servers: none of them
//! may outlive it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};

use crate::cache::{self, Images};
use crate::data_dir::{self, Claimed};
use crate::places::{cache_directory, require_space};
use crate::ports::{self, Assigned};
use crate::servers::{Site, directory_name};
use crate::slot::{Launch, Slot, log_path};
use crate::{DataDir, Error, Progress, Quiet, Server, StackOptions, State, Status, Urls, logs};

/// Room in the data directory for the empty databases and some tests.
const NEEDED_MIB: u64 = 500;
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);

/// Up to four servers that run as long as this value lives.
///
/// All methods take `&self` and may be called from any task, thread or runtime. Verbs on one server
/// are done one after the other, except for [`kill`](Stack::kill), which interrupts.
#[derive(Debug)]
pub struct Stack {
    // Dropped in this order: processes, data, ports.
    slots: [Slot; 4],
    data: Claimed,
    ports: Assigned,
    urls: Urls,
    options: StackOptions,
    cache: PathBuf,
    ready: AtomicBool,
}

impl Stack {
    /// Prepares what is missing, starts the servers side by side and returns when all answer. If one
    /// does not, the others are killed.
    ///
    /// # Errors
    /// Whatever [`Error`] describes; a server's failure comes with the end of its log.
    pub async fn up(options: StackOptions, progress: &dyn Progress) -> Result<Stack, Error> {
        let stack = Self::claim(options)?;
        let wanted = &stack.options.servers;
        let images = cache::images(&stack.cache, wanted, stack.options.database, progress).await?;
        try_join_all(wanted.iter().map(|server| stack.start_first(*server, &images, progress))).await?;
        stack.ready.store(true, Ordering::Relaxed);
        stack.record()?;
        Ok(stack)
    }

    /// The place and the ports, before anything runs.
    fn claim(options: StackOptions) -> Result<Stack, Error> {
        let cache = cache_directory()?;
        let data = data_dir::claim(&options.data, &cache)?;
        require_space(data.path(), NEEDED_MIB)?;
        let ports = ports::assign(&cache, &options.ports, &options.servers)?;
        let stack = Stack {
            slots: Server::ALL.map(|server| Slot::new(server, options.database)),
            urls: Urls::new(&ports, options.certificates.is_some()),
            data,
            ports,
            options,
            cache,
            ready: AtomicBool::new(false),
        };
        stack.record()?;
        Ok(stack)
    }

    async fn start_first(&self, server: Server, images: &Images, progress: &dyn Progress) -> Result<(), Error> {
        let step = format!("starting {}", directory_name(server, self.options.database));
        let began = Instant::now();
        progress.begin(&step);
        self.start_with(server, images).await?;
        progress.end(&step, began.elapsed());
        Ok(())
    }

    async fn start_with(&self, server: Server, images: &Images) -> Result<(), Error> {
        let data = self.data_dir(server);
        let site = self.site(server, images, &data);
        let name = directory_name(server, self.options.database);
        let launch = Launch {
            log: self.options.log,
            log_path: log_path(self.data.path(), name)?,
            ready_within: self.options.ready_within,
        };
        self.slot(server).start(&site, launch).await
    }

    fn site<'a>(&'a self, server: Server, images: &'a Images, data: &'a Path) -> Site<'a> {
        Site {
            server,
            database: self.options.database,
            images,
            data,
            ports: &self.ports,
            niceness: self.options.niceness.get(&server).copied().unwrap_or(0),
            elasticsearch: self.options.elasticsearch,
            rabbitmq_node: self.options.rabbitmq_node.as_ref(),
            certificates: self.options.certificates.as_ref(),
        }
    }

    /// Runs `rabbitmqctl` with these arguments on the stack's broker, and returns what it prints. Takes seconds: it starts a
    /// virtual machine of its own.
    ///
    /// # Errors
    /// [`Error::Command`] when it fails, or has not ended after a minute.
    pub async fn rabbitmqctl(&self, arguments: &[&str]) -> Result<String, Error> {
        let images = cache::images(&self.cache, &[Server::Rabbitmq], self.options.database, &Quiet).await?;
        let data = self.data_dir(Server::Rabbitmq);
        let command = self.site(Server::Rabbitmq, &images, &data).rabbitmqctl(arguments.iter().copied());
        let what = format!("rabbitmqctl {}", arguments.join(" "));
        let failed = |why: String| Error::Command { what: what.clone(), why };
        let mut command = tokio::process::Command::from(command);
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
        let output = tokio::time::timeout(COMMAND_DEADLINE, output).await;
        let output = output.map_err(|_| failed("it takes too long".to_owned()))?.map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Where the servers answer. The same for the whole life of the stack.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Starts the server on its port and its data, unless it runs, and returns when it answers. Also
    /// for a server that was not among those of [`up`](Stack::up).
    pub async fn start(&self, server: Server) -> Result<(), Error> {
        let database = self.options.database;
        let images = cache::images(&self.cache, &[server], database, &Quiet).await?;
        self.start_with(server, &images).await?;
        self.record()
    }

    /// Stops the server as its operator would (SIGTERM), or kills it after 20 s.
    pub async fn stop(&self, server: Server) -> Result<(), Error> {
        self.slot(server).stop().await?;
        self.record()
    }

    /// Kills the server and its helpers (SIGKILL), also in the middle of its start. Returns when they
    /// are gone and their ports free.
    pub async fn kill(&self, server: Server) -> Result<(), Error> {
        self.slot(server).kill().await?;
        self.record()
    }

    /// [`stop`](Stack::stop) and [`start`](Stack::start).
    pub async fn restart(&self, server: Server) -> Result<(), Error> {
        self.stop(server).await?;
        self.start(server).await
    }

    /// Stops all processes of the server in mid-air (SIGSTOP): its connections stay open, but nothing
    /// is answered. New connections are still taken, by the kernel.
    pub fn pause(&self, server: Server) -> Result<(), Error> {
        self.slot(server).pause()?;
        self.record()
    }

    /// Lets a paused server go on (SIGCONT).
    pub fn resume(&self, server: Server) -> Result<(), Error> {
        self.slot(server).resume()?;
        self.record()
    }

    /// Kills the server and removes all its data. It stays stopped.
    pub async fn wipe(&self, server: Server) -> Result<(), Error> {
        self.slot(server).wipe(&self.data_dir(server)).await?;
        self.record()
    }

    /// The server's own directory. Redis has its append-only file there, in `appendonlydir`.
    pub fn data_dir(&self, server: Server) -> PathBuf {
        self.root().join(directory_name(server, self.options.database))
    }

    /// The data directory of the whole stack.
    pub fn root(&self) -> PathBuf {
        self.data.path().to_owned()
    }

    /// The directory of the servers' own logs, a file for each.
    pub fn logs(&self) -> PathBuf {
        logs::place(self.data.path())
    }

    /// The id of the server's leading process, while it runs. (Elasticsearch's is its launcher, the
    /// parent of the Java process that serves.)
    pub fn pid(&self, server: Server) -> Option<u32> {
        self.slot(server).pid()
    }

    /// How the server is just now.
    pub fn status(&self, server: Server) -> Status {
        self.slot(server).status()
    }

    /// Everything that the state file says, as of now.
    pub fn state(&self) -> State {
        State {
            owner: std::process::id(),
            ready: self.ready.load(Ordering::Relaxed),
            database: self.options.database,
            urls: self.urls.clone(),
            servers: self.slots.iter().map(Slot::status).collect(),
        }
    }

    /// Ends all servers: gracefully where their data is kept, at once where it is thrown away.
    /// Dropping the stack does the same at once.
    pub async fn down(self) -> Result<(), Error> {
        self.end_all().await
    }

    /// What [`down`](Stack::down) does, for a stack that is shared. It must not be used afterwards.
    pub async fn end_all(&self) -> Result<(), Error> {
        let keep = self.options.data != DataDir::Temporary;
        let ends = self.slots.iter().map(async |slot| if keep { slot.stop().await } else { slot.kill().await });
        let ends = join_all(ends).await;
        State::remove(self.data.path());
        ends.into_iter().collect()
    }

    fn record(&self) -> Result<(), Error> {
        self.state().write(self.data.path())
    }

    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    pub(crate) fn redis_port(&self) -> u16 {
        self.ports.redis
    }

    pub(crate) fn mysql_port(&self) -> u16 {
        self.ports.mysql
    }

    fn slot(&self, server: Server) -> &Slot {
        &self.slots[server as usize]
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // All first; then each slot's own drop waits until its processes are gone.
        for slot in &self.slots {
            slot.kill_now();
        }
        State::remove(self.data.path());
    }
}
