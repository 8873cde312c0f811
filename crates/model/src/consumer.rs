//! The consumer: decode, commit, acknowledge, in the order of the queue (`services/consumer`).
//!
//! Between a commit and its acknowledgement nobody can tell whether the queue still holds the item. So the two are one step, and
//! a crash between them is another, which commits a batch and leaves all of it in the queue.

use crate::{
    Guard, Protocol, State,
    broker::Item,
    mysql::Inserted,
    names::{Epoch, Event},
    redis::{Adoption, Raise},
};

/// The pipeline of the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Consumer {
    /// `partition_epochs`: the highest epoch that the queue has shown.
    pub(crate) epoch: Epoch,
    /// What was decided on a straggler at the head of the queue. A crash forgets it.
    pub(crate) decision: Option<Raise>,
}

/// A step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consume {
    /// `Pipeline::flush`, or `pass_fence`: the head of the queue is committed, a fence is answered, and it is acknowledged.
    Head,
    /// `Committer::commit`, and a crash before `settle::acknowledge`: so many are committed and will be delivered again.
    Crash(u8),
    /// `stragglers::decide`, in this process of Redis.
    Decide(u8),
}

impl Protocol {
    pub(crate) fn consumer_steps(&self, state: &State, mut step: impl FnMut(Consume)) {
        match state.broker.head() {
            None | Some(Item::None) => return,
            Some(Item::Create { epoch, .. }) if self.is_straggler(state, epoch) && state.consumer.decision.is_none() => {
                state.redis.reachable().map(Consume::Decide).for_each(step);
                return;
            }
            Some(_) => step(Consume::Head),
        }
        if state.left.crashes > 0 {
            if state.consumer.decision.is_some() {
                (0..=1).map(Consume::Crash).for_each(step);
            } else {
                let gathered = state.broker.leading_creates().take_while(|(epoch, _)| !self.is_straggler(state, *epoch));
                (1..).zip(gathered).for_each(|(committed, _)| step(Consume::Crash(committed)));
            }
        }
    }

    /// `false`: there is nothing that could be done.
    pub(crate) fn consume(&self, state: &mut State, step: Consume) -> bool {
        match step {
            Consume::Head => {
                match state.broker.head() {
                    Some(Item::Create { epoch, event }) => self.commit(state, epoch, event),
                    Some(Item::Fence { epoch, replica }) => {
                        self.show(state, epoch);
                        state.replicas.as_mut_slice()[usize::from(replica)].answered();
                    }
                    None | Some(Item::None) => return false,
                }
                state.consumer.decision = None;
                state.broker.queue.pop_front();
                true
            }
            Consume::Crash(committed) => {
                let queue = state.broker.queue;
                for item in queue.as_slice().iter().take(usize::from(committed)) {
                    if let Item::Create { epoch, event } = *item {
                        self.commit(state, epoch, event);
                    }
                }
                state.consumer.decision = None;
                state.left.crashes -= 1;
                true
            }
            Consume::Decide(process) => self.decide(state, process),
        }
    }

    /// Whether the consumer asks the counter whose number it is. A single broker has none of these, which `STRAGGLER` checks.
    fn is_straggler(&self, state: &State, epoch: Epoch) -> bool {
        epoch < state.consumer.epoch && self.bounds.stragglers > 0 && self.guards.has(Guard::Raise)
    }

    /// `stragglers::decide`: adopts what Redis shows, unless it is behind the queue, and raises the counter.
    fn decide(&self, state: &mut State, process: u8) -> bool {
        let Some(Item::Create { event, .. }) = state.broker.head() else { return false };
        let number = state.clients.acknowledged[usize::from(event)];
        let process = state.redis.process_mut(process);
        let Adoption::Adopted(record) = process.adopt(self.guards) else { return false };
        if record.epoch < state.consumer.epoch {
            return false;
        }
        state.consumer.decision = Some(process.raise(number, self.guards));
        true
    }

    fn commit(&self, state: &mut State, epoch: Epoch, event: Event) {
        self.show(state, epoch);
        let number = state.clients.acknowledged[usize::from(event)];
        let disputed = state.consumer.decision == Some(Raise::NotBelow);
        let inserted = state.mysql.store(number, event, disputed, self.guards);
        state.clients.replaced |= inserted == Inserted::Replaced;
    }

    /// `decode::mark_stragglers`: the partition's epoch rises with what the queue shows.
    fn show(&self, state: &mut State, epoch: Epoch) {
        state.clients.straggled |= epoch < state.consumer.epoch && self.bounds.stragglers == 0;
        state.consumer.epoch = state.consumer.epoch.max(epoch);
    }
}
