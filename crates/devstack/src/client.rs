//! Runs the programs that come with the servers, such as `mysqldump` and `redis-cli`, against the stack's own: in the private
//! root file system, and over the network as an operator would.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cache;
use crate::sandbox::Sandbox;
use crate::{Database, Error, Quiet, Server, Stack};

impl Stack {
    /// Runs `mysqldump` or `mysql` (MySQL's, not MariaDB's) with these arguments, which need not say how to connect. `input` is
    /// its standard input; returns its standard output.
    ///
    /// # Errors
    /// [`Error::Client`] with what it said when it did not succeed; what keeps it from being run.
    pub async fn mysql_client(&self, program: &str, arguments: &[&str], input: Vec<u8>) -> Result<Vec<u8>, Error> {
        let images = cache::images(self.cache(), &[Server::Mysql], Database::Mysql, &Quiet).await?;
        let data = self.root().join("client");
        fs::create_dir_all(&data).map_err(Error::io("create", &data))?;
        let port = format!("--port={}", self.mysql_port());
        let connect = ["--no-defaults", "--protocol=TCP", "--host=127.0.0.1", &port, "--user=root"];
        let sandbox = Sandbox::in_root(&images.main_root);
        let command = sandbox.command(&data, program, connect.into_iter().chain(arguments.iter().copied()));
        run_to_its_end(command, program, input).await
    }

    /// Runs a shell script (POSIX) beside Redis' own programs, `redis-cli` and `redis-check-rdb`, and returns its standard
    /// output. It sees the stack's directory, all servers' data, as `/data`, and may write there.
    ///
    /// # Errors
    /// [`Error::Client`] with what it said when it did not succeed; what keeps it from being run.
    pub async fn redis_script(&self, script: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
        let images = cache::images(self.cache(), &[Server::Redis], Database::Mysql, &Quiet).await?;
        let mut sandbox = Sandbox::in_root(&images.main_root);
        for (name, value) in environment {
            sandbox.env(name, value);
        }
        let shell = ["-c", script, "script"];
        let command = sandbox.command(&self.root(), "sh", shell.into_iter().chain(arguments.iter().copied()));
        run_to_its_end(command, "sh", Vec::new()).await
    }
}

async fn run_to_its_end(command: Command, program: &str, input: Vec<u8>) -> Result<Vec<u8>, Error> {
    let name = program.to_owned();
    // It dies with the thread that starts it, which therefore waits for its end.
    let run = tokio::task::spawn_blocking(move || run(command, &name, &input));
    run.await.unwrap_or_else(|_| Err(Error::Invalid(format!("{program} was broken off"))))
}

fn run(mut command: Command, program: &str, input: &[u8]) -> Result<Vec<u8>, Error> {
    let broken = |source| Error::io("run", Path::new(program))(source);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(broken)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read all says why.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(broken)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Client { program: program.to_owned(), status: output.status.to_string(), said })
}
