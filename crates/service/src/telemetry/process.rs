//! What Linux says of this process, under the names that Prometheus' own client libraries use: processor time, memory, files,
//! start.
//!
//! Read when it is asked for; what cannot be read is left out. It must never fail a scrape.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Ticks of a second in `/proc/<pid>/stat`: `USER_HZ`, which is 100 wherever this runs (proc_pid_stat(5)).
const TICKS: f64 = 100.0;

/// This process.
#[derive(Clone)]
pub(super) struct Process {
    /// Reckoned once, or steps of the clock would look like restarts.
    started: f64,
}

impl Process {
    pub(super) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
        Self { started: started(&own("stat"), &fs::read_to_string("/proc/uptime").unwrap_or_default(), now) }
    }

    /// Lines in Prometheus' text form.
    pub(super) fn render(&self) -> String {
        let open = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
        text(&Readings { stat: own("stat"), status: own("status"), limits: own("limits"), open, started: Some(self.started) })
    }
}

fn own(name: &str) -> String {
    fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default()
}

struct Readings {
    stat: String,
    status: String,
    limits: String,
    open: Option<f64>,
    started: Option<f64>,
}

fn text(readings: &Readings) -> String {
    let mut text = String::new();
    let mut tell = |head: &str, value: Option<f64>| {
        if let (Some(value), Some(name)) = (value, head.split(' ').nth(2)) {
            text.push_str(&format!("{head}\n{name} {value}\n\n"));
        }
    };
    let stat = &readings.stat;
    let processor = field(stat, 14).zip(field(stat, 15)).map(|(user, system)| (user + system) / TICKS);
    tell("# TYPE process_cpu_seconds_total counter", processor);
    tell("# TYPE process_resident_memory_bytes gauge", resident(&readings.status));
    tell("# TYPE process_open_fds gauge", readings.open);
    tell("# TYPE process_max_fds gauge", limit(&readings.limits));
    tell("# TYPE process_start_time_seconds gauge", readings.started);
    text
}

/// In seconds since 1970; `stat` tells it in ticks since the machine's own start. Where that is hidden (systemd's
/// `ProcSubset=pid`), it is now: this is asked first thing.
fn started(stat: &str, uptime: &str, now: f64) -> f64 {
    let uptime: Option<f64> = uptime.split(' ').next().and_then(|seconds| seconds.parse().ok());
    let started = uptime.zip(field(stat, 22)).map_or(now, |(uptime, ticks)| now - uptime + ticks / TICKS);
    started.round()
}

/// The field of this number in `stat`, as its manual counts from 1. The second is the program's name in parentheses, which may
/// hold blanks.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(number - 3)?.parse().ok()
}

fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}

/// The soft limit of open files; none where there is no limit.
fn limit(limits: &str) -> Option<f64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4711 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9 0 12000 1 2 3";

    #[test]
    fn the_systems_words_become_lines() {
        let text = text(&Readings {
            stat: STAT.to_owned(),
            status: "Name:\tx\nVmHWM:\t  9000 kB\nVmRSS:\t    2048 kB\n".to_owned(),
            limits: "Limit   Soft Limit  Hard Limit  Units\nMax open files      1024        20000       files\n".to_owned(),
            open: Some(17.0),
            // The machine has run for 1000.5 s, and had for 120 when the process began.
            started: Some(started(STAT, "1000.50 1900.00\n", 1_700_000_000.5)),
        });
        for line in [
            "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 3\n",
            "\nprocess_resident_memory_bytes 2097152\n",
            "\nprocess_open_fds 17\n",
            "\nprocess_max_fds 1024\n",
            "\nprocess_start_time_seconds 1699999120\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let none = String::new;
        let nothing = Readings { stat: none(), status: none(), limits: none(), open: None, started: None };
        assert_eq!(text(&nothing), "");
    }

    #[test]
    fn a_process_that_may_not_see_the_machines_start_began_now() {
        for (stat, uptime) in [(STAT, ""), ("", "1000.50 1900.00\n"), ("", "")] {
            assert_eq!(started(stat, uptime, 1_700_000_000.4), 1_700_000_000.0);
        }
    }

    #[test]
    fn this_process_runs_since_a_moment_ago_in_some_memory() {
        let text = Process::new().render();
        let value = |name: &str| -> f64 {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().parse().unwrap()
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - 3600.0..now + 2.0).contains(&value("process_start_time_seconds")), "{text}");
        assert!(value("process_resident_memory_bytes") > 500_000.0, "{text}");
        assert!(value("process_open_fds") >= 1.0 && value("process_cpu_seconds_total") >= 0.0, "{text}");
    }
}
