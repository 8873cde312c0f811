//! What Elasticsearch forgets: 8.19 may lose documents that it had acknowledged when its disk is full and it fails a shard for it
//! (with itself alone in one of 160 times, without restarts). The system gives them again when its operator says so, by `chatctl
//! verify --repair` (docs/ALERTS.md, `ChatIndexDiskFailed`), and so does a run. In a run in which that has not come to pass, the
//! index must be whole by itself.

use std::{
    fs::File,
    io::{BufRead, BufReader},
};

use anyhow::Context;
use devstack::Server;

use super::{fault::Fault, table::Table};
use crate::{fleet::Fleet, history::report::Kind};

/// What its log says when it fails a shard.
const FAILED: &[u8] = b"failed engine [";

/// What the history checker finds for it.
pub(super) const FOR_IT: [Kind; 2] = [Kind::MissingInIndex, Kind::ExtraInIndex];

/// Whether Elasticsearch's disk was filled, and a shard failed.
///
/// # Errors
/// When its log cannot be read.
pub(super) fn may_be(fleet: &Fleet, table: &Table) -> anyhow::Result<bool> {
    if !table.holds(Fault::DiskFull(Server::Elasticsearch)) {
        return Ok(false);
    }
    let path = fleet.stack().logs().join(format!("{}.log", Server::Elasticsearch));
    let log = BufReader::new(File::open(&path).with_context(|| path.display().to_string())?);
    for line in log.split(b'\n') {
        if line?.windows(FAILED.len()).any(|part| part == FAILED) {
            return Ok(true);
        }
    }
    Ok(false)
}
