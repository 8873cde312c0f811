//! The command line's shape, and which function does what.

mod completions;
mod exec;
mod show;
mod signals;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use devstack::control::{self, Request, Verb};
use devstack::{DataDir, Database, ElasticsearchOptions, Error, Log, Ports, Server, StackOptions, State, default_data_directory};

/// Real MySQL, Redis, RabbitMQ and Elasticsearch on this machine, without containers.
#[derive(Parser)]
#[command(name = "devstack", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the servers and keep them until Ctrl-C or `devstack down`.
    Up(Up),
    /// End the stack.
    Down(Place),
    /// Show each server's state and address.
    Status(Place),
    /// Print the addresses as shell exports.
    Env(Place),
    /// Download and unpack what the servers need, start nothing.
    Prepare(What),
    /// Run a command on a stack of its own, then take that down.
    Exec(Exec),
    /// SIGKILL a server with all its helpers.
    Kill(Target),
    /// Stop a server as an operator would.
    Stop(Target),
    /// Start a server again on the same port and data.
    Start(Target),
    /// Stop and start.
    Restart(Target),
    /// SIGSTOP a server: connections stay, nothing is answered.
    Pause(Target),
    /// SIGCONT a paused server.
    Resume(Target),
    /// Kill a server and remove its data.
    Wipe(Target),
    /// Print what makes a shell complete this command's arguments.
    Completions {
        /// The shell that is to read it.
        shell: Shell,
    },
}

/// Reads a server's name; help, errors and shells' completions list them all.
fn server() -> impl TypedValueParser<Value = Server> {
    PossibleValuesParser::new(Server::ALL.map(Server::name)).try_map(|name| name.parse::<Server>())
}

#[derive(Args)]
struct What {
    /// Only these servers, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = Server::ALL, value_parser = server())]
    servers: Vec<Server>,
    /// MariaDB in place of MySQL.
    #[arg(long)]
    mariadb: bool,
}

#[derive(Args)]
struct Tuning {
    #[command(flatten)]
    what: What,
    /// Ports that must be these, mysql=3306,redis=6379,amqp=5672,management=15672,
    /// prometheus=15692,elasticsearch=9200; those not named are found free.
    #[arg(long, default_value = "")]
    ports: String,
    /// Heap of Elasticsearch, in MiB.
    #[arg(long, default_value_t = 512)]
    elasticsearch_heap: u32,
    /// Elasticsearch lives for minutes: a start takes half the processor time, every request more.
    #[arg(long)]
    elasticsearch_short_lived: bool,
    /// Show the servers' own logs, too.
    #[arg(long)]
    logs: bool,
}

#[derive(Args)]
struct Up {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    tuning: Tuning,
    /// Return when all answer, and leave them running.
    #[arg(long)]
    detach: bool,
}

#[derive(Args)]
struct Exec {
    /// Keep the data in this directory. [default: a temporary one]
    #[arg(long)]
    data: Option<PathBuf>,
    #[command(flatten)]
    tuning: Tuning,
    /// The command; it finds the servers by DATABASE_URL, REDIS_URL, AMQP_URL, ELASTICSEARCH_URL
    /// and RABBITMQ_MANAGEMENT_URL.
    #[arg(last = true, required = true)]
    command: Vec<std::ffi::OsString>,
}

#[derive(Args)]
struct Place {
    /// The stack's data directory. [default: one in the user's data directory]
    #[arg(long)]
    data: Option<PathBuf>,
}

#[derive(Args)]
struct Target {
    /// Which server.
    #[arg(value_parser = server())]
    server: Server,
    #[command(flatten)]
    place: Place,
}

/// Does what was asked. The code is that of `exec`'s command, else success.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    match arguments.command {
        Command::Up(arguments) if arguments.detach => up::detached(&arguments).await?,
        Command::Up(arguments) => up::foreground(&arguments).await?,
        Command::Exec(arguments) => return exec::run(&arguments).await,
        Command::Prepare(what) => {
            let progress = devstack::for_terminal();
            devstack::prepare(&what.servers, what.database(), progress.as_ref()).await?;
        }
        Command::Down(place) => control::down(&place.directory()?).await?,
        Command::Status(place) => {
            let state = control::ask(&place.directory()?, Request::Status).await?;
            show::servers(&state);
        }
        Command::Env(place) => show::exports(&State::read(&place.directory()?)?.urls),
        Command::Kill(target) => target.perform(Verb::Kill).await?,
        Command::Stop(target) => target.perform(Verb::Stop).await?,
        Command::Start(target) => target.perform(Verb::Start).await?,
        Command::Restart(target) => target.perform(Verb::Restart).await?,
        Command::Pause(target) => target.perform(Verb::Pause).await?,
        Command::Resume(target) => target.perform(Verb::Resume).await?,
        Command::Wipe(target) => target.perform(Verb::Wipe).await?,
        Command::Completions { shell } => completions::print(shell)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Target {
    async fn perform(&self, verb: Verb) -> Result<(), Error> {
        let data = self.place.directory()?;
        control::ask(&data, Request::Verb(verb, self.server)).await.map(|_| ())
    }
}

impl Place {
    fn directory(&self) -> Result<PathBuf, Error> {
        match &self.data {
            Some(path) => Ok(path.clone()),
            None => default_data_directory(),
        }
    }
}

impl What {
    fn database(&self) -> Database {
        if self.mariadb { Database::Mariadb } else { Database::Mysql }
    }
}

impl Tuning {
    fn options(&self, data: DataDir) -> Result<StackOptions, Error> {
        Ok(StackOptions {
            data,
            servers: self.what.servers.clone(),
            database: self.what.database(),
            ports: self.ports.parse::<Ports>()?,
            log: if self.logs { Log::FilesAndStderr } else { Log::Files },
            elasticsearch: ElasticsearchOptions {
                heap_mib: self.elasticsearch_heap,
                short_lived: self.elasticsearch_short_lived,
            },
            ..StackOptions::default()
        })
    }
}
