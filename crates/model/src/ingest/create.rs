//! A create: a number, the publish, the answer (`numbering::create`); and the seeding of a counter that is missing
//! (`numbering::seeding`).

use super::{Phase, Replica};
use crate::{
    Guard, Protocol, State,
    broker::Item,
    names::{Event, Number},
    redis::{Issue, Record},
};

impl Protocol {
    pub(super) fn issue(&self, state: &mut State, replica: &mut Replica, adopted: Record, process: u8) {
        let event = state.fresh_event();
        replica.phase = match state.redis.process_mut(process).issue(adopted, self.guards) {
            Issue::Issued(number) => Phase::Publishing(adopted, number, event),
            Issue::NotSeeded if self.guards.has(Guard::Fence) => Phase::Fencing(adopted),
            Issue::NotSeeded => Phase::Reading(adopted),
            Issue::Stale => Phase::Looking,
        };
    }

    pub(super) fn fence(&self, state: &mut State, replica: &mut Replica, adopted: Record, index: u8, late: bool) {
        if !state.routes(adopted, late) {
            return replica.returned(adopted);
        }
        state.broker.queue.push(Item::Fence { epoch: adopted.epoch, replica: index });
        replica.phase = Phase::Waiting(adopted);
    }

    pub(super) fn seed(&self, state: &mut State, replica: &mut Replica, adopted: Record, last: Number, process: u8) {
        let seeded = state.redis.process_mut(process).seed(adopted, last, self.guards);
        replica.phase = if seeded { self.issuing(adopted) } else { Phase::Looking };
    }

    /// The client is answered behind the confirm; here at the moment in which the message is stored, which is earlier and asks
    /// for more.
    pub(super) fn publish(
        &self,
        state: &mut State,
        replica: &mut Replica,
        adopted: Record,
        (number, event): (Number, Event),
        late: bool,
    ) {
        if !state.routes(adopted, late) {
            return replica.returned(adopted);
        }
        if late {
            state.clients.late.insert(event);
        }
        state.broker.queue.push(Item::Create { epoch: adopted.epoch, event });
        state.clients.acknowledged[usize::from(event)] = number;
        replica.creates -= 1;
        match replica.creates {
            0 => replica.rest(Phase::Done),
            _ => replica.phase = self.issuing(adopted),
        }
    }
}

impl State {
    /// Whether the broker takes what is sent in this epoch. `late`: to a node of a cluster that does not know yet that it is
    /// unbound.
    fn routes(&mut self, adopted: Record, late: bool) -> bool {
        if late {
            self.left.stragglers -= 1;
        }
        late || self.broker.bound.contains(adopted.epoch)
    }
}
