//! Opening an epoch: the steps of `numbering::opening`, in their order.

use super::{Phase, Replica};
use crate::{Guard, Protocol, State, names::Run, redis::Record};

impl Protocol {
    pub(super) fn next_epoch(&self, state: &mut State, replica: &mut Replica, run: Run) {
        if state.mysql.highest_epoch >= self.bounds.epochs {
            return replica.rest(Phase::GaveUp);
        }
        let record = Record { epoch: state.mysql.next_epoch(), run };
        let first = if self.guards.has(Guard::BindFirst) { Phase::Binding } else { Phase::Verifying };
        replica.phase = first(record);
    }

    pub(super) fn bind(&self, state: &mut State, replica: &mut Replica, record: Record) {
        state.broker.bound.insert(record.epoch);
        replica.phase = self.unbinding(state, record);
    }

    /// One of the lower epochs at a time. Which there are is read again for each: it is fewer then, if anything.
    pub(super) fn unbind(&self, state: &mut State, replica: &mut Replica, record: Record) {
        let lower = state.mysql.open_below(record.epoch).next();
        if let Some(lower) = lower {
            state.broker.bound.remove(lower);
            state.mysql.close(lower);
        }
        replica.phase = self.unbinding(state, record);
    }

    fn unbinding(&self, state: &State, record: Record) -> Phase {
        let none_left = state.mysql.open_below(record.epoch).next().is_none();
        if none_left || !self.guards.has(Guard::Unbinding) { self.behind_unbinding(record) } else { Phase::Unbinding(record) }
    }

    pub(super) fn verify(&self, state: &State, replica: &mut Replica, record: Record) {
        let next = if self.guards.has(Guard::BindFirst) { Phase::Recording } else { Phase::Binding };
        let highest = state.mysql.highest_epoch == record.epoch;
        replica.phase = if highest { next(record) } else { Phase::Withdrawing(record.epoch) };
    }

    /// Written or refused: it looks at Redis anew.
    pub(super) fn write_record(&self, state: &mut State, replica: &mut Replica, record: Record, process: u8) {
        state.redis.process_mut(process).write_record(record, self.guards);
        replica.phase = Phase::Looking;
    }
}
