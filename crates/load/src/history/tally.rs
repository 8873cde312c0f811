//! How many calls of each kind ended in which way: for people, who want to see what a report stands for. Nothing is judged by it.

use std::{collections::BTreeMap, fmt};

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    CreateChat,
    CreateMessage,
    CreateMessages,
    Update,
    Read,
    List,
    Search,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::CreateChat => "create a chat",
            Self::CreateMessage => "create a message",
            Self::CreateMessages => "create several messages",
            Self::Update => "update a message",
            Self::Read => "read a message",
            Self::List => "list messages",
            Self::Search => "search messages",
        })
    }
}

/// Attempts by the class of their answers' status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    /// 2xx.
    pub(crate) done: u64,
    /// 4xx.
    pub(crate) refused: u64,
    /// 5xx.
    pub(crate) failed: u64,
    pub(crate) unanswered: u64,
}

/// Attempts by kind and end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally(BTreeMap<Action, Ends>);

impl Tally {
    /// Counts an attempt that was answered with this status, or not at all.
    pub(crate) fn count(&mut self, action: Action, status: Option<u16>) {
        let ends = self.0.entry(action).or_default();
        let end = match status {
            None => &mut ends.unanswered,
            Some(..400) => &mut ends.done,
            Some(400..500) => &mut ends.refused,
            Some(500..) => &mut ends.failed,
        };
        *end += 1;
    }

    /// Adds what another has counted.
    pub(crate) fn join(&mut self, other: &Self) {
        for (action, others) in &other.0 {
            let ends = self.0.entry(*action).or_default();
            ends.done += others.done;
            ends.refused += others.refused;
            ends.failed += others.failed;
            ends.unanswered += others.unanswered;
        }
    }
}

/// A table.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| calls | 2xx | 4xx | 5xx | no answer |\n|---|---|---|---|---|")?;
        for (action, Ends { done, refused, failed, unanswered }) in &self.0 {
            writeln!(f, "| {action} | {done} | {refused} | {failed} | {unanswered} |")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_is_counted_once_by_kind_and_end() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        for status in [Some(200), Some(202), Some(404), Some(503), None] {
            one.count(Action::Read, status);
        }
        other.count(Action::Read, Some(200));
        other.count(Action::CreateChat, None);
        one.join(&other);
        let table = one.to_string();
        assert!(
            table.contains("| read a message | 3 | 1 | 1 | 1 |\n") && table.contains("| create a chat | 0 | 0 | 0 | 1 |\n"),
            "{table}"
        );
    }
}
