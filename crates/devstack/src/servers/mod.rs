//! How each server is set up, started and asked whether it is ready: one file a server, all with the
//! same functions. They describe commands; running them is the slot's work.

mod certificates;
mod elasticsearch;
mod mariadb;
mod mysql;
mod probe;
mod rabbitmq;
mod redis;

pub(crate) use probe::sentinel_says;
pub(crate) use rabbitmq::epmd;
pub(crate) use redis::sentinel;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cache::Images;
use crate::ports::Assigned;
use crate::sandbox::with_niceness;
use crate::{Certificates, Database, ElasticsearchOptions, Error, RabbitmqNode, Server};

/// All that a server must know about the place where it runs.
pub(crate) struct Site<'a> {
    pub(crate) server: Server,
    pub(crate) database: Database,
    pub(crate) images: &'a Images,
    /// This server's own directory, seen from outside.
    pub(crate) data: &'a Path,
    pub(crate) ports: &'a Assigned,
    pub(crate) niceness: u8,
    pub(crate) elasticsearch: ElasticsearchOptions,
    pub(crate) rabbitmq_node: Option<&'a RabbitmqNode>,
    pub(crate) certificates: Option<&'a Certificates>,
}

/// The server's directory inside the data directory. MariaDB cannot read MySQL's files.
pub(crate) fn directory_name(server: Server, database: Database) -> &'static str {
    match (server, database) {
        (Server::Mysql, Database::Mariadb) => "mariadb",
        _ => server.name(),
    }
}

/// The name in the process table of the process that takes SIGTERM for the whole server.
pub(crate) fn process_name(server: Server, database: Database) -> &'static str {
    match (server, database) {
        (Server::Mysql, Database::Mysql) => "mysqld",
        (Server::Mysql, Database::Mariadb) => "mariadbd",
        (Server::Redis, _) => "redis-server",
        (Server::Rabbitmq, _) => "beam.smp",
        (Server::Elasticsearch, _) => "java",
    }
}

impl Site<'_> {
    /// What must run to its end before the first start: it fills [`NEW_FILES`], which is then
    /// renamed to [`FILES`], so that data which was made half-way is never used.
    pub(crate) fn set_up(&self) -> Result<Option<Command>, Error> {
        if self.server != Server::Mysql || self.data.join(FILES).exists() {
            return Ok(None);
        }
        let new = self.data.join(NEW_FILES);
        if new.exists() {
            fs::remove_dir_all(&new).map_err(Error::io("remove", &new))?;
        }
        Ok(Some(match self.database {
            Database::Mysql => mysql::set_up(self),
            Database::Mariadb => mariadb::set_up(self),
        }))
    }

    /// After [`Site::set_up`]'s command succeeded.
    pub(crate) fn finish_set_up(&self) -> Result<(), Error> {
        let new = self.data.join(NEW_FILES);
        fs::rename(&new, self.data.join(FILES)).map_err(Error::io("rename", &new))
    }

    /// Writes the server's configuration and returns the command that serves.
    pub(crate) fn command(&self) -> Result<Command, Error> {
        if let Some(certificates) = self.certificates {
            certificates::write(certificates, self.data)?;
        }
        let command = match (self.server, self.database) {
            (Server::Mysql, Database::Mysql) => mysql::command(self),
            (Server::Mysql, Database::Mariadb) => mariadb::command(self),
            (Server::Redis, _) => redis::command(self),
            (Server::Rabbitmq, _) => rabbitmq::command(self)?,
            (Server::Elasticsearch, _) => elasticsearch::command(self)?,
        };
        Ok(with_niceness(command, self.niceness))
    }

    /// A command of RabbitMQ's own, to be run beside its node.
    pub(crate) fn rabbitmqctl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        rabbitmq::control(self, arguments)
    }

    /// Whether it serves now. Asks over the network as a client would; never waits long.
    pub(crate) async fn is_ready(&self) -> bool {
        match self.server {
            Server::Mysql => probe::mysql_greets(self.ports.mysql).await,
            Server::Redis => probe::redis_answers(self.ports.redis, self.certificates).await,
            Server::Rabbitmq => rabbitmq::is_ready(self.ports, self.certificates.is_some()).await,
            Server::Elasticsearch => elasticsearch::is_ready(self.ports, self.certificates).await,
        }
    }
}

/// The database's files, inside its directory.
const FILES: &str = "files";
const NEW_FILES: &str = "new-files";

/// A file of configuration in the server's directory.
fn configure(site: &Site<'_>, name: &str, text: &str) -> Result<(), Error> {
    let path = site.data.join(name);
    fs::write(&path, text).map_err(Error::io("write", &path))
}
