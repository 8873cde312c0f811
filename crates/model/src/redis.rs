//! Redis: the record, the chat's counter, the scripts, and the ways in which all that is lost (`crates/sequencer`).
//!
//! A counter's key carries its epoch, and a record is written once in its epoch's life. So a process holds one counter that can
//! ever be asked for: that of its record's epoch. Scripts are called through a connection that knows its process (`link.rs`); a
//! call that reaches another process finds no script (`NOSCRIPT`). So whether scripts are loaded need not be in the state.

use crate::{
    Guard, Guards,
    few::Few,
    names::{Epoch, Number, Run},
};

/// `Record`: the epoch that was opened, and the process that it was opened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) epoch: Epoch,
    pub(crate) run: Run,
}

/// What a process holds, and what a file or a replica may hold of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Data {
    pub(crate) record: Option<Record>,
    pub(crate) counter: Option<Number>,
    /// What a straggler has left beside a missing counter.
    floor: Number,
}

/// A server process, or one life of it as a primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Process {
    pub(crate) run: Run,
    pub(crate) data: Data,
    /// Whether it has evicted keys since its record was written.
    evicted: bool,
}

/// All processes that still answer somebody: the primary is the last, those before it were deposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Redis {
    pub(crate) processes: Few<Process, 4>,
    /// What the file holds, or the replica that lags.
    pub(crate) copy: Option<Data>,
}

/// Redis loses what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// `FLUSHALL`: the process stays.
    Flushed,
    /// The counter is evicted, and the record stays.
    Evicted,
    /// Killed, and started without its file.
    RestartedEmpty,
    /// Killed, and started from its file. (Or made a replica of one that lags, and promoted again: its run id changes as well.)
    RestartedFromCopy,
    /// A replica that lags is promoted, and the old primary still answers some.
    FailedOver,
}

/// What `Sequencer::adopt` tells.
pub(crate) enum Adoption {
    Adopted(Record),
    NeedsEpoch,
}

/// What `Sequencer::issue_messages_once` tells, and `Sequencer::issue_in_chats` of each chat.
pub(crate) enum Issue {
    Issued(Number),
    NotSeeded,
    Stale,
}

/// What `Sequencer::raise_messages` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Raise {
    Own,
    NotBelow,
}

impl Redis {
    pub(crate) fn new() -> Self {
        let mut processes = Few::new();
        processes.push(Process { run: 1, ..Process::default() });
        Self { processes, copy: None }
    }

    /// Any of them may answer, whenever a replica calls.
    pub(crate) fn reachable(&self) -> impl Iterator<Item = u8> {
        0..self.processes.as_slice().len() as u8
    }

    pub(crate) fn process(&self, index: u8) -> &Process {
        &self.processes.as_slice()[usize::from(index)]
    }

    pub(crate) fn process_mut(&mut self, index: u8) -> &mut Process {
        &mut self.processes.as_mut_slice()[usize::from(index)]
    }

    fn primary(&self) -> u8 {
        self.processes.as_slice().len() as u8 - 1
    }

    /// The file is written, or the replica gets this far.
    pub(crate) fn copy_primary(&mut self) {
        self.copy = Some(self.process(self.primary()).data);
    }

    /// Whether a copy of the present data would be another than the last.
    pub(crate) fn copy_is_old(&self) -> bool {
        let data = self.process(self.primary()).data;
        data.record.is_some() && self.copy != Some(data)
    }

    /// The losses that would change something.
    pub(crate) fn losses(&self) -> impl Iterator<Item = Loss> {
        let Data { record, counter, .. } = self.process(self.primary()).data;
        let (flushed, evicted) = (record.map(|_| Loss::Flushed), counter.map(|_| Loss::Evicted));
        let copied = self.copy.map(|_| Loss::RestartedFromCopy);
        flushed.into_iter().chain(evicted).chain(copied).chain([Loss::RestartedEmpty, Loss::FailedOver])
    }

    pub(crate) fn lose(&mut self, loss: Loss) {
        let copy = self.copy.unwrap_or_default();
        let primary = self.primary();
        let old = *self.process(primary);
        let restarted = |data| Process { run: old.run + 1, data, evicted: false };
        match loss {
            Loss::Flushed => *self.process_mut(primary) = Process { run: old.run, ..Process::default() },
            Loss::Evicted => {
                let process = self.process_mut(primary);
                process.data = Data { record: old.data.record, ..Data::default() };
                process.evicted = true;
            }
            Loss::RestartedEmpty => *self.process_mut(primary) = restarted(Data::default()),
            Loss::RestartedFromCopy => *self.process_mut(primary) = restarted(copy),
            Loss::FailedOver => self.processes.push(restarted(copy)),
        }
    }
}

impl Process {
    /// `Sequencer::look_and_load`: a record of another process is worth nothing, nor is one since which keys were evicted.
    pub(crate) fn adopt(&self, guards: Guards) -> Adoption {
        match self.data.record {
            _ if self.evicted && guards.has(Guard::Evictions) => Adoption::NeedsEpoch,
            Some(record) if record.run == self.run || !guards.has(Guard::RunId) => Adoption::Adopted(record),
            _ => Adoption::NeedsEpoch,
        }
    }

    /// `Sequencer::write_record`, `write_record.lua`: of two openers the one with the higher epoch prevails.
    pub(crate) fn write_record(&mut self, record: Record, guards: Guards) {
        let own = |found: Record| found.run == record.run || !guards.has(Guard::RunId);
        let refused = self.data.record.is_some_and(|found| own(found) && found.epoch >= record.epoch);
        if self.run == record.run && !refused {
            self.data = Data { record: Some(record), ..Data::default() };
            self.evicted = false;
        }
    }

    /// `Sequencer::run_with`, `guard.lua`: the connection leads to the process of the adoption, and its record is still that one.
    fn admits(&self, adopted: Record, guards: Guards) -> bool {
        if !guards.has(Guard::RunId) {
            return self.data.record.is_some_and(|record| record.epoch == adopted.epoch);
        }
        self.run == adopted.run && (self.data.record == Some(adopted) || !guards.has(Guard::Script))
    }

    /// `issue_messages.lua`, and what `issue_in_chats.lua` does for one of its chats.
    pub(crate) fn issue(&mut self, adopted: Record, guards: Guards) -> Issue {
        if !self.admits(adopted, guards) {
            return Issue::Stale;
        }
        match &mut self.data.counter {
            Some(last) => {
                *last += 1;
                Issue::Issued(*last)
            }
            None => Issue::NotSeeded,
        }
    }

    /// `seed_chat.lua`, `evictions.lua`. `false`: stale.
    pub(crate) fn seed(&mut self, adopted: Record, last: Number, guards: Guards) -> bool {
        if !self.admits(adopted, guards) || (self.evicted && guards.has(Guard::Evictions)) {
            return false;
        }
        if self.data.counter.is_none() || !guards.has(Guard::StillMissing) {
            self.data.counter = Some(last.max(self.data.floor));
            self.data.floor = 0;
        }
        true
    }

    /// `raise_messages.lua`.
    pub(crate) fn raise(&mut self, to: Number, guards: Guards) -> Raise {
        match &mut self.data.counter {
            Some(last) if *last >= to => return Raise::NotBelow,
            Some(last) => *last = to,
            None if guards.has(Guard::Floor) => self.data.floor = self.data.floor.max(to),
            None => {}
        }
        Raise::Own
    }
}
