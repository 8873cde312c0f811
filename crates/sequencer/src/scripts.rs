//! The scripts that touch counters: their text for one record, and their names in one server process.

use deadpool_redis::redis::{aio::MultiplexedConnection, pipe};

use crate::{Error, Record, reply};

const GUARD: &str = include_str!("scripts/guard.lua");

/// Stands for the record in the guard's text.
const PLACEHOLDER: &str = "{record}";

/// What scripts that give numbers do for requests with an idempotency key, in the place of the line that stands for it.
const ONCE: &str = include_str!("scripts/once.lua");
const ONCE_LINE: &str = "-- {once}\n";
const EPOCH_PLACEHOLDER: &str = "{epoch}";

/// What keeps scripts from setting a counter that was perhaps evicted, in the place of the line that stands for it.
const EVICTIONS: &str = include_str!("scripts/evictions.lua");
const EVICTIONS_LINE: &str = "-- {evictions}\n";
const EVICTED_PLACEHOLDER: &str = "{evicted}";

/// What stands around scripts that give numbers for clients that are limited, with lines for the algorithm and for the script.
const LIMITED: &str = include_str!("scripts/limited.lua");
const TAKE_LINE: &str = "-- {take}\n";
const ISSUE_LINE: &str = "-- {issue}\n";

/// The SHA1 names of a script that gives numbers, as it is and with the limit around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issuing {
    pub(crate) plain: String,
    pub(crate) limited: String,
}

macro_rules! text {
    ($name:ident) => {
        include_str!(concat!("scripts/", stringify!($name), ".lua"))
    };
}

macro_rules! scripts {
    (issuing: $($issuing:ident),+; others: $($name:ident),+;) => {
        /// The scripts' SHA1 names, as the server gave them when they were loaded.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct Scripts {
            $(pub(crate) $issuing: Issuing,)+
            $(pub(crate) $name: String,)+
        }

        impl Scripts {
            fn texts() -> Vec<String> {
                vec![$(text!($issuing).to_owned(), limited(text!($issuing)),)+ $(text!($name).to_owned(),)+]
            }

            /// The names in the order of the texts.
            fn from_names(names: Vec<String>) -> Result<Self, Error> {
                let mut names = names.into_iter();
                let mut next = || names.next().ok_or_else(reply::unexpected);
                Ok(Self { $($issuing: Issuing { plain: next()?, limited: next()? },)+ $($name: next()?,)+ })
            }
        }
    };
}

scripts! {
    issuing: issue_chat, issue_messages;
    others: issue_in_chats, confirm, seed_application, seed_chat, raise_chats, raise_messages, last_chat, last_message;
}

impl Scripts {
    /// Loads the scripts for `record` into the process at the other end, in which the record was read on this connection.
    pub(crate) async fn load(connection: &mut MultiplexedConnection, record: &Record) -> Result<Self, Error> {
        let mut load_all = pipe();
        for text in Self::texts() {
            load_all.cmd("SCRIPT").arg("LOAD").arg(guarded(&text, record));
        }
        Self::from_names(load_all.query_async(connection).await?)
    }
}

/// The script with the limit between its first line and the rest.
fn limited(text: &str) -> String {
    let (first_line, rest) = text.split_once('\n').unwrap_or((text, ""));
    format!("{first_line}\n{}", LIMITED.replace(TAKE_LINE, gcra::TAKE).replace(ISSUE_LINE, rest))
}

/// The script with the guard between its first line, which must stay the first, and the rest, and with what it shares with
/// others.
fn guarded(text: &str, record: &Record) -> String {
    let (first_line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let guard = GUARD.replace(PLACEHOLDER, &record.to_string());
    let rest = rest.replace(ONCE_LINE, ONCE).replace(EPOCH_PLACEHOLDER, &record.epoch.to_string());
    let rest = rest.replace(EVICTIONS_LINE, EVICTIONS).replace(EVICTED_PLACEHOLDER, record.evicted_keys());
    format!("{first_line}\n{guard}{rest}")
}

#[cfg(test)]
mod tests {
    use events::Epoch;

    use super::*;

    #[test]
    fn every_script_is_guarded_by_the_record_before_it_does_anything() {
        let record = Record { epoch: Epoch::new(7), run_id: "0a1b".into() };
        for text in Scripts::texts() {
            let guarded = guarded(&text, &record);
            assert!(guarded.starts_with("#!lua"), "{guarded}");
            let first_call = guarded.find("redis.call").unwrap();
            assert!(guarded[first_call..].starts_with("redis.call('GET', KEYS[1]) ~= '7/0a1b'"), "{guarded}");
            for left in [PLACEHOLDER, ONCE_LINE, EPOCH_PLACEHOLDER, EVICTIONS_LINE, EVICTED_PLACEHOLDER, TAKE_LINE, ISSUE_LINE] {
                assert!(!guarded.contains(left), "{guarded}");
            }
        }
    }
}
