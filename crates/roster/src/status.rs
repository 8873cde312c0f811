//! What a replica says of itself. It crosses versions while a release is rolled out: what is added later has a default, and what
//! is unknown is passed over.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use service::telemetry::Figures;

/// A replica's report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// `api`, `ingest` or `consumer`.
    pub service: String,
    /// Which replica. One that is started again is another.
    pub instance: String,
    /// Where it runs and listens: the host's name and the port.
    pub place: String,
    /// Of which version it is.
    pub version: String,
    /// When it was started, by its own clock.
    pub started_at: Timestamp,
    /// How long ago that was, in milliseconds, by a clock that nobody sets.
    pub uptime_ms: u64,
    /// What it has measured since then; only said while somebody looks.
    #[serde(default)]
    pub figures: Option<Figures>,
    /// What only its service can say.
    #[serde(default)]
    pub own: Own,
}

/// What a consumer says beside its figures; of other services it is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Own {
    /// The partitions that it has taken messages of, each once.
    #[serde(default)]
    pub taken: Vec<Taken>,
    /// Its last run of the count job.
    #[serde(default)]
    pub counted: Option<CountRun>,
    /// How often it brings the counts up to date, in seconds.
    #[serde(default)]
    pub counts_every_s: Option<u64>,
}

/// That a partition's messages are delivered to this replica. A queue has one consumer at a time, so of several that say so it is
/// the one to which it delivered last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The partition.
    pub partition: u16,
    /// How long ago the last one came, in milliseconds.
    pub ago_ms: u64,
}

/// A run of the count job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountRun {
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What came of it.
    pub outcome: CountOutcome,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountOutcome {
    /// So many counts were brought up to date.
    Marks(u64),
    /// Another process was at it.
    Elsewhere,
    /// MySQL failed; the log says how.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_another_version_is_read() {
        let older = r#"{"service":"ingest","instance":"1f","place":"one:8080","version":"0.0.9",
            "started_at":"2026-01-02T03:04:05.678Z","uptime_ms":9}"#;
        let status: Status = serde_json::from_str(older).unwrap();
        assert_eq!((status.own, status.figures), (Own::default(), None));
        let newer = r#"{"service":"consumer","instance":"1f","place":"one:9090","version":"9.0.0","of_a_later_release":{"a":[1]},
            "started_at":"2026-01-02T03:04:05.678Z","uptime_ms":9,"figures":{"values":{"chat_x":1.5},"others":1},
            "own":{"taken":[{"partition":1,"ago_ms":7,"more":true}],
                   "counted":{"at":"2026-01-02T03:04:05.678Z","took_ms":3,"outcome":{"marks":4}}}}"#;
        let status: Status = serde_json::from_str(newer).unwrap();
        assert_eq!(status.own.taken, [Taken { partition: 1, ago_ms: 7 }]);
        assert_eq!(status.own.counted.map(|run| run.outcome), Some(CountOutcome::Marks(4)));
        assert_eq!(status.figures.map(|figures| figures.value("chat_x")), Some(1.5));
    }
}
