//! The protocol without one of its guards: each time the checker finds how the promise is broken.
//!
//! The bounds are the least in which that happens, so that the stories are short. Wider ones contain them.

use std::{collections::BTreeSet, time::Instant};

use model::{Action, Bounds, CONFLICT, DOUBLED, Guard, LOST, Protocol, REDELIVERY, REPLACED, STRAGGLER, State, story};
use stateright::{Checker, HasDiscoveries, Model as _, Path};

/// One replica, one create, and nothing that goes wrong.
const PEACE: Bounds = Bounds { replicas: 1, creates: 1, losses: 0, copies: 0, epochs: 3, crashes: 0, stragglers: 0 };

/// The property breaks without the guard, and holds with it.
fn breaks(guard: Guard, bounds: Bounds, property: &'static str) {
    let protocol = Protocol { bounds, ..Protocol::default() };
    let whole = protocol.clone().checker().spawn_dfs().join();
    assert!(whole.is_done());
    whole.assert_no_discovery(property);

    let began = Instant::now();
    let broken = protocol.without(guard);
    let (mut unique, mut path) = counterexample(&broken, property, usize::MAX);
    // The checker keeps the last that it finds, not the first.
    while let (states, Some(shorter)) = counterexample(&broken, property, length(&path)) {
        (unique, path) = (states, Some(shorter));
    }
    let Some(path) = path else { panic!("without {guard:?} all is well: {property}") };
    let seconds = began.elapsed().as_secs_f64();
    println!("without {guard:?} it breaks that {property} ({unique} unique states, {seconds:.1} s):\n{}", story(path));
}

/// How a property breaks in fewer than so many steps, and how many states were visited.
fn counterexample(broken: &Protocol, property: &'static str, steps: usize) -> (usize, Option<Path<State, Action>>) {
    let finish = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let search = broken.clone().checker().finish_when(finish).target_max_depth(steps.saturating_add(1)).spawn_bfs().join();
    (search.unique_state_count(), search.discovery(property))
}

fn length(path: &Option<Path<State, Action>>) -> usize {
    path.clone().map_or(0, |path| path.into_actions().len())
}

#[test]
fn without_the_fence_a_counter_is_seeded_below_what_stands_in_the_queue() {
    breaks(Guard::Fence, Bounds { creates: 2, losses: 1, ..PEACE }, DOUBLED);
}

#[test]
fn a_counter_that_was_evicted_is_seeded_below_what_another_is_about_to_publish() {
    breaks(Guard::Evictions, Bounds { replicas: 2, losses: 1, ..PEACE }, DOUBLED);
}

#[test]
fn without_the_unbinding_a_stalled_publisher_is_acknowledged_in_an_old_epoch() {
    breaks(Guard::Unbinding, Bounds { replicas: 2, losses: 1, ..PEACE }, DOUBLED);
    breaks(Guard::Unbinding, Bounds { replicas: 2, losses: 1, ..PEACE }, STRAGGLER);
}

#[test]
fn without_the_verification_a_stalled_opener_binds_an_epoch_that_was_unbound() {
    breaks(Guard::Verification, Bounds { replicas: 2, ..PEACE }, DOUBLED);
}

#[test]
fn with_the_verification_before_the_binding_it_says_nothing() {
    breaks(Guard::BindFirst, Bounds { replicas: 2, losses: 1, ..PEACE }, DOUBLED);
}

#[test]
fn without_the_run_id_an_old_file_counts_on_from_where_it_was_written() {
    breaks(Guard::RunId, Bounds { creates: 2, losses: 1, copies: 1, ..PEACE }, DOUBLED);
}

#[test]
fn without_the_scripts_look_at_the_record_a_flushed_counter_is_seeded_again() {
    breaks(Guard::Script, Bounds { replicas: 2, losses: 1, ..PEACE }, DOUBLED);
}

#[test]
fn a_counter_that_is_seeded_twice_goes_back() {
    breaks(Guard::StillMissing, Bounds { replicas: 2, ..PEACE }, DOUBLED);
}

#[test]
fn without_the_event_a_redelivery_is_taken_for_another_create() {
    let bounds = Bounds { crashes: 1, ..PEACE };
    breaks(Guard::EventId, bounds, REDELIVERY);
    breaks(Guard::EventId, bounds, CONFLICT);
}

/// A single broker never brings two creates with one number; a cluster may.
#[test]
fn without_the_event_another_create_is_taken_for_a_redelivery() {
    let bounds = Bounds { replicas: 2, stragglers: 1, ..PEACE };
    breaks(Guard::EventIdElseDone, bounds, LOST);
    breaks(Guard::EventIdElseReplace, bounds, REPLACED);
}

#[test]
fn a_straggler_whose_counter_is_not_raised_takes_a_number_that_will_be_given_again() {
    breaks(Guard::Raise, Bounds { replicas: 2, stragglers: 1, ..PEACE }, CONFLICT);
}

#[test]
fn a_straggler_that_leaves_no_floor_takes_a_number_that_is_just_being_seeded() {
    breaks(Guard::Floor, Bounds { replicas: 2, stragglers: 1, ..PEACE }, CONFLICT);
}
