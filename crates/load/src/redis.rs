//! One command to a Redis, on a connection of its own.

use std::time::Duration;

use anyhow::Context;
use deadpool_redis::redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Value, cmd};
use tokio::time::timeout;

/// Many faults make it slow; a server that takes longer is gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Sends these words and takes any answer that is no error.
pub(crate) async fn tell(url: &str, words: &[&str]) -> anyhow::Result<()> {
    ask::<Value>(url, words).await.map(drop)
}

/// Sends these words, and reads the answer.
pub(crate) async fn ask<T: FromRedisValue>(url: &str, words: &[&str]) -> anyhow::Result<T> {
    let mut command: Cmd = cmd(words[0]);
    command.arg(&words[1..]);
    exchange(url, &command, &words.join(" ")).await
}

/// Sends a command, which is called by this name when it fails.
pub(crate) async fn exchange<T: FromRedisValue>(url: &str, command: &Cmd, name: &str) -> anyhow::Result<T> {
    let client = Client::open(url)?;
    let patient = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let exchange = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&patient).await?;
        command.query_async(&mut connection).await
    };
    let answer = timeout(ANSWER_WITHIN, exchange).await.with_context(|| format!("Redis does not answer {name}"))?;
    answer.with_context(|| name.to_owned())
}
