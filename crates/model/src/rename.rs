//! Names that are only compared are given anew in each state, in one order: states that differ in names alone are one (`reduce`).

use crate::{
    State,
    broker::Item,
    ingest::{Phase, Replica},
    names::{Epoch, Event, MAX_EVENTS},
    redis::{Data, Record},
};

impl State {
    /// A record of another process is worth nothing to anybody (`adopt`, `write_record`), and so is a copy: whoever starts from
    /// it is another process. A process that is gone stays so: its name is 0.
    pub(crate) fn name_processes(&mut self) {
        self.redis.copy = None;
        self.left.copies = 0;
        let mut names = [0; 16];
        for (name, process) in (1..).zip(self.redis.processes.as_mut_slice()) {
            names[usize::from(process.run)] = name;
            if process.data.record.is_some_and(|record| record.run != process.run) {
                process.data = Data::default();
            }
            process.run = name;
            process.data.record = process.data.record.map(|record| Record { run: name, ..record });
        }
        for replica in self.replicas.as_mut_slice() {
            match &mut replica.phase {
                Phase::Numbering { run } => *run = names[usize::from(*run)],
                phase => phase.records_mut(|record| record.run = names[usize::from(record.run)]),
            }
        }
    }

    /// Epochs are only compared: those that anything names move up, as far as they can without becoming the highest.
    pub(crate) fn name_epochs(&mut self) {
        let mut named = self.live_epochs();
        named.insert(self.consumer.epoch);
        for item in self.broker.queue.as_slice() {
            if let Item::Fence { epoch, .. } | Item::Create { epoch, .. } = item {
                named.insert(*epoch);
            }
        }
        self.replicas.as_slice().iter().for_each(|replica| {
            let mut phase = replica.phase;
            phase.records_mut(|record| named.insert(record.epoch));
        });
        let highest = self.mysql.highest_epoch;
        let mut names = [0; 16];
        let mut next = highest.saturating_sub(1);
        for epoch in (1..=highest).rev().filter(|epoch| named.contains(*epoch)) {
            if epoch == highest {
                names[usize::from(epoch)] = epoch;
            } else {
                names[usize::from(epoch)] = next;
                next -= 1;
            }
        }
        self.rename_epochs(|epoch| names[usize::from(epoch)]);
    }

    fn rename_epochs(&mut self, name: impl Fn(Epoch) -> Epoch) {
        let (bound, open) = (self.broker.bound, self.mysql.open_below(self.mysql.highest_epoch + 1).collect::<Vec<_>>());
        self.broker.bound = bound.iter().map(&name).collect();
        self.mysql.leave_open(open.into_iter().map(&name).collect());
        self.consumer.epoch = name(self.consumer.epoch);
        for process in self.redis.processes.as_mut_slice() {
            process.data.record = process.data.record.map(|record| Record { epoch: name(record.epoch), ..record });
        }
        for replica in self.replicas.as_mut_slice() {
            replica.phase.records_mut(|record| record.epoch = name(record.epoch));
            replica.unbound = name(replica.unbound);
        }
        for item in self.broker.queue.as_mut_slice() {
            if let Item::Fence { epoch, .. } | Item::Create { epoch, .. } = item {
                *epoch = name(*epoch);
            }
        }
    }

    /// Events are only compared: they are named in the order of their numbers, the acknowledged ones first.
    pub(crate) fn name_events(&mut self) {
        let publishing = |replica: &Replica| match replica.phase {
            Phase::Publishing(adopted, number, event) => Some((1, number, adopted.epoch, event)),
            _ => None,
        };
        let mut events = [(2, 0, 0, 0); MAX_EVENTS];
        let acknowledged = self.acknowledged().map(|(event, number)| (0, number, 0, event));
        let all = acknowledged.chain(self.replicas.as_slice().iter().filter_map(publishing));
        let mut count = 0;
        for (place, event) in events.iter_mut().zip(all) {
            *place = event;
            count += 1;
        }
        events[..count].sort_unstable();
        if (0..).zip(&events[..count]).all(|(name, (.., event))| name == *event) {
            return;
        }
        let mut names: [Event; MAX_EVENTS] = [0; MAX_EVENTS];
        (0..).zip(&events[..count]).for_each(|(name, (.., event))| names[usize::from(*event)] = name);
        self.rename_events(|event| names[usize::from(event)]);
    }

    fn rename_events(&mut self, name: impl Fn(Event) -> Event) {
        let mut acknowledged = [0; MAX_EVENTS];
        self.acknowledged().for_each(|(event, number)| acknowledged[usize::from(name(event))] = number);
        self.clients.acknowledged = acknowledged;
        self.mysql.rename_events(&name);
        for replica in self.replicas.as_mut_slice() {
            if let Phase::Publishing(_, _, event) = &mut replica.phase {
                *event = name(*event);
            }
        }
        for item in self.broker.queue.as_mut_slice() {
            if let Item::Create { event, .. } = item {
                *event = name(*event);
            }
        }
    }
}
