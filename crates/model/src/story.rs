//! Tells a path of the checker as a story.

use std::fmt::Write as _;

use stateright::Path;

use crate::{Action, Consume, State, broker::Item, ingest::Phase, names::Event, redis::Raise};

/// One line for each step: who did what, and what has come of it.
pub fn story(path: Path<State, Action>) -> String {
    let mut text = String::new();
    let steps = path.into_vec();
    for (number, pair) in (1..).zip(steps.windows(2)) {
        let [(before, Some(action)), (after, _)] = pair else { continue };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{number:>4}  {action}{}", outcome(before, after, action));
    }
    text
}

fn outcome(before: &State, after: &State, action: &Action) -> String {
    match action {
        Action::Ingest { replica, .. } => {
            let of = |state: &State| state.replicas.as_slice()[usize::from(*replica)];
            let published = if of(before).creates > of(after).creates { of(before).event() } else { None };
            match published {
                Some(event) => {
                    let number = after.clients.acknowledged[usize::from(event)];
                    format!(" → acknowledged: number {number} is event {event}'s")
                }
                None => format!(" → {}", standing(of(after).phase)),
            }
        }
        Action::Consumer(Consume::Decide(_)) => match after.consumer.decision {
            Some(Raise::Own) => " → the number is the straggler's own".to_owned(),
            Some(Raise::NotBelow) => " → the number may be another's".to_owned(),
            None => String::new(),
        },
        Action::Consumer(Consume::Crash(_)) | Action::Copy | Action::Lose(_) => String::new(),
        Action::Consumer(Consume::Head) => match before.broker.head() {
            Some(Item::Create { event, .. }) => format!(" → {}", fate(before, after, event)),
            Some(Item::Fence { replica, epoch }) => format!(" → answers the fence of ingest {replica}, epoch {epoch}"),
            None | Some(Item::None) => String::new(),
        },
    }
}

fn fate(before: &State, after: &State, event: Event) -> String {
    let number = before.clients.acknowledged[usize::from(event)];
    let dead = |state: &State| state.mysql.dead.contains(event);
    match (before.mysql.row(number), after.mysql.row(number)) {
        _ if dead(after) && !dead(before) => format!("event {event}, number {number}, becomes a conflict"),
        (before, after) if before != after => format!("row {number} is event {event}'s"),
        _ => format!("event {event}, number {number}, changes nothing"),
    }
}

fn standing(phase: Phase) -> String {
    match phase {
        Phase::Looking => "begins anew".to_owned(),
        Phase::Numbering { .. } => "no epoch to trust".to_owned(),
        Phase::Binding(record) | Phase::Unbinding(record) => format!("opening epoch {}", record.epoch),
        Phase::Verifying(record) => format!("epoch {} is bound", record.epoch),
        Phase::Withdrawing(epoch) => format!("epoch {epoch} is overtaken"),
        Phase::Recording(record) => format!("epoch {} may be recorded", record.epoch),
        Phase::Issuing(record) => format!("works in epoch {}", record.epoch),
        Phase::Fencing(record) => format!("epoch {} has no counter", record.epoch),
        Phase::Waiting(_) => "waits".to_owned(),
        Phase::Reading(_) => "will seed the counter from MySQL".to_owned(),
        Phase::Seeding(_, last) => format!("it is {last}"),
        Phase::Publishing(record, number, event) => format!("number {number} of epoch {}, for event {event}", record.epoch),
        Phase::Done => "done".to_owned(),
        Phase::GaveUp => "gives up: no epoch left in the bounds".to_owned(),
    }
}
