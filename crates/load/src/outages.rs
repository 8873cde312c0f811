//! Each of the four servers away for half a minute, killed or paused, and each service stopped as an orchestrator stops it, in
//! the middle of the load.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use devstack::{Server, Stack};
use futures_util::future::join_all;
use localsystem::{Binaries, LocalSystem, Options, Service};
use say::say;
use tokio::time::sleep;

use crate::{
    check::{check, verdict},
    found::{Place, found_by_index},
    probe::{Kind, probe},
    rounds::database,
    run::{Acknowledged, Outcome, Plan, run},
    scenario::Scenario,
};

const CHATS: usize = 50;
const CLIENTS: u32 = 64;
/// All goes well for so long before a fault.
const BEFORE: Duration = Duration::from_secs(3);
const OUTAGE: Duration = Duration::from_secs(30);
const OUTAGES: [Outage; 6] = [
    Outage { server: Server::Mysql, way: Way::Killed },
    Outage { server: Server::Redis, way: Way::Killed },
    Outage { server: Server::Rabbitmq, way: Way::Killed },
    Outage { server: Server::Elasticsearch, way: Way::Killed },
    // Those that hold what was acknowledged: their connections stay open, and nothing is answered on them.
    Outage { server: Server::Mysql, way: Way::Paused },
    Outage { server: Server::Rabbitmq, way: Way::Paused },
];
/// Enough for a server to start and for all to be right again.
const AFTER: Duration = Duration::from_secs(35);
/// The load that a service is stopped under, and started again.
const STOPPING: Duration = Duration::from_secs(20);

/// How a server is taken away, and comes back.
#[derive(Clone, Copy)]
enum Way {
    /// SIGKILL, and started again.
    Killed,
    /// SIGSTOP and SIGCONT.
    Paused,
}

#[derive(Clone, Copy)]
struct Outage {
    server: Server,
    way: Way,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Killed => "killed",
            Way::Paused => "paused",
        };
        write!(f, "{}, {way}", self.server)
    }
}

/// Prints what was answered during each outage and how soon all was right again; fails if an acknowledged create is lost.
pub(crate) async fn outages() -> anyhow::Result<()> {
    let progress = devstack::for_terminal();
    let mut system = LocalSystem::start(Binaries::build().await?, Options::temporary(), progress.as_ref()).await?;
    let (api, ingest) = (system.address(Service::Api), system.address(Service::Ingest));
    let scenario = Arc::new(Scenario::create("outages", CHATS, api, ingest).await?);
    let aside = Scenario::create("aside", 2, api, ingest).await?;
    let place = Place { api, ingest, messages: aside.path(1).to_owned() };
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    let plan = |run, duration| Plan { target: ingest, scenario: scenario.clone(), clients: CLIENTS, duration, run, keep: true };

    say!("| away | request | right meanwhile | refused | slowest answer, s | right again, s after its return |");
    say!("|---|---|---|---|---|---|");
    for (turn, outage) in (1..).zip(OUTAGES) {
        let until = Instant::now() + BEFORE + OUTAGE + AFTER;
        let probes = join_all(kinds(&system, &aside).map(|kind| probe(kind, until)));
        let load = run(plan(turn, BEFORE + OUTAGE + AFTER));
        let away = async {
            let (fault, back) = take_away(system.stack(), outage).await?;
            anyhow::Ok((fault, back, found_by_index(&place, turn, back).await))
        };
        let (load, probes, away) = tokio::join!(load, probes, away);
        let (fault, back, found) = away?;
        acknowledged.extend(load?.acknowledged);
        for report in probes.iter().map(|probes| probes.report(fault, back)) {
            say!("| {outage} | {report} |");
        }
        let found = found.map_or("not found".to_owned(), |found| format!("{:.2}", found.as_secs_f64()));
        say!("| {outage} | new text found by the index | | | | {found} |");
    }

    say!("\n| SIGTERM to | ended, s | creates acknowledged | refused | unanswered |");
    say!("|---|---|---|---|---|");
    for (turn, service) in (100..).zip(Service::ALL) {
        let (load, ended) = tokio::join!(run(plan(turn, STOPPING)), stop_and_start(&mut system, service));
        let Outcome { acknowledged: creates, refused, unanswered, .. } = load?;
        say!("| {service} | {:.2} | {} | {refused} | {unanswered} |", ended?.as_secs_f64(), creates.len());
        acknowledged.extend(creates);
    }

    let findings = check(&database(&system)?, &scenario, &acknowledged, Duration::from_secs(300)).await?;
    say!("\n{findings}");
    system.down().await?;
    verdict(&findings)
}

/// A create, a read and a search, all in a chat that the load leaves alone.
fn kinds(system: &LocalSystem, aside: &Scenario) -> [Kind; 3] {
    let (api, ingest) = (system.address(Service::Api), system.address(Service::Ingest));
    let messages = aside.path(0);
    [
        Kind { name: "create", address: ingest, path: messages.to_owned(), body: Some(r#"{"body":"a word aside"}"#) },
        Kind { name: "read", address: api, path: format!("{messages}?limit=1"), body: None },
        Kind { name: "search", address: api, path: format!("{messages}/search?query=aside&limit=1"), body: None },
    ]
}

/// Takes a server away for half a minute; when it went, and when it answered again.
async fn take_away(stack: &Stack, Outage { server, way }: Outage) -> anyhow::Result<(Instant, Instant)> {
    sleep(BEFORE).await;
    let fault = Instant::now();
    match way {
        Way::Killed => stack.kill(server).await?,
        Way::Paused => stack.pause(server)?,
    }
    sleep(OUTAGE).await;
    match way {
        Way::Killed => stack.start(server).await?,
        Way::Paused => stack.resume(server)?,
    }
    Ok((fault, Instant::now()))
}

/// Stops a service under load and starts it again; how long its end took.
async fn stop_and_start(system: &mut LocalSystem, service: Service) -> anyhow::Result<Duration> {
    sleep(BEFORE).await;
    let asked = Instant::now();
    system.stop_service(service).await?;
    let ended = asked.elapsed();
    system.start_service(service).await?;
    Ok(ended)
}
