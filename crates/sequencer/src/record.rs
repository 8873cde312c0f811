//! The record: which epoch's counters a Redis process holds.

use std::fmt;

use events::Epoch;

/// What Redis' record key says: this epoch was opened in the server process with this run id. For any other (the server restarted,
/// a replica was promoted) the same text is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The epoch.
    pub epoch: Epoch,
    /// Who the server is, as [`Sequencer::adopt`](crate::Sequencer::adopt) told: 64 letters and digits, others after each start and
    /// each promotion of a server process.
    pub run_id: String,
}

impl Record {
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
