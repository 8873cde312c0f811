//! What a replica takes while a server hangs under load, held against the table in `docs/OPERATIONS.md`, which is read here. A
//! queue without a bound would take memory, a retry without a pause the processor, a refusal that is told each time the log.

use std::{collections::BTreeMap, fs, sync::Arc};

use devstack::Server;
use tokio::{task::JoinSet, time::sleep};

use super::*;
use crate::{
    faults::traffic::{Rate, Traffic},
    scenario::Scenario,
};

const OPERATIONS: &str = include_str!("../../../../../docs/OPERATIONS.md");
const HEADING: &str = "### What they take meanwhile";
/// Longer than every deadline of the services, so that what waits has been given up, and what retries has retried.
const HANGS_FOR: Duration = Duration::from_secs(8);
const CREATORS: Rate = Rate { clients: 32, pause: Duration::from_millis(50) };
const READERS: usize = 16;
/// `USER_HZ`, in which /proc counts processor time, see proc_pid_stat(5): 100 wherever Linux runs.
const TICKS_A_SECOND: u64 = 100;

/// A row of the table: what a replica of this service may take at most.
#[derive(Debug)]
struct Limits {
    memory_mib: u64,
    processor_percent: u64,
    lines_a_minute: u64,
}

impl Limits {
    fn of(service: Service) -> Self {
        let (_, section) = OPERATIONS.split_once(HEADING).unwrap_or_else(|| panic!("no {HEADING:?}"));
        let row = format!("| {service} |");
        let line = section.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("no row {row:?}"));
        let cells: Vec<u64> = line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
        let [memory_mib, processor_percent, lines_a_minute] = cells[..] else { panic!("not three limits: {line}") };
        Self { memory_mib, processor_percent, lines_a_minute }
    }
}

/// What a replica has taken since it was started.
struct Taken {
    ticks: u64,
    lines: u64,
}

impl Taken {
    fn by(replica: &Replica) -> Self {
        let stat = fs::read_to_string(format!("/proc/{}/stat", replica.process_id().unwrap())).unwrap();
        // The name, in parentheses, may hold spaces; the times of user and system are the 14th and the 15th field.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        let log = fs::read(replica.log().unwrap()).unwrap();
        Self { ticks, lines: log.iter().filter(|byte| **byte == b'\n').count() as u64 }
    }
}

/// Has each server hang in turn, with clients that create and read all the while.
pub(super) async fn takes_no_more_than_documented(fleet: &mut Fleet) {
    let (api, ingest) = (fleet.addresses(Service::Api), fleet.addresses(Service::Ingest));
    let scenario = Arc::new(Scenario::create("a server hangs", 5, api[0], ingest[0]).await.unwrap());
    for server in Server::ALL {
        let mut traffic = Traffic::start(scenario.clone(), ingest.clone(), CREATORS);
        let readers: JoinSet<()> = (0..READERS).map(|_| read(api[0], format!("{}?limit=1", scenario.path(0)))).collect();
        fleet.stack().pause(server).unwrap();
        let before = taken(fleet);
        let began = Instant::now();
        sleep(HANGS_FOR).await;
        let (after, span) = (taken(fleet), began.elapsed());
        fleet.stack().resume(server).unwrap();
        traffic.finish().await;
        drop(readers);
        for (id, memory_mib) in fleet.peaks() {
            let (limits, was, is) = (Limits::of(id.service), &before[&id], &after[&id]);
            let processor_percent = (is.ticks - was.ticks) * 100 / TICKS_A_SECOND / span.as_secs();
            let lines_a_minute = (is.lines - was.lines) * 60 / span.as_secs();
            let told = format!("{id}, {server} hangs: {memory_mib} MiB, {processor_percent} %, {lines_a_minute} lines a minute");
            println!("{told}");
            assert!(memory_mib <= limits.memory_mib, "{told}; {limits:?}");
            assert!(processor_percent <= limits.processor_percent, "{told}; {limits:?}");
            assert!(lines_a_minute <= limits.lines_a_minute, "{told}; {limits:?}");
        }
    }
}

fn taken(fleet: &Fleet) -> BTreeMap<ReplicaId, Taken> {
    fleet.replicas().iter().map(|replica| (replica.id, Taken::by(replica))).collect()
}

async fn read(api: SocketAddr, path: String) {
    let mut connection = Connection::to(api);
    loop {
        // Answered or refused: it is what the reading costs that is looked at.
        let _ = connection.get(&path).await;
        sleep(CREATORS.pause).await;
    }
}
