//! The protocol as the checker sees it: which steps are open in a state, and what each makes of it.

use stateright::{Model, Property};

use crate::{Action, Bounds, Guard, Guards, State, properties};

/// The protocol with some guards, within some bounds.
#[derive(Debug, Clone, Default)]
pub struct Protocol {
    /// How much may happen.
    pub bounds: Bounds,
    /// What keeps numbers unique.
    pub guards: Guards,
    /// Whether states that differ in nothing are visited once (`reduce`).
    pub reduced: bool,
}

impl Protocol {
    /// The protocol without one of its guards, within the same bounds.
    #[must_use]
    pub fn without(mut self, guard: Guard) -> Self {
        self.guards = self.guards.without(guard);
        self
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::initial(&self.bounds)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (index, replica) in (0..).zip(state.replicas.as_slice()) {
            self.calls(state, replica, |call| actions.push(Action::Ingest { replica: index, call }));
        }
        self.consumer_steps(state, |step| actions.push(Action::Consumer(step)));
        if state.left.losses > 0 {
            if state.left.copies > 0 && !self.reduces() && state.redis.copy_is_old() {
                actions.push(Action::Copy);
            }
            actions.extend(state.redis.losses().map(Action::Lose));
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        let done = match action {
            Action::Ingest { replica, call } => self.make(&mut next, replica, call),
            Action::Consumer(step) => self.consume(&mut next, step),
            Action::Copy => {
                next.redis.copy_primary();
                next.left.copies -= 1;
                true
            }
            Action::Lose(loss) => {
                next.redis.lose(loss);
                next.left.losses -= 1;
                next.forget_the_useless();
                true
            }
        };
        if self.reduces() {
            next.reduce();
        }
        done.then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl State {
    /// Behind the last loss no copy is of use any more: states that differ in it alone are one.
    fn forget_the_useless(&mut self) {
        if self.left.losses == 0 {
            self.redis.copy = None;
            self.left.copies = 0;
        }
    }
}
