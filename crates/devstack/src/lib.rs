//! Real MySQL (or MariaDB), Redis, RabbitMQ and Elasticsearch on this machine, without containers.
//!
//! A [`Stack`] owns up to four servers. Each runs in a PID namespace of its own, from a private
//! root file system that is cached per user: nothing of the host is installed or changed except
//! for a few tools from apt, and whatever a server starts dies with it. A stack also dies with its
//! owner, whether that returns, panics or is killed.
//!
//! ```no_run
//! # async fn example() -> Result<(), devstack::Error> {
//! use devstack::{Quiet, Server, Stack, StackOptions};
//!
//! let stack = Stack::up(StackOptions::only([Server::Redis]), &Quiet).await?;
//! println!("{}", stack.urls().redis);
//! stack.kill(Server::Redis).await?;
//! stack.start(Server::Redis).await?;
//! stack.down().await
//! # }
//! ```

mod cache;
mod client;
mod cluster;
pub mod control;
mod data_dir;
mod error;
mod logs;
mod options;
mod places;
mod ports;
mod preparation;
mod process;
mod process_table;
mod progress;
mod sandbox;
mod sentinels;
mod server;
mod servers;
mod slot;
mod stack;
mod state;
mod tools;
mod urls;

pub use cache::prepare;
pub use cluster::RabbitmqCluster;
pub use error::Error;
pub use options::{Certificates, DataDir, ElasticsearchOptions, Log, RabbitmqNode, StackOptions};
pub use places::{cache_directory, default_data_directory};
pub use ports::Ports;
pub use progress::{Bars, Lines, Progress, Quiet, for_terminal};
pub use sentinels::{SentinelOptions, Sentinels};
pub use server::{Database, Server};
pub use slot::{Condition, Status};
pub use stack::Stack;
pub use state::State;
pub use tools::fake_clock;
pub use urls::Urls;
