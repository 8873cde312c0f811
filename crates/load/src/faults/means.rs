//! What faults need of the machine: file systems and a network that are this process's own, and a library that moves clocks. It
//! is looked for before anything is started. Faults that need what is not there are left out, with a sentence; steps keep their
//! numbers.

use std::path::PathBuf;

use anyhow::ensure;
use devstack::{Database, Server};
use localsystem::Binaries;

use super::fault::Fault;
use crate::fleet::{self, Namespaces};

/// See the module.
pub(super) struct Means {
    /// Whether disks can be made full.
    pub(super) disks: bool,
    /// Whether RabbitMQ nodes can be cut off from one another.
    pub(super) cuts: bool,
    /// By what clocks are moved, if one is to be and can.
    pub(super) fake_clock: Option<PathBuf>,
    /// The faults that cannot be injected here.
    pub(super) left_out: Vec<Fault>,
}

impl Means {
    /// Finds them. Where some are to be had in namespaces of this process's own alone, the program goes on there, from its
    /// beginning; `outside` is the network in which it began, once it has gone there.
    ///
    /// # Errors
    /// When there is nothing for any of the faults, or the program cannot go on there.
    pub(super) async fn find(faults: &[Fault], outside: Option<&str>) -> anyhow::Result<Self> {
        let mut left_out = Vec::new();
        let full = |fault: &Fault| matches!(fault, Fault::DiskFull(_));
        let disks = can_be(faults, full, "full disks", fleet::hindrance_to_full_disks, &mut left_out);
        let cut = |fault: &Fault| *fault == Fault::MinorityCut;
        let cuts = can_be(faults, cut, "cuts between nodes", fleet::hindrance_to_cuts, &mut left_out);
        match outside {
            None if disks || cuts => return Err(go_apart(Namespaces { mounts: disks, network: cuts }, faults).await?),
            Some(outside) if cuts => fleet::has_left(outside)?,
            _ => {}
        }
        let fake_clock = clock(faults, &mut left_out).await;
        ensure!(left_out.len() < faults.len(), "no fault is left");
        Ok(Self { disks, cuts, fake_clock, left_out })
    }
}

/// Whether there are faults of a kind, and they can be injected.
fn can_be(
    faults: &[Fault],
    of_kind: impl Fn(&Fault) -> bool,
    kind: &str,
    hindrance: impl Fn() -> Option<&'static str>,
    left_out: &mut Vec<Fault>,
) -> bool {
    let wanted: Vec<Fault> = faults.iter().copied().filter(of_kind).collect();
    if wanted.is_empty() {
        return false;
    }
    let hindrance = hindrance();
    if let Some(hindrance) = hindrance {
        eprintln!("{kind} are left out: {hindrance}");
        left_out.extend(wanted);
    }
    hindrance.is_none()
}

/// Goes on in these namespaces. Returns only when that fails.
async fn go_apart(namespaces: Namespaces, faults: &[Fault]) -> anyhow::Result<anyhow::Error> {
    if namespaces.network {
        // From there nothing can be downloaded.
        Binaries::build().await?;
        let progress = devstack::for_terminal();
        devstack::prepare(&Server::ALL, Database::default(), progress.as_ref()).await.map_err(fleet::sentence)?;
        clock(faults, &mut Vec::new()).await;
    }
    let outside = format!("--apart-from={}", fleet::network()?);
    Ok(namespaces.enter(std::env::args_os().skip(1).chain([outside.into()])))
}

async fn clock(faults: &[Fault], left_out: &mut Vec<Fault>) -> Option<PathBuf> {
    let wanted: Vec<Fault> = faults.iter().copied().filter(|fault| matches!(fault, Fault::Clock(_))).collect();
    if wanted.is_empty() {
        return None;
    }
    let library = devstack::fake_clock(devstack::for_terminal().as_ref()).await;
    if let Err(error) = &library {
        eprintln!("steps of the clock are left out: {}", error.with_sources());
        left_out.extend(wanted);
    }
    library.ok()
}
