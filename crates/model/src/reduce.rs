//! Which differences between states are none: states that differ in nothing else are visited once.
//!
//! Two kinds of rule. *What nobody can ever ask for* is taken out: an epoch that no record, no opener and no publisher names, a
//! counter whose epoch is unbound, the name of a process that is gone. *What a replica can only do in one way, and nobody sees,*
//! is done at once: whether it stalls before or behind it is the same to all. Each rule says why. They lean on guards, so without
//! one of those nothing is reduced; and small bounds are checked with and without, to the same end.

use crate::{
    Guard, Protocol, State,
    ingest::Phase,
    names::Set,
    redis::{Data, Record},
};

impl Protocol {
    /// Whether the rules hold.
    pub(crate) fn reduces(&self) -> bool {
        use Guard::{BindFirst, Evictions, RunId, Script, StillMissing, Unbinding, Verification};
        let needed = [RunId, Script, Evictions, Verification, BindFirst, Unbinding, StillMissing];
        self.reduced && self.bounds.stragglers == 0 && needed.into_iter().all(|guard| self.guards.has(guard))
    }
}

impl State {
    /// The state that stands for all that differ in nothing.
    pub(crate) fn reduce(&mut self) {
        self.name_processes();
        self.hasten_replicas();
        let live = self.live_epochs();
        self.forget_epochs(live);
        self.hasten_openers(live);
        self.name_epochs();
        self.name_events();
    }

    fn hasten_replicas(&mut self) {
        let Self { replicas, redis, broker, mysql, .. } = self;
        let counter_of = |adopted: Record| {
            let holds = |data: Data| (data.record == Some(adopted)).then_some(data.counter);
            redis.processes.as_slice().iter().find_map(|process| holds(process.data))
        };
        for replica in replicas.as_mut_slice() {
            match &mut replica.phase {
                // It never wrote a record, and will not.
                Phase::Withdrawing(epoch) => {
                    broker.bound.remove(*epoch);
                    replica.phase = Phase::Looking;
                }
                // Of a process that is gone: it will be refused.
                Phase::Recording(record) if record.run == 0 => replica.phase = Phase::Looking,
                // The record is lost, and no epoch's is written twice: seeding will be refused. Or another was faster.
                Phase::Reading(adopted) | Phase::Seeding(adopted, _) if counter_of(*adopted) != Some(None) => {
                    replica.phase = Phase::Looking;
                }
                // No epoch is bound twice: it will be returned.
                Phase::Fencing(adopted) | Phase::Publishing(adopted, ..) if !broker.bound.contains(adopted.epoch) => {
                    let adopted = *adopted;
                    replica.returned(adopted);
                }
                // They speak to the broker only, and are refused behind it.
                Phase::Fencing(adopted) | Phase::Waiting(adopted) | Phase::Publishing(adopted, ..) => {
                    if counter_of(*adopted).is_none() {
                        adopted.run = 0;
                    }
                }
                phase => {
                    // It will find itself overtaken, or its process gone. What is left of it are the unbindings.
                    if let Phase::Binding(record) | Phase::Unbinding(record) | Phase::Verifying(record) = *phase
                        && (record.epoch != mysql.highest_epoch || record.run == 0)
                    {
                        broker.bound.remove(record.epoch);
                        *phase = Phase::Unbinding(Record { run: 0, ..record });
                    }
                }
            }
        }
    }

    /// The epochs in which something may still be published.
    pub(crate) fn live_epochs(&self) -> Set {
        let mut live = Set::default();
        let records = self.redis.processes.as_slice().iter().filter_map(|process| process.data.record);
        records.for_each(|record| live.insert(record.epoch));
        for replica in self.replicas.as_slice() {
            let mut phase = replica.phase;
            if !matches!(phase, Phase::Unbinding(Record { run: 0, .. })) {
                phase.records_mut(|record| live.insert(record.epoch));
            }
        }
        live
    }

    fn forget_epochs(&mut self, live: Set) {
        for epoch in 1..=self.mysql.highest_epoch {
            if !live.contains(epoch) {
                self.broker.bound.remove(epoch);
                self.mysql.close(epoch);
            }
        }
        // Whatever number it gives will be returned.
        for process in self.redis.processes.as_mut_slice() {
            if process.data.record.is_some_and(|record| !self.broker.bound.contains(record.epoch)) {
                process.data.counter = None;
            }
        }
        // No record below will be seen again.
        for replica in self.replicas.as_mut_slice() {
            replica.unbound = live.iter().filter(|epoch| *epoch <= replica.unbound).max().unwrap_or(0);
        }
    }

    /// An opener that has nothing left to unbind goes on.
    fn hasten_openers(&mut self, live: Set) {
        for replica in self.replicas.as_mut_slice() {
            if let Phase::Unbinding(record) = replica.phase
                && self.mysql.open_below(record.epoch).all(|epoch| !live.contains(epoch))
            {
                replica.phase = if record.run == 0 { Phase::Looking } else { Phase::Verifying(record) };
            }
        }
    }
}
