//! Counts against rows, after the count job; in MySQL, and as the api shows them.

use std::time::Duration;

use anyhow::ensure;
use consumer::counts::{self, Counted};
use store::Store;
use tokio::time::{Instant, sleep};

use crate::history::{
    record::Series,
    report::{Kind, Report},
};

/// How long other runs of the job are waited for.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// Has the count job run now, as `chatctl counts run` does, until there is nothing left to count.
pub(crate) async fn bring_up_to_date(store: &Store) -> anyhow::Result<()> {
    let deadline = Instant::now() + COUNTED_WITHIN;
    while counts::run(store).await? != Counted::Marks(0) {
        ensure!(Instant::now() < deadline, "the counts were not brought up to date within {} s", COUNTED_WITHIN.as_secs());
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Holds a count against how many rows there are.
pub(crate) fn check(series: Series, counted_by: &str, count: u64, rows: usize, report: &mut Report) {
    report.figures.counts += 1;
    if count != rows as u64 {
        let what = format!("{series}: {rows}, and {counted_by} counts {count}");
        report.violation(Kind::WrongCount, what, None::<&str>);
    }
}
