//! MySQL: the epochs' numbers, the messages with their events, the dead letters (`crates/store`). It loses nothing.

use crate::{
    Guard, Guards,
    names::{Epoch, Event, MAX_EVENTS, Number, Set},
};

/// The tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Mysql {
    /// `epochs`: rows 1 to this.
    pub(crate) highest_epoch: Epoch,
    /// `epochs.closed`.
    closed: Set,
    /// `messages`: by number, the event of the row, and one more than it; 0: no row.
    rows: [u8; MAX_EVENTS],
    /// `dead_letters`, for a conflict: the events.
    pub(crate) dead: Set,
}

/// What the insert of a row has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// Stored, now or before, or dismissed.
    Done,
    /// Another's row was replaced: what must never be.
    Replaced,
}

impl Mysql {
    /// `epochs::next`. (The floor that it is given, a record's epoch, is never above what MySQL has not forgotten.)
    pub(crate) fn next_epoch(&mut self) -> Epoch {
        self.highest_epoch += 1;
        self.highest_epoch
    }

    /// `epochs::open_below`.
    pub(crate) fn open_below(&self, epoch: Epoch) -> impl Iterator<Item = Epoch> {
        (1..epoch).filter(|lower| !self.closed.contains(*lower))
    }

    /// All rows of `epochs` but these are closed.
    pub(crate) fn leave_open(&mut self, open: Set) {
        self.closed = (1..=self.highest_epoch).filter(|epoch| !open.contains(*epoch)).collect();
    }

    /// `epochs::close`.
    pub(crate) fn close(&mut self, epoch: Epoch) {
        self.closed.insert(epoch);
    }

    pub(crate) fn row(&self, number: Number) -> Option<Event> {
        self.rows[usize::from(number)].checked_sub(1)
    }

    /// The numbers under which an event is stored.
    pub(crate) fn rows_of(&self, event: Event) -> usize {
        self.rows.iter().filter(|row| row.checked_sub(1) == Some(event)).count()
    }

    /// The events get other names.
    pub(crate) fn rename_events(&mut self, name: impl Fn(Event) -> Event) {
        for row in &mut self.rows {
            *row = row.checked_sub(1).map_or(0, |event| name(event) + 1);
        }
        self.dead = self.dead.iter().map(name).collect();
    }

    /// `messages::highest`: of rows and dead letters. `number_of` tells a dead event's number.
    pub(crate) fn highest(&self, number_of: &[Number; MAX_EVENTS]) -> Number {
        let stored = self.rows.iter().rposition(|row| *row != 0).unwrap_or(0) as Number;
        self.dead.iter().map(|event| number_of[usize::from(event)]).fold(stored, Number::max)
    }

    /// `Persister::store` for one item: `Plan::yield_to`, and for disputed ones `Plan::settle_disputes`.
    pub(crate) fn store(&mut self, number: Number, event: Event, disputed: bool, guards: Guards) -> Inserted {
        if self.dead.contains(event) {
            return Inserted::Done;
        }
        let row = &mut self.rows[usize::from(number)];
        match row.checked_sub(1) {
            None if disputed => self.dead.insert(event),
            None => *row = event + 1,
            Some(_) if !guards.has(Guard::EventId) => self.dead.insert(event),
            Some(_) if !guards.has(Guard::EventIdElseDone) => {}
            Some(stored) if stored == event => {}
            Some(_) if !guards.has(Guard::EventIdElseReplace) => {
                *row = event + 1;
                return Inserted::Replaced;
            }
            Some(_) => self.dead.insert(event),
        }
        Inserted::Done
    }
}
