//! What a server process tells of itself: who it is, and whether it may give numbers.
//!
//! A connection cannot outlive its server process: what is read and what is done on it concern the same one. So the plain
//! connection that is made here must never reconnect by itself.

use deadpool_redis::redis::{AsyncConnectionConfig, aio::MultiplexedConnection, cmd};
use redislink::{Greeting, Primary, info_field, is_primary};

use crate::{Error, Outage, Settings, meters, reply};

/// The lowest version: before it, scripts were kept in snapshots and so outlived their process.
const LOWEST_MAJOR_VERSION: u32 = 7;

/// Opens a connection that ends when it is dropped. Bounded by the connect timeout, and by that of the Sentinels, where there are
/// any.
pub(crate) async fn connect(primary: &Primary, settings: &Settings) -> Result<MultiplexedConnection, Error> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(settings.response_timeout()));
    let connected = primary.connect(&config, settings.connect_timeout(), settings.response_timeout()).await;
    connected.map_err(|failure| Outage::from(failure).into())
}

/// What the shared connection is asked before it is lent: who is at its other end.
pub(crate) struct Identity;

impl Greeting for Identity {
    type Peer = String;
    type Outage = Outage;

    async fn greet(&self, mut connection: MultiplexedConnection) -> Result<String, Outage> {
        run_id(&cmd("INFO").query_async::<String>(&mut connection).await.map_err(Outage::Connection)?)
    }
}

/// Who is at the other end, if it is fit to give numbers.
pub(crate) async fn fit_run_id(connection: &mut MultiplexedConnection) -> Result<String, Error> {
    let info: String = cmd("INFO").query_async(connection).await?;
    check_fitness(&info)?;
    Ok(run_id(&info)?)
}

/// Who tells this by `INFO`: a primary, by the beginnings of its `run_id` (32 digits) and of its replication id (16 digits), and
/// how many keys it has evicted (16 digits).
///
/// The `run_id` alone is not enough. A primary that becomes a replica takes over another's data, perhaps older, and keeps its
/// `run_id`; its replication id is a new one after each promotion. (It may also change when the first replica comes or the last
/// one has been gone for long. That costs an epoch and does no harm.)
///
/// An evicted counter looks like one that was never there, in an epoch whose numbers are still on their way. So a process that
/// has evicted keys counts as another.
///
/// # Errors
/// [`Outage::Replica`]; [`Outage::Refused`] when the ids are not told.
pub(crate) fn run_id(info: &str) -> Result<String, Outage> {
    // A replica refuses the record; an epoch that is opened for it would only fence off the primary's.
    if !is_primary(info) {
        return Err(Outage::Replica);
    }
    let id = |name| info_field(info, name).filter(|id| id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let evicted = info_field(info, "evicted_keys").and_then(|keys| keys.parse::<u64>().ok());
    match (id("run_id"), id("master_replid"), evicted) {
        (Some(run_id), Some(replication_id), Some(evicted)) => {
            Ok(format!("{}{}{evicted:016}", &run_id[..32], &replication_id[..16]))
        }
        _ => Err(Outage::Refused(reply::malformed())),
    }
}

/// Judges what `INFO` tells, and notes it among the metrics.
///
/// # Errors
/// [`Error::Unfit`].
pub(crate) fn check_fitness(info: &str) -> Result<(), Error> {
    let version = info_field(info, "redis_version").ok_or_else(reply::unexpected)?;
    let policy = info_field(info, "maxmemory_policy").ok_or_else(reply::unexpected)?;
    let major = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    let too_old = major < LOWEST_MAJOR_VERSION;
    // Policies that spare keys without expiry spare counters, but not the records of idempotency keys.
    let evicts = policy != "noeviction";
    meters::unfit(too_old, evicts);
    if too_old {
        return Err(Error::Unfit(format!("version {version} is too old, {LOWEST_MAJOR_VERSION} or later is needed")));
    }
    if evicts {
        return Err(Error::Unfit(format!("maxmemory-policy {policy} evicts what numbers rest on, set noeviction")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use events::Epoch;

    use super::*;
    use crate::Record;

    fn info(version: &str, policy: &str, role: &str, replid: char, evicted: u64) -> String {
        let (run_id, replid) = ("0a1b".repeat(10), replid.to_string().repeat(40));
        format!(
            "# Server\r\nredis_version:{version}\r\nrun_id:{run_id}\r\nmaxmemory_policy:{policy}\r\n\
             # Stats\r\nevicted_keys:{evicted}\r\n# Replication\r\nrole:{role}\r\nmaster_replid:{replid}\r\nmaster_replid2:{replid}\r\n"
        )
    }

    #[test]
    fn a_recent_server_that_evicts_nothing_is_fit() {
        for version in ["7.0.0", "8.0.6", "10.1"] {
            assert!(check_fitness(&info(version, "noeviction", "master", 'a', 0)).is_ok(), "{version}");
        }
    }

    #[test]
    fn an_old_or_an_evicting_server_is_unfit_and_the_words_say_why() {
        let unfit = [
            ("6.2.14", "noeviction", "6.2.14"),
            ("8.0.6", "allkeys-lru", "allkeys-lru"),
            ("8.0.6", "volatile-ttl", "volatile-ttl"),
        ];
        for (version, policy, word) in unfit {
            match check_fitness(&info(version, policy, "master", 'a', 0)) {
                Err(Error::Unfit(why)) => assert!(why.contains(word), "{why}"),
                other => panic!("{version} {policy}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_promotion_or_an_eviction_makes_a_process_another_and_a_replica_is_none() {
        let before = run_id(&info("8.0.6", "noeviction", "master", 'a', 0)).unwrap();
        let promoted = run_id(&info("8.0.6", "noeviction", "master", 'b', 0)).unwrap();
        let evicted = run_id(&info("8.0.6", "noeviction", "master", 'a', 7)).unwrap();
        assert_eq!(before.len(), 64);
        assert_ne!(before, promoted);
        assert_ne!(before, evicted);
        let record = Record { epoch: Epoch::new(1), run_id: before };
        assert_eq!((record.is_of_process(&evicted), record.is_of_process(&promoted)), (true, false));
        assert_eq!(record.evicted_keys(), "0000000000000000");
        let outcome = run_id(&info("8.0.6", "noeviction", "slave", 'a', 0));
        assert!(matches!(outcome, Err(Outage::Replica)), "{outcome:?}");
    }
}
