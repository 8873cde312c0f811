//! What is downloaded and unpacked once per user: the root file systems and Elasticsearch. Made
//! aside and renamed into place under a lock, verified at each use, made again when broken.

mod artifact;
mod elasticsearch;
mod root_fs;
mod total;

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Database, Error, Progress, Server, cache_directory, tools};

/// Where the programs of the wanted servers are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Images {
    /// The root file system with Redis, RabbitMQ and MySQL.
    pub(crate) main_root: PathBuf,
    /// The one with MariaDB.
    pub(crate) mariadb_root: PathBuf,
    /// Elasticsearch, unpacked.
    pub(crate) elasticsearch: PathBuf,
    /// The Java that it runs on.
    pub(crate) java_home: PathBuf,
}

/// Downloads and unpacks what these servers need, so that a later [`Stack::up`](crate::Stack::up)
/// does not have to. Takes a minute or two when nothing is there, milliseconds otherwise.
pub async fn prepare(servers: &[Server], database: Database, progress: &dyn Progress) -> Result<(), Error> {
    images(&cache_directory()?, servers, database, progress).await.map(|_| ())
}

pub(crate) async fn images(
    cache: &Path,
    servers: &[Server],
    database: Database,
    progress: &dyn Progress,
) -> Result<Images, Error> {
    fs::create_dir_all(cache).map_err(Error::io("create", cache))?;
    tools::ensure(&[tools::BWRAP], cache, progress).await?;
    let mysql = servers.contains(&Server::Mysql);
    let main = servers.contains(&Server::Redis) || servers.contains(&Server::Rabbitmq) || (mysql && database == Database::Mysql);
    let mariadb = mysql && database == Database::Mariadb;
    let elasticsearch = servers.contains(&Server::Elasticsearch);

    let (main_root, mariadb_root, (elasticsearch, java_home)) = tokio::try_join!(
        when(main, root_fs::main(cache, progress)),
        when(mariadb, root_fs::mariadb(cache, progress)),
        when(elasticsearch, elasticsearch::server(cache, progress)),
    )?;
    Ok(Images { main_root, mariadb_root, elasticsearch, java_home })
}

async fn when<T: Default>(needed: bool, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    if needed { work.await } else { Ok(T::default()) }
}
