//! The list itself, as it lies in Redis: `<prefix>roster` holds when each replica last reported, `<prefix>roster:reports` what,
//! and `<prefix>roster:count` is there while somebody wishes that the counts be brought up to date (`now`, then which replica has
//! been told), `<prefix>roster:watched` while somebody looks. All of it expires. `<prefix>backup` is written by `redis-backup`.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use deadpool_redis::redis::{Script, ScriptInvocation, cmd};
use domain::Timestamp;
use redislink::{Link, Primary};
use tokio::time::timeout;

use crate::{
    Error, Status,
    greeting::{IsPrimary, LINK},
};

/// Every call's deadline.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// For so long a report counts: five times as long as until the next one.
pub(crate) const COUNTS_FOR: Duration = Duration::from_secs(10);
/// A wish to count that no consumer takes up is forgotten after this.
const WISHED_FOR: Duration = Duration::from_secs(60);
/// Replicas that are shown at most.
const MAX_REPLICAS: usize = 200;

/// The way to the list. Clones share one connection.
#[derive(Clone)]
pub struct Roster(Arc<Inner>);

struct Inner {
    link: Link<IsPrimary>,
    moments: String,
    reports: String,
    wish: String,
    watched: String,
    backup: String,
    report: Script,
    leave: Script,
    look: Script,
}

/// A replica that is alive.
#[derive(Debug, Clone, PartialEq)]
pub struct Alive {
    /// What it said last.
    pub status: Status,
    /// How long ago.
    pub silent_for: Duration,
}

/// What a replica has to do with wishes to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wishes {
    /// It takes up none.
    Ignored,
    /// It takes one up if there is one, and is told again of one that it has taken up.
    Awaited,
    /// As `Awaited`; but it has heard of the last one, and begun.
    Begun,
}

/// What a replica learns when it reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Somebody wishes that the counts be brought up to date, and this replica is the one to do it.
    pub count_now: bool,
    /// Somebody has looked at the list in the last ten seconds: reports should hold figures.
    pub is_watched: bool,
}

/// What a look at the list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The replicas that are alive, 200 at most, in no order.
    pub replicas: Vec<Alive>,
    /// Whether a wish to count waits for a consumer, or for its word that it has begun.
    pub count_is_wanted: bool,
}

impl Roster {
    /// Begins to connect, on the current tokio runtime. Redis need not be up. `primary` and `key_prefix` are those of the
    /// system's Redis.
    pub fn connect(primary: Primary, key_prefix: &str) -> Self {
        Self(Arc::new(Inner {
            link: Link::start(primary, IsPrimary, LINK),
            moments: format!("{key_prefix}roster"),
            reports: format!("{key_prefix}roster:reports"),
            wish: format!("{key_prefix}roster:count"),
            watched: format!("{key_prefix}roster:watched"),
            backup: format!("{key_prefix}backup"),
            report: Script::new(include_str!("scripts/report.lua")),
            leave: Script::new(include_str!("scripts/leave.lua")),
            look: Script::new(include_str!("scripts/look.lua")),
        }))
    }

    /// Puts a replica's report in the place of its last one. One that awaits wishes may be told to count.
    ///
    /// # Errors
    /// [`Error`], within half a second.
    pub async fn report(&self, status: &Status, wishes: Wishes) -> Result<Heard, Error> {
        // Every part of a report has a JSON form.
        let report = serde_json::to_string(status).unwrap_or_default();
        let mut call = self.0.report.prepare_invoke();
        call.key(&self.0.moments).key(&self.0.reports).key(&self.0.wish).key(&self.0.watched);
        call.arg(&status.instance).arg(report).arg(millis(COUNTS_FOR)).arg(match wishes {
            Wishes::Ignored => 0,
            Wishes::Awaited => 1,
            Wishes::Begun => 2,
        });
        let (count_now, is_watched) = self.in_time(self.invoke(&call)).await?;
        Ok(Heard { count_now, is_watched })
    }

    /// Removes a replica's report: it stops.
    ///
    /// # Errors
    /// [`Error`], within half a second. The report expires all the same.
    pub async fn leave(&self, instance: &str) -> Result<(), Error> {
        let mut call = self.0.leave.prepare_invoke();
        call.key(&self.0.moments).key(&self.0.reports).arg(instance);
        self.in_time(self.invoke(&call)).await
    }

    /// Who is alive; for ten seconds from now they say what they measure. A report that cannot be read, of a later version
    /// perhaps, is left out.
    ///
    /// # Errors
    /// [`Error`], within half a second.
    pub async fn look(&self) -> Result<Seen, Error> {
        let mut call = self.0.look.prepare_invoke();
        call.key(&self.0.moments).key(&self.0.reports).key(&self.0.wish).key(&self.0.watched);
        call.arg(millis(COUNTS_FOR)).arg(MAX_REPLICAS);
        let (count_is_wanted, seen): (bool, Vec<String>) = self.in_time(self.invoke(&call)).await?;
        let replicas = seen.chunks_exact(2).filter_map(|pair| {
            let (silent_for, status) = (pair[0].parse().ok()?, serde_json::from_str(&pair[1]).ok()?);
            Some(Alive { status, silent_for: Duration::from_millis(silent_for) })
        });
        Ok(Seen { replicas: replicas.collect(), count_is_wanted })
    }

    /// Wishes that the counts be brought up to date now: the first consumer that reports, mostly within two seconds, does it.
    /// While one wish waits another changes nothing, and it is forgotten after a minute.
    ///
    /// # Errors
    /// [`Error`], within half a second.
    pub async fn ask_to_count(&self) -> Result<(), Error> {
        let mut set = cmd("SET");
        set.arg(&self.0.wish).arg("now").arg("PX").arg(millis(WISHED_FOR));
        self.in_time(async { Ok(set.query_async(&mut self.0.link.lent().await?.connection()).await?) }).await
    }

    /// When Redis was last backed up, to a second, by the clock of who did it; `None` if it does not know of any.
    ///
    /// # Errors
    /// [`Error`], within half a second.
    pub async fn backed_up_at(&self) -> Result<Option<Timestamp>, Error> {
        let mut get = cmd("GET");
        get.arg(&self.0.backup);
        let noted: Option<String> =
            self.in_time(async { Ok(get.query_async(&mut self.0.link.lent().await?.connection()).await?) }).await?;
        // Whatever else somebody has put there tells of none.
        let seconds = noted.and_then(|noted| noted.parse::<i64>().ok());
        Ok(seconds.and_then(|seconds| Timestamp::from_unix_millis(seconds.checked_mul(1000)?)))
    }

    async fn invoke<T>(&self, call: &ScriptInvocation<'_>) -> Result<T, Error>
    where
        T: deadpool_redis::redis::FromRedisValue,
    {
        Ok(call.invoke_async(&mut self.0.link.lent().await?.connection()).await?)
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        timeout(ANSWER_WITHIN, work).await.unwrap_or(Err(Error::TimedOut))
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster").field("moments", &self.0.moments).finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
