//! What Redis holds is lost, wholly or in part, or is what it was long ago; or it is told to evict.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use deadpool_redis::redis::cmd;
use devstack::{Server, Stack};
use localsystem::Service;
use say::say;
use tokio::time::{Instant, sleep};

use super::draw::Draw;
use crate::{
    connection::Connection,
    fleet::{Fleet, sentence},
    redis::{ask, exchange, tell},
    wait::until,
};

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// All keys are gone; the process and its scripts stay.
    FlushAll,
    /// The scripts are gone; the process and all keys stay.
    ScriptFlush,
    /// Killed, and started on an append-only file whose end is missing.
    LogTruncated,
    /// Killed, and started on a snapshot (RDB) from earlier in the run, with nothing of what came later.
    OldSnapshot,
    /// Told to evict any key, and short of memory. Readiness must say so.
    Eviction,
}

impl Act {
    pub(crate) const ALL: [Self; 5] = [Self::FlushAll, Self::ScriptFlush, Self::LogTruncated, Self::OldSnapshot, Self::Eviction];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FlushAll => "flushall",
            Self::ScriptFlush => "script-flush",
            Self::LogTruncated => "log-truncated",
            Self::OldSnapshot => "old-snapshot",
            Self::Eviction => "eviction",
        }
    }

    pub(crate) fn restarts(self) -> bool {
        matches!(self, Self::LogTruncated | Self::OldSnapshot)
    }
}

/// Redis' own directory and names for the append-only file's parts, see
/// <https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>.
const LOG_DIRECTORY: &str = "appendonlydir";
const MANIFEST: &str = "appendonly.aof.manifest";
const SNAPSHOT: &str = "dump.rdb";
const BALLAST_KEYS: usize = 200;
const BALLAST_BYTES: usize = 10 * 1024;
const SAVED_WITHIN: Duration = Duration::from_secs(30);
/// An ingest asks Redis each time that it is asked whether it is ready.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn inject(act: Act, fleet: &Fleet, draw: Draw) -> anyhow::Result<()> {
    let stack = fleet.stack();
    let redis = &stack.urls().redis;
    match act {
        Act::FlushAll => tell(redis, &["FLUSHALL"]).await,
        Act::ScriptFlush => tell(redis, &["SCRIPT", "FLUSH"]).await,
        Act::LogTruncated => {
            stack.kill(Server::Redis).await.map_err(sentence)?;
            truncate(&stack.data_dir(Server::Redis).join(LOG_DIRECTORY), draw.fraction)?;
            or_mended(stack, stack.start(Server::Redis).await).await
        }
        Act::OldSnapshot => {
            stack.kill(Server::Redis).await.map_err(sentence)?;
            put_back(&stack.data_dir(Server::Redis), &kept(fleet.place()))?;
            stack.start(Server::Redis).await.map_err(sentence)
        }
        Act::Eviction => {
            tell(redis, &["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).await?;
            every_ingest_says_so(fleet).await?;
            evict_some(redis, draw.fraction).await
        }
    }
}

pub(super) async fn heal(act: Act, fleet: &Fleet) -> anyhow::Result<()> {
    let redis = &fleet.stack().urls().redis;
    if act == Act::Eviction {
        tell(redis, &["CONFIG", "SET", "maxmemory", "0"]).await?;
        tell(redis, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await?;
        let mut remove = cmd("DEL");
        remove.arg(ballast().collect::<Vec<_>>());
        exchange::<i64>(redis, &remove, "DEL").await?;
    }
    Ok(())
}

/// Lets some keys be evicted and others not: among large keys of nobody's, chance finds a counter here and there. With all of
/// them gone the record would be too, and that is what a flush does.
async fn evict_some(redis: &str, fraction: f64) -> anyhow::Result<()> {
    let mut fill = cmd("MSET");
    ballast().for_each(|key| {
        fill.arg(key).arg("x".repeat(BALLAST_BYTES));
    });
    exchange::<()>(redis, &fill, "MSET").await?;
    let memory: String = ask(redis, &["INFO", "memory"]).await?;
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse::<usize>().ok());
    let evicted = (BALLAST_BYTES * BALLAST_KEYS) as f64 * (0.05 + fraction * 0.45);
    let limit = used.context("Redis does not tell its memory")?.saturating_sub(evicted as usize);
    tell(redis, &["CONFIG", "SET", "maxmemory", &limit.to_string()]).await
}

fn ballast() -> impl Iterator<Item = String> {
    (0..BALLAST_KEYS).map(|key| format!("ballast:{key}"))
}

/// What an operator does about a Redis that refuses to read its append-only file: cuts it off where it is broken. Redis 8.0 leaves
/// such a file behind a full disk, if it has been a replica before: it takes back what was written by half up to a place that it
/// remembers of its former file, and goes on as if all were well.
pub(super) async fn or_mended(stack: &Stack, started: Result<(), devstack::Error>) -> anyhow::Result<()> {
    const MEND: &str = r#"redis-check-aof "$1" >/dev/null 2>&1 && exit; echo y | redis-check-aof --fix "$1" >&2 && echo mended"#;
    let Err(refusal) = started else { return Ok(()) };
    let manifest = stack.data_dir(Server::Redis).join(LOG_DIRECTORY).join(MANIFEST);
    let manifest = Path::new("/data").join(manifest.strip_prefix(stack.root())?);
    let said = stack.redis_script(MEND, &[&manifest.to_string_lossy()], &[]).await.map_err(sentence)?;
    if said.is_empty() {
        return Err(sentence(refusal));
    }
    say!("Redis' append-only file was broken, and is cut off there");
    stack.start(Server::Redis).await.map_err(sentence)
}

/// Has Redis write an append-only file anew, and waits until it has.
pub(super) async fn rewrite_log(redis: &str) -> anyhow::Result<()> {
    const DONE: [&str; 3] = ["aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0", "aof_last_bgrewrite_status:ok"];
    ask::<String>(redis, &["BGREWRITEAOF"]).await?;
    until("have Redis write its append-only file anew", SAVED_WITHIN, async || {
        let persistence: String = ask(redis, &["INFO", "persistence"]).await?;
        let missing = DONE.iter().find(|done| !persistence.contains(**done));
        ensure!(missing.is_none(), "it does not say {missing:?}");
        Ok(())
    })
    .await
}

/// Keeps a snapshot for later, unless one is kept already: the longer ago, the better.
pub(super) async fn keep_snapshot(fleet: &Fleet) -> anyhow::Result<()> {
    let kept = kept(fleet.place());
    if kept.exists() {
        return Ok(());
    }
    let stack = fleet.stack();
    let redis = &stack.urls().redis;
    let before: i64 = ask(redis, &["LASTSAVE"]).await?;
    // LASTSAVE counts seconds.
    sleep(Duration::from_secs(1)).await;
    tell(redis, &["BGSAVE", "SCHEDULE"]).await?;
    let deadline = Instant::now() + SAVED_WITHIN;
    while ask::<i64>(redis, &["LASTSAVE"]).await? == before {
        ensure!(Instant::now() < deadline, "Redis does not save a snapshot");
        sleep(Duration::from_millis(50)).await;
    }
    fs::copy(stack.data_dir(Server::Redis).join(SNAPSHOT), kept).context("keep a snapshot").map(drop)
}

fn kept(place: &Path) -> PathBuf {
    place.join("redis-snapshot.rdb")
}

/// As an operator restores one under `appendonly yes`: as the base of an append-only file that has nothing else. It is used up:
/// the next one is of a later time.
fn put_back(data: &Path, snapshot: &Path) -> anyhow::Result<()> {
    let directory = data.join(LOG_DIRECTORY);
    fs::remove_dir_all(&directory)?;
    fs::create_dir(&directory)?;
    let base = "appendonly.aof.1.base.rdb";
    fs::copy(snapshot, directory.join(base)).context("no snapshot is kept")?;
    fs::write(directory.join(MANIFEST), format!("file {base} seq 1 type b\n"))?;
    Ok(fs::remove_file(snapshot)?)
}

/// Cuts off up to half of what was appended last.
fn truncate(directory: &Path, fraction: f64) -> anyhow::Result<()> {
    let mut parts: Vec<_> = fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    parts.retain(|part| part.file_name().to_string_lossy().contains(".incr."));
    parts.sort_by_key(|part| part.file_name());
    let path = parts.last().context("Redis has no append-only file")?.path();
    let file = fs::File::options().write(true).open(&path)?;
    let length = file.metadata()?.len();
    Ok(file.set_len(length - (length as f64 * fraction / 2.0) as u64)?)
}

async fn every_ingest_says_so(fleet: &Fleet) -> anyhow::Result<()> {
    let deadline = Instant::now() + TOLD_WITHIN;
    for address in fleet.addresses(Service::Ingest) {
        loop {
            let answer = Connection::to(address).get("/readyz").await;
            let told = answer.is_ok_and(|(status, body)| status == 503 && String::from_utf8_lossy(&body).contains("evicts"));
            if told {
                break;
            }
            ensure!(Instant::now() < deadline, "the ingest at {address} does not say that Redis evicts counters");
            sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}
