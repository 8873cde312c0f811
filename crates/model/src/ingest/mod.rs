//! A replica of ingest with one request at a time: where it stands, and its next call (`crates/numbering`).
//!
//! Between two calls it may stall: it knows then what it was told, however long ago. Requests of one replica run beside one
//! another in truth; in the model they are replicas of their own. A replica that dies is one that stalls for ever.

mod create;
mod opening;

use crate::{
    Call, Guard, Protocol, State,
    names::{Epoch, Event, Number, Run},
    redis::{Adoption, Record},
};

/// Where a replica stands: what it does next, and all that it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) enum Phase {
    /// It needs an epoch to work in.
    #[default]
    Looking,
    /// It found none to trust in this process.
    Numbering {
        run: Run,
    },
    /// It opens an epoch, step by step.
    Binding(Record),
    Unbinding(Record),
    Verifying(Record),
    Withdrawing(Epoch),
    Recording(Record),
    /// It works in an epoch.
    Issuing(Record),
    /// The chat's counter is missing.
    Fencing(Record),
    Waiting(Record),
    Reading(Record),
    Seeding(Record, Number),
    /// It has a number.
    Publishing(Record, Number, Event),
    /// All its creates are answered.
    Done,
    /// It would need more epochs than the check has.
    GaveUp,
}

/// A replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Replica {
    pub(crate) phase: Phase,
    /// Creates that are not answered yet.
    pub(crate) creates: u8,
    /// `Keeper`'s `unbound`: the highest epoch for which the broker has returned something.
    pub(crate) unbound: Epoch,
}

impl Phase {
    /// Shows the epoch, and the process, that the replica opens or works in.
    pub(crate) fn records_mut(&mut self, mut show: impl FnMut(&mut Record)) {
        match self {
            Self::Binding(record) | Self::Unbinding(record) | Self::Verifying(record) | Self::Recording(record) => show(record),
            Self::Issuing(record) | Self::Fencing(record) | Self::Waiting(record) | Self::Reading(record) => show(record),
            Self::Seeding(record, _) | Self::Publishing(record, ..) => show(record),
            Self::Looking | Self::Numbering { .. } | Self::Withdrawing(_) | Self::Done | Self::GaveUp => {}
        }
    }
}

impl Replica {
    pub(crate) fn new(creates: u8) -> Self {
        Self { phase: Phase::Looking, creates, unbound: 0 }
    }

    /// The event that it is about to publish.
    pub(crate) fn event(&self) -> Option<Event> {
        if let Phase::Publishing(_, _, event) = self.phase { Some(event) } else { None }
    }

    /// Its fence has come back.
    pub(crate) fn answered(&mut self) {
        if let Phase::Waiting(adopted) = self.phase {
            self.phase = Phase::Reading(adopted);
        }
    }

    /// `Keeper::returned`.
    pub(crate) fn returned(&mut self, adopted: Record) {
        self.unbound = self.unbound.max(adopted.epoch);
        self.phase = Phase::Looking;
    }

    /// It does nothing any more, and what it knew is nothing to anybody.
    fn rest(&mut self, phase: Phase) {
        *self = Self { phase, creates: self.creates, unbound: 0 };
    }
}

impl Protocol {
    /// The calls that a replica may make next.
    pub(crate) fn calls(&self, state: &State, replica: &Replica, call: impl FnMut(Call)) {
        let redis = state.redis.reachable();
        let late = |adopted: Record| !state.broker.bound.contains(adopted.epoch) && state.left.stragglers > 0;
        match replica.phase {
            Phase::Looking => redis.map(|process| Call::Look { process }).for_each(call),
            Phase::Numbering { .. } => Some(Call::NextEpoch).into_iter().for_each(call),
            Phase::Binding(_) => Some(Call::Bind).into_iter().for_each(call),
            Phase::Unbinding(_) => Some(Call::Unbind).into_iter().for_each(call),
            Phase::Verifying(_) => Some(Call::Verify).into_iter().for_each(call),
            Phase::Withdrawing(_) => Some(Call::Withdraw).into_iter().for_each(call),
            Phase::Recording(_) => redis.map(|process| Call::WriteRecord { process }).for_each(call),
            Phase::Issuing(_) => redis.map(|process| Call::Issue { process }).for_each(call),
            Phase::Fencing(adopted) => either(late(adopted)).map(|late| Call::Fence { late }).for_each(call),
            Phase::Reading(_) => Some(Call::Highest).into_iter().for_each(call),
            Phase::Seeding(..) => redis.map(|process| Call::Seed { process }).for_each(call),
            Phase::Publishing(adopted, ..) => either(late(adopted)).map(|late| Call::Publish { late }).for_each(call),
            Phase::Waiting(_) | Phase::Done | Phase::GaveUp => {}
        }
    }

    /// Makes the call, and has the replica go on by its answer.
    pub(crate) fn make(&self, state: &mut State, index: u8, call: Call) -> bool {
        let mut replica = state.replicas.as_slice()[usize::from(index)];
        match (replica.phase, call) {
            (Phase::Looking, Call::Look { process }) => self.look(state, &mut replica, process),
            (Phase::Numbering { run }, Call::NextEpoch) => self.next_epoch(state, &mut replica, run),
            (Phase::Binding(record), Call::Bind) => self.bind(state, &mut replica, record),
            (Phase::Unbinding(record), Call::Unbind) => self.unbind(state, &mut replica, record),
            (Phase::Verifying(record), Call::Verify) => self.verify(state, &mut replica, record),
            (Phase::Withdrawing(epoch), Call::Withdraw) => withdraw(state, &mut replica, epoch),
            (Phase::Recording(record), Call::WriteRecord { process }) => self.write_record(state, &mut replica, record, process),
            (Phase::Issuing(adopted), Call::Issue { process }) => self.issue(state, &mut replica, adopted, process),
            (Phase::Fencing(adopted), Call::Fence { late }) => self.fence(state, &mut replica, adopted, index, late),
            (Phase::Reading(adopted), Call::Highest) => {
                replica.phase = Phase::Seeding(adopted, state.mysql.highest(&state.clients.acknowledged));
            }
            (Phase::Seeding(adopted, last), Call::Seed { process }) => self.seed(state, &mut replica, adopted, last, process),
            (Phase::Publishing(adopted, number, event), Call::Publish { late }) => {
                self.publish(state, &mut replica, adopted, (number, event), late);
            }
            _ => return false,
        }
        state.replicas.as_mut_slice()[usize::from(index)] = replica;
        true
    }

    /// `Task::look`: a record of an epoch that the broker has fenced off is worth nothing either.
    ///
    /// With all guards the first script is one step with the look: had the record changed in between, the script would have sent
    /// the replica back to look again. So nobody ever stands before a script with an epoch that he believes in.
    fn look(&self, state: &mut State, replica: &mut Replica, process: u8) {
        let run = state.redis.process(process).run;
        match state.redis.process(process).adopt(self.guards) {
            Adoption::Adopted(record) if record.epoch <= replica.unbound => replica.phase = Phase::Numbering { run },
            Adoption::Adopted(record) if self.reduces() => self.issue(state, replica, record, process),
            Adoption::Adopted(record) => replica.phase = Phase::Issuing(record),
            Adoption::NeedsEpoch => replica.phase = Phase::Numbering { run },
        }
    }

    /// What a replica does next whose epoch is good, as far as it knows.
    fn issuing(&self, adopted: Record) -> Phase {
        if self.reduces() { Phase::Looking } else { Phase::Issuing(adopted) }
    }

    /// What comes behind the unbinding of the last lower epoch, or without it.
    fn behind_unbinding(&self, record: Record) -> Phase {
        match (self.guards.has(Guard::BindFirst), self.guards.has(Guard::Verification)) {
            (true, true) => Phase::Verifying(record),
            _ => Phase::Recording(record),
        }
    }
}

fn either(also: bool) -> impl Iterator<Item = bool> {
    [false, true].into_iter().take(if also { 2 } else { 1 })
}

fn withdraw(state: &mut State, replica: &mut Replica, epoch: Epoch) {
    state.broker.bound.remove(epoch);
    replica.phase = Phase::Looking;
}
