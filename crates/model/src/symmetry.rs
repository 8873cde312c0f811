//! Replicas are alike: a state in which two have changed places is as good as the first.

use stateright::Representative;

use crate::{State, broker::Item, few::Few, names::MAX_REPLICAS};

impl Representative for State {
    /// The replicas in order, and the fences with their senders. Events have names that say nothing of replicas.
    fn representative(&self) -> Self {
        let replicas = self.replicas.as_slice();
        if replicas.is_sorted() {
            return *self;
        }
        let mut order = [0, 1, 2];
        const { assert!(MAX_REPLICAS == 3) };
        let order = &mut order[..replicas.len()];
        order.sort_by_key(|index| replicas[*index]);
        let mut next = *self;
        next.replicas = Few::new();
        order.iter().for_each(|index| next.replicas.push(replicas[*index]));
        for item in next.broker.queue.as_mut_slice() {
            if let Item::Fence { replica, .. } = item {
                let place = order.iter().position(|index| *index == usize::from(*replica));
                *replica = place.map_or(*replica, |place| place as u8);
            }
        }
        next
    }
}
