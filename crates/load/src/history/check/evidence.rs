//! The history, sorted for being looked up: by call, by number, by place.

use std::collections::HashMap;

use crate::history::{
    clock::{Moment, Span},
    record::{Create, History, Outcome, Place, Read, Series, Update},
    text::{CallId, TextId},
};

/// A number that a client was told, and the text that stands for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) place: Place,
    pub(crate) text: TextId,
    pub(crate) create: &'a Create,
}

/// All that the checks of one history share.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    calls: Calls<'a>,
    claims: Vec<Claim<'a>>,
    updates: Vec<&'a Update>,
    reads: Vec<&'a Read>,
    burnt: HashMap<Series, Vec<(&'a Create, u64)>>,
    key_losses: &'a [Span],
}

impl<'a> Evidence<'a> {
    /// `epochs`: when the numbering began a new epoch. A create under way then may have burnt a number before it was given the
    /// one that it was told.
    pub(crate) fn of(history: &'a History, epochs: &[Span]) -> Self {
        let record = &history.record;
        let mut claims: Vec<Claim<'a>> = Vec::new();
        let mut burnt: HashMap<Series, Vec<(&'a Create, u64)>> = HashMap::new();
        for create in &record.creates {
            let series = create.series;
            claims.extend(create.claims().map(|(number, text)| Claim { place: Place { series, number }, text, create }));
            let openings = epochs.iter().filter(|epoch| epoch.overlaps(create.span)).count() as u64;
            let attempts = openings + u64::from(create.outcome.is_unsure());
            if attempts > 0 {
                burnt.entry(series).or_default().push((create, attempts * u64::from(create.items)));
            }
        }
        claims.sort_unstable_by_key(|claim| (claim.place, claim.text, claim.create.span.end));
        let mut updates: Vec<&Update> = record.updates.iter().collect();
        updates.sort_unstable_by_key(|update| (update.place, update.span.start));
        let mut reads: Vec<&Read> = record.reads.iter().collect();
        reads.sort_unstable_by_key(|read| (read.place, read.span.start));
        Self { calls: Calls::of(&record.creates), claims, updates, reads, burnt, key_losses: &history.key_losses }
    }

    pub(crate) fn calls(&self) -> &Calls<'a> {
        &self.calls
    }

    /// What clients were told of a series, by number.
    pub(crate) fn claims(&self, series: Series) -> &[Claim<'a>] {
        within(&self.claims, |claim| claim.place.series.cmp(&series))
    }

    /// What clients were told of one number; the earliest answer first, unless there are several texts.
    pub(crate) fn claims_of(&self, place: Place) -> &[Claim<'a>] {
        within(&self.claims, |claim| claim.place.cmp(&place))
    }

    pub(crate) fn updates(&self, series: Series) -> &[&'a Update] {
        within(&self.updates, |update| update.place.series.cmp(&series))
    }

    pub(crate) fn updates_of(&self, place: Place) -> &[&'a Update] {
        within(&self.updates, |update| update.place.cmp(&place))
    }

    pub(crate) fn reads(&self, series: Series) -> &[&'a Read] {
        within(&self.reads, |read| read.place.series.cmp(&series))
    }

    pub(crate) fn reads_of(&self, place: Place) -> &[&'a Read] {
        within(&self.reads, |read| read.place.cmp(&place))
    }

    /// Which attempts may have burnt numbers of a series, or had them stored without an acknowledgement, and how many.
    pub(crate) fn burnt(&self, series: Series) -> &[(&'a Create, u64)] {
        self.burnt.get(&series).map_or(&[], Vec::as_slice)
    }

    /// How often a call may have been done beyond once, because its key may have been forgotten between its attempts.
    pub(crate) fn repetitions(&self, attempts: &[&Create]) -> usize {
        let span = Calls::span(attempts);
        let keyed = attempts.len() > 1 && attempts.iter().all(|create| create.keyed);
        if keyed { self.key_losses.iter().filter(|loss| loss.overlaps(span)).count() } else { 0 }
    }
}

/// The part of a sorted list that compares as equal.
fn within<T>(sorted: &[T], compare: impl Fn(&T) -> std::cmp::Ordering) -> &[T] {
    let from = sorted.partition_point(|entry| compare(entry).is_lt());
    let many = sorted[from..].partition_point(|entry| compare(entry).is_eq());
    &sorted[from..from + many]
}

/// All attempts of each call, in their order.
#[derive(Debug)]
pub(crate) struct Calls<'a> {
    attempts: Vec<&'a Create>,
}

impl<'a> Calls<'a> {
    fn of(creates: &'a [Create]) -> Self {
        let mut attempts: Vec<&Create> = creates.iter().collect();
        attempts.sort_unstable_by_key(|create| (create.call, create.span.start));
        Self { attempts }
    }

    /// A call's attempts; none if the call was no create.
    pub(crate) fn attempts(&self, call: CallId) -> &[&'a Create] {
        within(&self.attempts, |create| create.call.cmp(&call))
    }

    /// All calls, each with its attempts.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[&'a Create]> {
        self.attempts.chunk_by(|one, other| one.call == other.call)
    }

    /// Whether this text may have been created in this series: it was asked for, and not only refused.
    pub(crate) fn created(&self, text: TextId, series: Series) -> bool {
        self.attempts(text.call())
            .iter()
            .any(|create| create.series == series && text.item() < create.items && !matches!(create.outcome, Outcome::Refused(_)))
    }

    /// From a call's first attempt to the end of its last.
    pub(crate) fn span(attempts: &[&Create]) -> Span {
        let start = attempts.first().map_or(Moment::BEGINNING, |create| create.span.start);
        let end = attempts.iter().map(|create| create.span.end).max().unwrap_or(Moment::NEVER);
        Span { start, end }
    }

    /// The numbers that a call's first text was acknowledged with, each once.
    pub(crate) fn told(attempts: &[&Create]) -> Vec<u64> {
        let acknowledged = attempts.iter().filter_map(|create| match create.outcome {
            Outcome::Acknowledged(first) => Some(first),
            _ => None,
        });
        let mut told: Vec<u64> = acknowledged.collect();
        told.sort_unstable();
        told.dedup();
        told
    }
}
