//! What was done and what came of it: every attempt of every call, some fifty bytes each, so that millions fit into memory.
//!
//! Texts are kept as ids; see [`super::text`]. Nothing is judged here.

use std::{fmt, time::Instant};

use domain::{ApplicationToken, EventId};

use super::{
    clock::{Clock, Span},
    tally::Tally,
    text::{CallId, TextId, Words},
};

/// Where numbers are given one after the other: an application's chats, or a chat's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Series {
    /// Which of the history's applications, from 0.
    pub(crate) application: u16,
    /// The chat's number; 0 for the application's chats themselves.
    pub(crate) chat: u32,
}

impl Series {
    pub(crate) fn chats_of(application: u16) -> Self {
        Self { application, chat: 0 }
    }

    pub(crate) fn is_of_chats(self) -> bool {
        self.chat == 0
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.chat {
            0 => write!(f, "chats of application {}", self.application),
            chat => write!(f, "messages of application {} chat {chat}", self.application),
        }
    }
}

/// A number in its series: a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) series: Series,
    pub(crate) number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} number {}", self.series, self.number)
    }
}

/// How an attempt to change something ended. `T` is what an acknowledgement tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome<T> {
    Acknowledged(T),
    /// An error of the client's kind (4xx): surely not done.
    Refused(u16),
    /// An error of the service's kind (5xx): it may have been done all the same.
    Failed(u16),
    /// Connection lost, or the client's patience over.
    Unanswered,
}

impl<T> Outcome<T> {
    /// Whether nobody knows if it was done.
    pub(crate) fn is_unsure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unanswered)
    }
}

impl<T: fmt::Display> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acknowledged(told) => write!(f, "acknowledged{told}"),
            Self::Refused(status) | Self::Failed(status) => write!(f, "answered {status}"),
            Self::Unanswered => f.write_str("no answer"),
        }
    }
}

/// One attempt to create a chat, a message or several.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Create {
    pub(crate) call: CallId,
    pub(crate) series: Series,
    /// How many were asked for at once.
    pub(crate) items: u16,
    /// Whether it had an idempotency key: the same one in all of the call's attempts.
    pub(crate) keyed: bool,
    pub(crate) span: Span,
    /// The first number; the others follow.
    pub(crate) outcome: Outcome<u64>,
}

impl fmt::Display for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, series, items, keyed, span, outcome } = self;
        let key = if *keyed { " with a key" } else { "" };
        write!(f, "{span} {call}: create {items}{key} in {series}: ")?;
        match outcome {
            Outcome::Acknowledged(first) => write!(f, "acknowledged from number {first}"),
            outcome => outcome.fmt(f),
        }
    }
}

/// An attempt to give a message another text. It is never made again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Update {
    pub(crate) place: Place,
    pub(crate) text: TextId,
    pub(crate) span: Span,
    pub(crate) outcome: Outcome<&'static str>,
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, text, span, outcome } = self;
        write!(f, "{span} {}: update {place} to {text}: {outcome}", text.call())
    }
}

/// What a read showed of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(Words),
    /// 404.
    Absent,
    /// 202: accepted, not stored yet.
    Pending,
    /// A list that goes beyond its number does not have it.
    Unlisted,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(words) => words.fmt(f),
            Self::Absent => f.write_str("404"),
            Self::Pending => f.write_str("202, not stored yet"),
            Self::Unlisted => f.write_str("not in a list that goes beyond it"),
        }
    }
}

/// A message that was read, alone, in a list or among the hits of a search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    pub(crate) client: u16,
    pub(crate) place: Place,
    pub(crate) span: Span,
    pub(crate) seen: Seen,
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, place, span, seen } = self;
        write!(f, "{span} client {client}: read {place}: {seen}")
    }
}

/// Something that no answer may be, whatever else happens: told at once, and kept as a sentence.
#[derive(Debug, Clone)]
pub(crate) struct Oddity {
    pub(crate) span: Span,
    pub(crate) what: String,
}

/// What one client, or all of them, did and saw.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) creates: Vec<Create>,
    pub(crate) updates: Vec<Update>,
    pub(crate) reads: Vec<Read>,
    pub(crate) oddities: Vec<Oddity>,
    /// Those beyond the bound, that were not kept.
    pub(crate) more_oddities: u64,
    pub(crate) tally: Tally,
}

impl Record {
    /// Oddities that are kept of each client.
    const ODDITIES: usize = 100;

    pub(crate) fn odd(&mut self, span: Span, what: impl Into<String>) {
        if self.oddities.len() < Self::ODDITIES {
            self.oddities.push(Oddity { span, what: what.into() });
        } else {
            self.more_oddities += 1;
        }
    }

    pub(crate) fn join(&mut self, other: Record) {
        self.creates.extend(other.creates);
        self.updates.extend(other.updates);
        self.reads.extend(other.reads);
        self.oddities.extend(other.oddities);
        self.more_oddities += other.more_oddities;
        self.tally.join(&other.tally);
    }
}

/// A whole run: every call of every client on one clock.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) clock: Clock,
    /// The applications that the run made for itself.
    pub(crate) applications: Vec<ApplicationToken>,
    pub(crate) record: Record,
    /// The creates that were made last of all, one in each chat: once they are stored, so is all that went before them.
    pub(crate) last: Vec<Place>,
    /// When idempotency keys may have been forgotten; see [`History::keys_lost`].
    pub(crate) key_losses: Vec<Span>,
    /// When the numbering may have begun epochs that are not dated right; see [`History::clocks_wrong`].
    pub(crate) misdated: Vec<Span>,
    /// Events that were put into the queues under numbers of others: each must be kept aside, as a dead letter.
    pub(crate) rivals: Vec<EventId>,
}

impl History {
    /// Notes that clocks of services were wrong between these moments: an epoch that was opened then is dated with another time.
    pub(crate) fn clocks_wrong(&mut self, from: Instant, until: Instant) {
        self.misdated.push(Span { start: self.clock.at(from), end: self.clock.at(until) });
    }

    /// Notes that Redis may have lost what it was told between these moments (flushed; killed with writes that were not on disk
    /// yet; put back; failed over). A call whose attempts reach over it may be done once more, for its key may be forgotten: that
    /// is all that `docs/API.md` allows.
    pub(crate) fn keys_lost(&mut self, from: Instant, until: Instant) {
        self.key_losses.push(Span { start: self.clock.at(from), end: self.clock.at(until) });
    }

    /// Creates that were acknowledged, each message of a batch being one and a replayed answer none.
    pub(crate) fn acknowledged(&self) -> u64 {
        let mut numbers: Vec<(Series, u64, u16)> = self.record.creates.iter().filter_map(Create::claim).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|(_, _, items)| u64::from(items)).sum()
    }
}

impl Create {
    /// The numbers that it was told: the series, the first one, how many.
    fn claim(&self) -> Option<(Series, u64, u16)> {
        match self.outcome {
            Outcome::Acknowledged(first) => Some((self.series, first, self.items)),
            _ => None,
        }
    }

    /// Where the first of what it was told lies.
    pub(crate) fn first_place(&self) -> Option<Place> {
        self.claim().map(|(series, number, _)| Place { series, number })
    }

    /// The numbers that it was told, with the text that each stands for.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (u64, TextId)> + use<> {
        let Self { call, .. } = *self;
        let claim = self.claim();
        claim
            .into_iter()
            .flat_map(move |(_, first, items)| (0..items).map(move |item| (first + u64::from(item), call.text(item))))
    }
}
