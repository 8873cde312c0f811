//! The workload and the check on a system that runs already. Nothing is started there, and nothing is broken.

use std::time::Duration;

use anyhow::Context;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    check::{INDEX, Stores, check},
    report::Report,
    workload::{self, Targets},
};

/// Where a running system is found.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Running {
    /// Where the api of a running system answers, once for each replica: then nothing is started, and nothing is broken
    #[arg(long, requires_all = ["ingest", "mysql", "elasticsearch"])]
    api: Vec<Url>,
    /// Where its ingest answers, once for each replica
    #[arg(long)]
    ingest: Vec<Url>,
    /// Its database: mysql://…
    #[arg(long)]
    mysql: Option<String>,
    /// Its search server
    #[arg(long)]
    elasticsearch: Option<String>,
    /// The name of its index
    #[arg(long, default_value = INDEX)]
    index: String,
}

impl Running {
    /// Whether a running system was named.
    pub(crate) fn is_given(&self) -> bool {
        !self.api.is_empty()
    }

    /// Has the clients work for so long, and checks.
    ///
    /// # Errors
    /// When a server cannot be asked.
    pub(crate) async fn run(&self, options: &workload::Options, time: Duration) -> anyhow::Result<Report> {
        let targets = Targets { api: self.api.clone(), ingest: self.ingest.clone() };
        let (mysql, elasticsearch) = (self.mysql.as_deref(), self.elasticsearch.as_deref());
        let (mysql, elasticsearch) = mysql.zip(elasticsearch).context("no --mysql or no --elasticsearch")?;
        let api = self.api.first().context("no --api")?.clone();
        let stores = Stores::connect(mysql, elasticsearch, &self.index, api)?;
        let stop = CancellationToken::new();
        let ends = async {
            sleep(time).await;
            stop.cancel();
        };
        let (history, ()) = tokio::join!(workload::run(&targets, options, stop.clone()), ends);
        check(&history?, &stores).await
    }
}
