//! Removes what a test has made on the shared servers. A private server's goes with it.

use deadpool_redis::redis::{Client, cmd};
use devstack::Server;
use events::Topology;
use futures_util::future::join_all;
use lapin::{
    Connection, ConnectionProperties,
    options::{ExchangeDeleteOptions, QueueDeleteOptions},
};
use mysql_async::{Conn, prelude::Queryable};

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What a system calls its own on the shared servers.
pub(crate) struct Belongings {
    pub(crate) mysql: store::Settings,
    pub(crate) redis: sequencer::Settings,
    pub(crate) amqp_url: String,
    pub(crate) topology: Topology,
    pub(crate) elasticsearch: search::Settings,
    /// Where any of it is.
    pub(crate) servers: Vec<Server>,
}

impl Belongings {
    /// Removes all of it. Returns a sentence for each server on which that failed.
    pub(crate) async fn remove(&self) -> Vec<String> {
        let outcomes = self.servers.iter().map(|server| async move {
            self.remove_from(*server).await.err().map(|error| format!("{server}: what the test made is left behind: {error}"))
        });
        join_all(outcomes).await.into_iter().flatten().collect()
    }

    async fn remove_from(&self, server: Server) -> Outcome {
        match server {
            Server::Mysql => self.drop_database().await,
            Server::Redis => self.delete_keys().await,
            Server::Rabbitmq => self.delete_queues().await,
            Server::Elasticsearch => self.delete_index().await,
        }
    }

    async fn drop_database(&self) -> Outcome {
        let mut url = url::Url::parse(&self.mysql.url)?;
        let database = url.path().trim_start_matches('/').to_owned();
        url.set_path("");
        let mut connection = Conn::from_url(url).await?;
        connection.query_drop(format!("DROP DATABASE IF EXISTS `{database}`")).await?;
        Ok(connection.disconnect().await?)
    }

    async fn delete_keys(&self) -> Outcome {
        let mut connection = Client::open(self.redis.url.as_str())?.get_multiplexed_async_connection().await?;
        let pattern = format!("{}*", self.redis.key_prefix);
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1_000);
            let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
            if !keys.is_empty() {
                cmd("UNLINK").arg(keys).exec_async(&mut connection).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    async fn delete_queues(&self) -> Outcome {
        let connection = Connection::connect(&self.amqp_url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let topology = &self.topology;
        let queues = topology.partitions().all().map(|partition| topology.queue(partition));
        for queue in queues.chain([topology.partition_marker(), topology.dead()]) {
            channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
        }
        for exchange in [topology.exchange(), topology.dead()] {
            channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await?;
        }
        Ok(connection.close(200, "done".into()).await?)
    }

    /// All versions: a test may have made the index anew.
    async fn delete_index(&self) -> Outcome {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{}/{}-v*/_alias", self.elasticsearch.url, self.elasticsearch.index);
        let versions: serde_json::Map<String, serde_json::Value> =
            client.get(url).send().await?.error_for_status()?.json().await?;
        for version in versions.keys() {
            client.delete(format!("{}/{version}", self.elasticsearch.url)).send().await?.error_for_status()?;
        }
        Ok(())
    }
}
