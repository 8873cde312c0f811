//! What the load generator itself costs: it shares the processors with what it measures, so every figure is lower by it. It is
//! held against `wrk`, which is as cheap as a generator can be that looks at no answer.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail, ensure};
use tokio::{process::Command, time::timeout};

use super::{
    processes::{Account, Group},
    row::Row,
    scratch::Scratch,
    series::Series,
    world::World,
};

const CLIENTS: u32 = 64;
/// What `wrk` needs beyond the time that it is to measure.
const MARGIN: Duration = Duration::from_secs(15);
/// Tells `wrk` to send creates.
const SCRIPT: &str = "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n\
    wrk.body = '{\"body\":\"run 1 client 1 says for the 1th time that all the world\\'s a stage\"}'\n";

/// Requests a second, and microseconds of the generator's own processor time for each.
#[derive(Default)]
struct Measured {
    rate: Series,
    cost_us: Series,
}

/// Adds the rows.
pub(super) async fn measure(world: &mut World) -> anyhow::Result<()> {
    let scenario = world.scenario("generator", 1).await?;
    world.settled().await?;
    let script = Scratch::new("wrk.lua");
    std::fs::write(script.path(), SCRIPT)?;
    let (mut ours, mut wrk) = (Measured::default(), Measured::default());
    let me = Group { name: "load generator", roots: vec![std::process::id()], with_children: false };
    let (echo, duration) = (world.echo.address, world.effort.duration);
    for round in 1..=world.effort.rounds {
        eprintln!("generator: round {round} of {}", world.effort.rounds);
        let before = Account::now()?;
        let outcome = world.pretend(echo, &scenario, CLIENTS, duration).await?;
        let spent = Account::now()?.of(&me).saturating_sub(before.of(&me));
        ours.rate.push(outcome.rate());
        ours.cost_us.push(spent as f64 / outcome.latency_us.len().max(1) as f64);

        let before = Account::now()?.of_ended_children(std::process::id());
        let output = run_wrk(&format!("http://{echo}{}", scenario.path(0)), script.path(), duration).await?;
        let spent = Account::now()?.of_ended_children(std::process::id()).saturating_sub(before);
        let (rate, requests) = read(&output).with_context(|| format!("wrk says what is not understood: {output}"))?;
        wrk.rate.push(rate);
        wrk.cost_us.push(spent as f64 / requests.max(1.0));
    }
    let what = format!("bare echo, {CLIENTS} connections");
    let rate =
        Row::plain(format!("{what}, asked by the load generator"), "a second", ours.rate).against("asked by wrk", wrk.rate);
    let cost = Row::plain(format!("{what}, the load generator's own time"), "µs of processor time a request", ours.cost_us);
    world.rows.extend([rate, cost.against("wrk's own time", wrk.cost_us)]);
    Ok(())
}

async fn run_wrk(url: &str, script: &Path, duration: Duration) -> anyhow::Result<String> {
    let seconds = duration.as_secs().max(1);
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--connections", &CLIENTS.to_string(), "--duration", &format!("{seconds}s"), "--script"]);
    wrk.arg(script).arg(url).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(duration + MARGIN, wrk.output()).await.context("wrk takes too long")?;
    let output = output.context("wrk cannot be run: apt-get install wrk")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "wrk has failed: {text}");
    if text.contains("Non-2xx") {
        bail!("the echo refuses what wrk sends: {text}");
    }
    Ok(text)
}

/// `Requests/sec:  12345.67` and `  12345 requests in 1.00s, 2.34MB read`.
fn read(output: &str) -> Option<(f64, f64)> {
    let rate = output.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:")?.trim().parse().ok())?;
    let requests = output.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())?;
    Some((rate, requests))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_read() {
        let output = "Running 1s test @ http://127.0.0.1:1/x\n  1 threads and 64 connections\n  Thread Stats   Avg      Stdev\n\
                      \x20   Latency     1.02ms  300.00us\n  61234 requests in 1.10s, 9.81MB read\nRequests/sec:  55667.27\n\
                      Transfer/sec:  8.9MB\n";
        assert_eq!(read(output), Some((55_667.27, 61_234.0)));
        assert_eq!(read("wrk: command failed"), None);
    }
}
