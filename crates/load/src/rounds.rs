//! The measurement: all kinds of runs in turn, several rounds of them, so that the machine's moods fall on all alike.

use std::{sync::Arc, time::Duration};

use localsystem::{Binaries, LocalSystem, Options, Service};
use say::say;

use crate::{
    check::{Findings, check, verdict},
    echo,
    run::{Acknowledged, Plan, run},
    scenario::Scenario,
    table::{Row, print},
};

const CLIENTS: [u32; 2] = [64, 256];
/// How long the consumer may take to store what was acknowledged.
const STORE_WITHIN: Duration = Duration::from_secs(300);

/// Measures and prints; fails when what is stored differs from what was acknowledged.
pub(crate) async fn measure(rounds: usize, duration: Duration, warm_up: Duration, chats: usize) -> anyhow::Result<()> {
    let progress = devstack::for_terminal();
    let system = LocalSystem::start(Binaries::build().await?, Options::temporary(), progress.as_ref()).await?;
    let echo = echo::start().await?;
    let (api, ingest) = (system.address(Service::Api), system.address(Service::Ingest));
    let scenarios = [
        Arc::new(Scenario::create("one chat", 1, api, ingest).await?),
        Arc::new(Scenario::create("many chats", chats, api, ingest).await?),
    ];
    let mut echoes: Vec<Row> = CLIENTS.map(|clients| Row::new("bare echo", clients)).into();
    let mut rows: Vec<Row> =
        scenarios.iter().flat_map(|scenario| CLIENTS.map(|clients| Row::new(scenario.name, clients))).collect();
    let mut acknowledged: [Vec<Acknowledged>; 2] = Default::default();
    let mut runs = 0;
    eprintln!("warming up");
    for (which, scenario) in scenarios.iter().enumerate() {
        runs += 1;
        let (scenario, duration) = (scenario.clone(), warm_up / 2);
        let plan = Plan { target: ingest, scenario, clients: CLIENTS[1], duration, run: runs, keep: true };
        acknowledged[which].extend(run(plan).await?.acknowledged);
    }
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (index, clients) in CLIENTS.into_iter().enumerate() {
            runs += 1;
            let scenario = scenarios[0].clone();
            echoes[index].add(&run(Plan { target: echo.address, scenario, clients, duration, run: runs, keep: false }).await?);
            for (which, scenario) in scenarios.iter().enumerate() {
                runs += 1;
                let scenario = scenario.clone();
                let outcome = run(Plan { target: ingest, scenario, clients, duration, run: runs, keep: true }).await?;
                rows[which * CLIENTS.len() + index].add(&outcome);
                acknowledged[which].extend(outcome.acknowledged);
            }
        }
    }
    print(&echoes, &rows);
    let store = database(&system)?;
    let mut findings = Findings::default();
    for (scenario, acknowledged) in scenarios.iter().zip(&acknowledged) {
        findings.add(&check(&store, scenario, acknowledged, STORE_WITHIN).await?);
    }
    say!("\n{findings}: {} differences", findings.differences());
    system.down().await?;
    verdict(&findings)
}

/// The system's database, to look into.
pub(crate) fn database(system: &LocalSystem) -> anyhow::Result<store::Store> {
    Ok(store::Store::connect(&store::Settings::new(format!("{}/chat", system.stack().urls().mysql)))?)
}
