//! What must hold in every state, and what must be possible at all.
//!
//! "Never lost" is asked of every state, not only of the last: a create that was acknowledged is at every moment in a row of its
//! own, or in the queue. So when the queue is empty all are stored, and a queue always empties: the consumer needs nobody.

use stateright::Property;

use crate::{
    Protocol, State,
    ingest::Phase,
    names::{Event, Number, Set},
    redis::Adoption,
};

/// No two acknowledged creates share a number.
pub const DOUBLED: &str = "no two acknowledged creates share a number";
/// An acknowledged create is stored under its number, or in the queue.
pub const LOST: &str = "an acknowledged create is stored under its number, or in the queue";
/// No acknowledged create becomes a conflict.
pub const CONFLICT: &str = "no acknowledged create becomes a conflict";
/// No row is replaced by another event's.
pub const REPLACED: &str = "no stored row is replaced by another";
/// A redelivery adds nothing.
pub const REDELIVERY: &str = "a redelivery adds no second row and no dead letter";
/// A counter that gives numbers is not below one that was acknowledged.
pub const COUNTER: &str = "a counter in use is not below an acknowledged number";
/// A single broker delivers no straggler.
pub const STRAGGLER: &str = "a single broker delivers nothing of an earlier epoch behind a later one's";
/// Whoever waits for a fence has one in the queue.
pub const WAITING: &str = "whoever waits for a fence has one in the queue";
/// All creates can be acknowledged and stored, behind all losses.
pub const ALL_STORED: &str = "after the last loss every create can be acknowledged and stored";

pub(crate) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(DOUBLED, |_, state| !doubled(state)),
        Property::always(LOST, |_, state| none_is_lost(state)),
        Property::always(CONFLICT, |_, state| conflicts_are_stragglers(state)),
        Property::always(REPLACED, |_, state: &State| !state.clients.replaced),
        Property::always(REDELIVERY, |_, state: &State| state.acknowledged().all(|(event, _)| places(state, event) <= 1)),
        Property::always(COUNTER, counters_are_ahead),
        Property::always(STRAGGLER, |_, state: &State| !state.clients.straggled),
        Property::always(WAITING, |_, state| fences_are_under_way(state)),
        Property::sometimes(ALL_STORED, all_is_stored),
    ]
}

/// The acknowledged creates that were published before their epoch was unbound: with a single broker, all.
fn in_time(state: &State) -> impl Iterator<Item = (Event, Number)> {
    state.acknowledged().filter(|(event, _)| !state.clients.late.contains(*event))
}

fn doubled(state: &State) -> bool {
    let mut seen = Set::default();
    in_time(state).any(|(_, number)| {
        let again = seen.contains(number);
        seen.insert(number);
        again
    })
}

fn none_is_lost(state: &State) -> bool {
    state.acknowledged().all(|(event, number)| {
        let kept = state.clients.late.contains(event) && state.mysql.dead.contains(event);
        state.mysql.row(number) == Some(event) || state.broker.holds(event) || kept
    })
}

fn conflicts_are_stragglers(state: &State) -> bool {
    state.mysql.dead.iter().all(|event| state.clients.late.contains(event))
}

/// In how many places of the tables an event stands.
fn places(state: &State, event: Event) -> usize {
    state.mysql.rows_of(event) + usize::from(state.mysql.dead.contains(event))
}

fn counters_are_ahead(protocol: &Protocol, state: &State) -> bool {
    let highest = in_time(state).map(|(_, number)| number).max().unwrap_or(0);
    state.redis.processes.as_slice().iter().all(|process| match (process.adopt(protocol.guards), process.data.counter) {
        (Adoption::Adopted(record), Some(counter)) => counter >= highest || !state.broker.bound.contains(record.epoch),
        _ => true,
    })
}

fn fences_are_under_way(state: &State) -> bool {
    let mut replicas = (0..).zip(state.replicas.as_slice());
    replicas.all(|(index, replica)| !matches!(replica.phase, Phase::Waiting(_)) || state.broker.holds_fence_of(index))
}

fn all_is_stored(_: &Protocol, state: &State) -> bool {
    state.left.losses == 0
        && state.broker.head().is_none()
        && state.replicas.as_slice().iter().all(|replica| replica.phase == Phase::Done)
        && state.mysql.dead == Set::default()
}
