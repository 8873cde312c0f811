//! The record: which epoch's counters a Redis process holds.

use std::fmt;

use events::Epoch;

/// What Redis' record key says: this epoch was opened in the server process with this run id. For any other (the server
/// restarted, a replica was promoted) the same text is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The epoch.
    pub epoch: Epoch,
    /// Who the server is, as [`Sequencer::adopt`](crate::Sequencer::adopt) told: 64 letters and digits, others after each start,
    /// each promotion and each eviction of a key.
    pub run_id: String,
}

impl Record {
    /// Where the name of a server process ends and the number of keys that it had evicted begins.
    pub(crate) const EVICTED_KEYS_AT: usize = 48;

    /// How many keys the server had evicted, in digits as the end of its run id.
    pub(crate) fn evicted_keys(&self) -> &str {
        self.run_id.get(Self::EVICTED_KEYS_AT..).unwrap_or_default()
    }

    /// Whether it was written in the process that goes by `run_id`, however many keys that has evicted since.
    pub fn is_of_process(&self, run_id: &str) -> bool {
        self.run_id.get(..Self::EVICTED_KEYS_AT).is_some_and(|process| run_id.starts_with(process))
    }

    /// Reads what [`Display`](fmt::Display) wrote. What is not a record counts as none.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (epoch, run_id) = std::str::from_utf8(text).ok()?.split_once('/')?;
        let digits = epoch.bytes().all(|byte| byte.is_ascii_digit());
        (digits && is_run_id(run_id)).then_some(())?;
        Some(Self { epoch: Epoch::new(epoch.parse().ok()?), run_id: run_id.to_owned() })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.epoch, self.run_id)
    }
}

/// Whether a text has the form of a run id. It goes into the scripts' text, so nothing else may pass.
pub(crate) fn is_run_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_what_is_none_is_told() {
        let record = Record { epoch: Epoch::new(7), run_id: "0a1b".into() };
        assert_eq!(Record::parse(record.to_string().as_bytes()), Some(record));
        for text in ["", "/", "7", "7/", "/0a1b", "+7/0a1b", "x/0a1b", "7/0a/1b", "7/0a'1b", "99999999999999999999/0a1b"] {
            assert_eq!(Record::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Record::parse(b"7/\xff"), None);
    }
}
