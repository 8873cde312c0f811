//! The demo's result as a table, and the first few differences in words.

use std::fmt;
use std::time::Duration;

use crate::text::thousands;

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) plays: u64,
    pub(crate) scenes: u64,
    pub(crate) speeches: u64,
    /// Messages whose creation was answered with a number, and how long that took from the first request on.
    pub(crate) accepted: Done,
    /// Messages that the lists show as they were sent; until then.
    pub(crate) stored: Done,
    /// Messages of the chats of which the index finds all; until then.
    pub(crate) searchable: Done,
    /// From the first message's answer until the index found it.
    pub(crate) first_searchable: Duration,
    pub(crate) searches: u64,
    pub(crate) hits: u64,
    pub(crate) scanned: u64,
    pub(crate) retried: u64,
    pub(crate) unsure: u64,
    pub(crate) differences: Vec<String>,
}

/// So many, in so much time.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) count: u64,
    pub(crate) took: Duration,
}

const SHOWN_DIFFERENCES: usize = 10;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (label, count) in [("plays (applications)", self.plays), ("scenes (chats)", self.scenes)] {
            row(f, label, count, "")?;
        }
        row(f, "speeches (messages)", self.speeches, "   seconds  messages/s")?;
        for (label, done) in [("accepted", self.accepted), ("stored", self.stored), ("searchable", self.searchable)] {
            row(f, label, done.count, &done.speed())?;
        }
        writeln!(f, "{:<31}{:>9.2} s", "first message searchable after", self.first_searchable.as_secs_f64())?;
        row(f, "searches", self.searches, &format!("   {} messages found", thousands(self.hits)))?;
        if self.scanned > 0 {
            row(f, "of them without the index", self.scanned, "")?;
        }
        if self.retried > 0 {
            row(f, "requests sent again", self.retried, "")?;
        }
        if self.unsure > 0 {
            row(f, "stored though unanswered", self.unsure, "")?;
        }
        row(f, "differences", self.differences.len() as u64, "")?;
        for difference in self.differences.iter().take(SHOWN_DIFFERENCES) {
            writeln!(f, "  {difference}")?;
        }
        match self.differences.len().saturating_sub(SHOWN_DIFFERENCES) {
            0 => Ok(()),
            more => writeln!(f, "  … and {more} more"),
        }
    }
}

impl Done {
    fn speed(&self) -> String {
        let seconds = self.took.as_secs_f64();
        let rate = if seconds > 0.0 { self.count as f64 / seconds } else { 0.0 };
        format!("{seconds:>10.2}{:>12}", thousands(rate as u64))
    }
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, count: u64, more: &str) -> fmt::Result {
    writeln!(f, "{label:<28}{:>12}{more}", thousands(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_run_has_a_short_table() {
        let done = |seconds| Done { count: 30_586, took: Duration::from_secs_f64(seconds) };
        let report = Report {
            plays: 37,
            scenes: 758,
            speeches: 30_586,
            accepted: done(2.0),
            stored: done(2.5),
            searchable: done(3.25),
            first_searchable: Duration::from_millis(640),
            searches: 3_700,
            hits: 81_000,
            ..Report::default()
        };
        let expected = "\
plays (applications)                  37
scenes (chats)                       758
speeches (messages)               30,586   seconds  messages/s
accepted                          30,586      2.00      15,293
stored                            30,586      2.50      12,234
searchable                        30,586      3.25       9,411
first message searchable after      0.64 s
searches                           3,700   81,000 messages found
differences                            0
";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn many_differences_do_not_flood_the_screen() {
        let differences = (0..25).map(|number| format!("difference {number}")).collect();
        let text = Report { differences, ..Report::default() }.to_string();
        assert!(text.contains("difference 9\n  … and 15 more\n") && !text.contains("difference 10"), "{text}");
    }
}
