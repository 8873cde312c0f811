//! A moment, in UTC and whole milliseconds.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A moment in UTC, cut to milliseconds: MySQL would round finer times and MariaDB cut them, and then what was answered and
/// what is stored would differ. Written as RFC 3339, always with three decimals and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The present moment.
    pub fn now() -> Self {
        Utc::now().into()
    }

    /// The moment so many milliseconds after the beginning of 1970; `None` beyond what a calendar holds.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(millis).map(Self)
    }

    /// This moment, or the millisecond behind `earlier` where this is not later than that: clocks of different machines disagree,
    /// and several edits fit into a millisecond.
    #[must_use]
    pub fn after(self, earlier: Self) -> Self {
        let next = earlier.0.checked_add_signed(TimeDelta::milliseconds(1)).map_or(earlier, Self);
        self.max(next)
    }

    /// Milliseconds since the beginning of 1970.
    pub fn to_unix_millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// The moment that a `DATETIME(3)` column holds.
    pub fn from_naive_utc(naive: NaiveDateTime) -> Self {
        naive.and_utc().into()
    }

    /// What a `DATETIME(3)` column is given.
    pub fn to_naive_utc(self) -> NaiveDateTime {
        self.0.naive_utc()
    }

    /// The moment as a chrono value.
    pub fn to_datetime(self) -> DateTime<Utc> {
        self.0
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment.trunc_subsecs(3))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let moment = DateTime::<Utc>::deserialize(deserializer)?;
        // RFC 3339 writes years with four digits; the parser takes more of them, and a sign, which no table holds.
        if (1..=9999).contains(&moment.year()) {
            Ok(moment.into())
        } else {
            Err(D::Error::custom("moment outside the years 1 to 9999"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_cut_to_milliseconds_and_reads_back() {
        let moment: Timestamp = serde_json::from_str("\"2026-01-02T03:04:05.999999+02:00\"").unwrap();
        assert_eq!(moment.to_string(), "2026-01-02T01:04:05.999Z");
        assert_eq!(Timestamp::from_naive_utc(moment.to_naive_utc()), moment);
        assert_eq!(Timestamp::from_unix_millis(moment.to_unix_millis()), Some(moment));
        assert_eq!(Timestamp::from_unix_millis(i64::MAX), None);
        assert_eq!(
            serde_json::from_str::<Timestamp>("\"2026-01-02T01:04:05Z\"").unwrap().to_string(),
            "2026-01-02T01:04:05.000Z"
        );
    }

    #[test]
    fn a_moment_is_put_behind_another_unless_it_lies_there_already() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        for (now, earlier, expected) in [(9, 7, 9), (8, 7, 8), (7, 7, 8), (1, 7, 8)] {
            assert_eq!(at(now).after(at(earlier)), at(expected), "{now} {earlier}");
        }
    }

    #[test]
    fn a_moment_that_no_table_holds_is_not_read() {
        for year in ["-0001", "0000", "+12345", "+70000", "+262000"] {
            assert!(serde_json::from_str::<Timestamp>(&format!("\"{year}-01-01T00:00:00Z\"")).is_err(), "{year}");
        }
        for year in ["0001", "1970", "9999"] {
            assert!(serde_json::from_str::<Timestamp>(&format!("\"{year}-12-31T00:00:00Z\"")).is_ok(), "{year}");
        }
    }
}
