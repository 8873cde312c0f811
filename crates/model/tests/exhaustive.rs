//! The protocol as it is, in every order of its steps.

use std::{collections::BTreeSet, time::Instant};

use model::{Bounds, DOUBLED, Guard, Protocol, REDELIVERY};
use stateright::{Checker, HasDiscoveries, Model as _};

/// Visits every state, prints what that took, and asserts that each property holds.
fn check(protocol: Protocol) -> usize {
    println!("{protocol:?}");
    let began = Instant::now();
    let checker = protocol.checker().threads(2).symmetry().spawn_dfs().join();
    let (unique, depth, seconds) = (checker.unique_state_count(), checker.max_depth(), began.elapsed().as_secs_f64());
    println!("{} states, {unique} unique, depth {depth}, {seconds:.1} s", checker.state_count());
    checker.assert_properties();
    unique
}

#[test]
fn two_replicas_with_two_creates_each_keep_the_promise_through_two_losses() {
    let unique = check(Protocol { reduced: true, ..Protocol::default() });
    assert!(unique > 1_000_000, "so few states cannot be all: {unique}");
}

/// A cluster may take a message whose epoch is unbound, and acknowledge it: it may end as a conflict, but nobody else's create
/// does.
#[test]
fn a_clusters_straggler_takes_no_number_from_others() {
    let bounds = Bounds { creates: 1, losses: 1, epochs: 3, stragglers: 1, ..Bounds::default() };
    check(Protocol { bounds, ..Protocol::default() });
}

#[test]
fn the_reduction_leaves_out_no_kind_of_state() {
    let bounds = Bounds { creates: 1, losses: 1, epochs: 3, ..Bounds::default() };
    let [plain, reduced] = [false, true].map(|reduced| check(Protocol { bounds, reduced, ..Protocol::default() }));
    assert!(reduced < plain, "{reduced} of {plain}");
    // What breaks without a guard on which the reduction does not lean is found with it as well.
    for (guard, property) in [(Guard::Fence, DOUBLED), (Guard::EventId, REDELIVERY)] {
        let broken = Protocol { reduced: true, ..Protocol::default() }.without(guard);
        let finish = HasDiscoveries::AnyOf(BTreeSet::from([property]));
        broken.checker().finish_when(finish).symmetry().spawn_dfs().join().assert_any_discovery(property);
    }
}
