//! What Elasticsearch forgets: 8.19 may lose documents that it had acknowledged when its disk is full and it fails a shard for it
//! (alone, without the services, once in 160 times). The system gives them again when its operator says so, by `chatctl verify
//! --repair` (docs/ALERTS.md, `ChatIndexDiskFailed`): a run does so behind such a step, and in the end the index must be whole.
//! Whatever else is found to be wrong fails the run, but for what may be there at any time.

use std::{
    fs::File,
    io::{BufRead, BufReader},
};

use anyhow::{Context, ensure};
use devstack::Server;
use localsystem::Binaries;
use say::say;

use super::{fault::Fault, schedule::Step};
use crate::fleet::Fleet;

/// What its log says when it fails a shard.
const FAILED: &[u8] = b"failed engine [";

/// What the comparison may find for it.
const FOR_IT: [&str; 2] = ["missing", "stale"];

/// What it may find besides: numbers of failed creates, and marks that were dated by a clock that was behind.
const AT_ANY_TIME: [&str; 2] = ["gaps", "marks"];

/// Gives the index what it may have lost in this step, and says how much that was.
///
/// # Errors
/// When something else is wrong, or stays wrong.
pub(super) async fn give_again(step: &Step, fleet: &Fleet, binaries: &Binaries) -> anyhow::Result<()> {
    let full = Fault::DiskFull(Server::Elasticsearch);
    if !step.faults.iter().any(|(fault, _)| *fault == full) || !has_failed_a_shard(fleet)? {
        return Ok(());
    }
    let mut lost = 0;
    for (kind, found) in fleet.repair(binaries).await? {
        let is_lost = FOR_IT.contains(&kind.as_str());
        ensure!(found == 0 || is_lost || AT_ANY_TIME.contains(&kind.as_str()), "chatctl verify: {kind}: {found}");
        lost += if is_lost { found } else { 0 };
    }
    if lost > 0 {
        say!("step {}: Elasticsearch lost {lost} documents that it had acknowledged; they are given again", step.number);
    }
    Ok(())
}

/// Whether it has in this run so far, by its log.
fn has_failed_a_shard(fleet: &Fleet) -> anyhow::Result<bool> {
    let path = fleet.stack().logs().join(format!("{}.log", Server::Elasticsearch));
    let log = BufReader::new(File::open(&path).with_context(|| path.display().to_string())?);
    for line in log.split(b'\n') {
        if line?.windows(FAILED.len()).any(|part| part == FAILED) {
            return Ok(true);
        }
    }
    Ok(false)
}
