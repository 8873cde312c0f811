//! Everything that is the case at one moment.

use crate::{
    Bounds,
    broker::Broker,
    consumer::Consumer,
    few::Few,
    ingest::Replica,
    mysql::Mysql,
    names::{Event, MAX_EVENTS, MAX_REPLICAS, Number, Set},
    redis::Redis,
};

/// A state of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) redis: Redis,
    pub(crate) broker: Broker,
    pub(crate) mysql: Mysql,
    pub(crate) consumer: Consumer,
    pub(crate) replicas: Few<Replica, MAX_REPLICAS>,
    pub(crate) clients: Clients,
    pub(crate) left: Left,
}

/// What the clients were told, and what must be remembered of how the servers came to their states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Clients {
    /// By event: the number with which it was acknowledged; 0: it was not.
    pub(crate) acknowledged: [Number; MAX_EVENTS],
    /// Events that a cluster's node took after their epoch was unbound.
    pub(crate) late: Set,
    /// Whether a row was replaced by another event's.
    pub(crate) replaced: bool,
    /// Whether a single broker has delivered something of an earlier epoch behind a later one's.
    pub(crate) straggled: bool,
}

/// What may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Left {
    pub(crate) losses: u8,
    pub(crate) copies: u8,
    pub(crate) crashes: u8,
    pub(crate) stragglers: u8,
}

impl State {
    /// Nothing was ever done: the first replicas race to open the first epoch.
    pub(crate) fn initial(bounds: &Bounds) -> Self {
        let mut replicas = Few::new();
        (0..bounds.replicas).for_each(|_| replicas.push(Replica::new(bounds.creates)));
        let &Bounds { losses, copies, crashes, stragglers, .. } = bounds;
        Self {
            redis: Redis::new(),
            broker: Broker::default(),
            mysql: Mysql::default(),
            consumer: Consumer::default(),
            replicas,
            clients: Clients::default(),
            left: Left { losses, copies, crashes, stragglers },
        }
    }

    /// The least name that no event has. One that was returned to its publisher is nowhere any more, and frees its name.
    pub(crate) fn fresh_event(&self) -> Event {
        let taken = |event: Event| {
            self.clients.acknowledged[usize::from(event)] != 0
                || self.replicas.as_slice().iter().any(|replica| replica.event() == Some(event))
        };
        (0..).find(|event| !taken(*event)).unwrap_or_default()
    }

    /// The events that were acknowledged, and their numbers.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = (Event, Number)> {
        (0..).zip(self.clients.acknowledged).filter(|(_, number)| *number != 0)
    }
}
