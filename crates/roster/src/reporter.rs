//! Has a replica report for as long as it runs.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::Timestamp;
use service::telemetry::Telemetry;
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{Error, Heard, Own, Roster, Status, Wishes};

/// Between two reports.
const EVERY: Duration = Duration::from_secs(2);

/// One replica's reports.
pub struct Reporter {
    roster: Roster,
    telemetry: Telemetry,
    status: Status,
    started: Instant,
}

impl Reporter {
    /// Of the replica of `service` that listens at `address`, and was started now.
    pub fn new(roster: Roster, telemetry: Telemetry, service: &str, address: SocketAddr) -> Self {
        let status = Status {
            service: service.to_owned(),
            instance: format!("{:016x}", rand::random::<u64>()),
            place: format!("{}:{}", host(), address.port()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: Timestamp::now(),
            uptime_ms: 0,
            figures: None,
            own: Own::default(),
        };
        Self { roster, telemetry, status, started: Instant::now() }
    }

    /// Reports in the background until `stop`, and says goodbye then.
    pub fn start(self, stop: CancellationToken) {
        tokio::spawn(self.run(Own::default, None, stop));
    }

    /// As [`Reporter::start`], for a consumer: `own` is asked before each report, and `count` is told of wishes to count.
    pub fn start_of_consumer(self, own: impl Fn() -> Own + Send + 'static, count: Arc<Notify>, stop: CancellationToken) {
        tokio::spawn(self.run(own, Some(count), stop));
    }

    async fn run(mut self, own: impl Fn() -> Own, count: Option<Arc<Notify>>, stop: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_watched = false;
        let mut wishes = if count.is_some() { Wishes::Awaited } else { Wishes::Ignored };
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.status.own = own();
            match self.report(wishes, is_watched).await {
                Ok(heard) => {
                    if let Some(count) = &count {
                        wishes = if heard.count_now { Wishes::Begun } else { Wishes::Awaited };
                        if heard.count_now {
                            count.notify_one();
                        }
                    }
                    // Who has just come to look is not kept waiting for the next turn.
                    if heard.is_watched && !is_watched {
                        ticks.reset_immediately();
                    }
                    is_watched = heard.is_watched;
                }
                Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "this replica could not report"),
            }
        }
        if let Err(error) = self.roster.leave(&self.status.instance).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "this replica could not say goodbye");
        }
    }

    async fn report(&mut self, wishes: Wishes, is_watched: bool) -> Result<Heard, Error> {
        self.status.figures = None;
        if is_watched {
            // Writing all metrics takes a moment, in which no request should wait.
            let telemetry = self.telemetry.clone();
            self.status.figures = spawn_blocking(move || telemetry.figures()).await.ok();
        }
        self.status.uptime_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.roster.report(&self.status, wishes).await
    }
}

/// What this machine or container calls itself. Where a service may see no more of `/proc` than processes, as under systemd, the
/// kernel's own word is hidden, and the file has what the machine was named.
fn host() -> String {
    first_name(["/proc/sys/kernel/hostname", "/etc/hostname"].map(|path| std::fs::read_to_string(path).unwrap_or_default()))
}

fn first_name(said: [String; 2]) -> String {
    // The file may hold comments (hostname(5)).
    let mut names = said.iter().flat_map(|text| text.lines()).map(str::trim);
    let name = names.find(|name| !name.is_empty() && !name.starts_with('#'));
    name.unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_the_first_name_that_can_be_read() {
        for (kernel, file, name) in
            [("one\n", "two\n", "one"), ("", "two\n", "two"), ("\n", "# named by hand\n\n two \n", "two"), ("", "", "unknown")]
        {
            assert_eq!(first_name([kernel.to_owned(), file.to_owned()]), name);
        }
    }
}
