//! Missing numbers against calls: each must belong to a call that got an error or no answer, and that was under way when the
//! number was given.
//!
//! A counter only rises, and whatever is seeded is seeded from what is stored. So a missing number was given behind each stored
//! one below it and before each stored one above it: not before the calls of the former began, and before those of the latter
//! were answered. That makes a window for each missing number, and both of its ends rise with the number. Which calls may have
//! burnt which numbers is then a convex bipartite graph, where the greedy matching is a largest one (Glover: Maximum matching in
//! a convex bipartite graph, 1967).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    time::Duration,
};

use super::{
    evidence::{Calls, Evidence},
    stored::Row,
};
use crate::history::{
    clock::{Moment, Span},
    record::{Create, Place, Series},
    report::{Kind, Report},
    text::{CallId, Words},
};

/// A create that its client has given up may go on for so long in a service, which has 2.8 s for it.
const LATE: Duration = Duration::from_secs(4);

/// A number that is neither stored nor acknowledged, and when it was given.
struct Gap {
    number: u64,
    given: Span,
}

/// A call that may have burnt numbers: how many, and when.
struct Burner {
    at: Span,
    numbers: u64,
}

/// Finds the gaps below the highest row, and a call for each of them. `kept`: how many rows each call has that nobody was told
/// of, for they are what became of its numbers.
pub(super) fn check(evidence: &Evidence<'_>, series: Series, rows: &[Row], kept: &HashMap<CallId, u64>, report: &mut Report) {
    let gaps = gaps(evidence, series, rows);
    report.figures.gaps += gaps.len() as u64;
    if gaps.is_empty() {
        return;
    }
    for gap in unmatched(&gaps, burners(evidence, series, kept)) {
        let what = format!("{series}: no call can have burnt number {}, which was given in {}", gap.number, gap.given);
        report.violation(Kind::Gap, what, neighbours(evidence, series, rows, gap.number));
    }
}

/// By number; both ends of `given` rise.
fn gaps(evidence: &Evidence<'_>, series: Series, rows: &[Row]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let (mut before, mut since) = (0, Moment::BEGINNING);
    for row in rows {
        let missing = (before + 1..row.number).filter(|number| evidence.claims_of(Place { series, number: *number }).is_empty());
        gaps.extend(missing.map(|number| Gap { number, given: Span { start: since, end: Moment::NEVER } }));
        before = row.number;
        since = since.max(given(evidence, series, row).start);
    }
    let (mut above, mut until) = (rows.iter().rev().peekable(), Moment::NEVER);
    for gap in gaps.iter_mut().rev() {
        while let Some(row) = above.next_if(|row| row.number > gap.number) {
            until = until.min(given(evidence, series, row).end);
        }
        gap.given.end = until;
    }
    gaps
}

/// When a row's number was given, at the most.
fn given(evidence: &Evidence<'_>, series: Series, row: &Row) -> Span {
    let claim = evidence.claims_of(Place { series, number: row.number }).first();
    match (claim, row.words) {
        (Some(claim), _) => {
            let start = Calls::span(evidence.calls().attempts(claim.create.call)).start;
            Span { start, end: claim.create.span.end }
        }
        (None, Words::Ours(text)) => {
            let span = Calls::span(evidence.calls().attempts(text.call()));
            Span { end: span.end.after(LATE), ..span }
        }
        (None, Words::Foreign) => Span { start: Moment::BEGINNING, end: Moment::NEVER },
    }
}

fn burners(evidence: &Evidence<'_>, series: Series, kept: &HashMap<CallId, u64>) -> Vec<Burner> {
    let mut kept = kept.clone();
    let burner = |(create, numbers): &(&Create, u64)| {
        let own = kept.entry(create.call).or_default();
        let taken = (*own).min(*numbers);
        *own -= taken;
        Burner { at: Span { end: create.span.end.after(LATE), ..create.span }, numbers: numbers - taken }
    };
    evidence.burnt(series).iter().map(burner).filter(|burner| burner.numbers > 0).collect()
}

/// Gives each gap to a call that was under way then; of several to the one that can have burnt the fewest of those that follow.
fn unmatched(gaps: &[Gap], burners: Vec<Burner>) -> Vec<&Gap> {
    // Which of the gaps a call may have burnt: from the first that was given when it began, to the last before it ended.
    let mut from: BTreeMap<usize, Vec<(usize, u64)>> = BTreeMap::new();
    for Burner { at, numbers } in burners {
        let first = gaps.partition_point(|gap| gap.given.end < at.start);
        let behind = gaps.partition_point(|gap| gap.given.start <= at.end);
        from.entry(first).or_default().push((behind, numbers));
    }
    let mut open = BinaryHeap::new();
    let mut unmatched = Vec::new();
    for (index, gap) in gaps.iter().enumerate() {
        open.extend(from.remove(&index).into_iter().flatten().map(Reverse));
        while open.peek().is_some_and(|Reverse((behind, numbers))| *behind <= index || *numbers == 0) {
            open.pop();
        }
        match open.peek_mut() {
            // The order among calls that end at the same gap is of no matter.
            Some(mut call) => call.0.1 -= 1,
            None => unmatched.push(gap),
        }
    }
    unmatched
}

/// The creates of the stored numbers around a gap.
fn neighbours(evidence: &Evidence<'_>, series: Series, rows: &[Row], number: u64) -> Vec<String> {
    let above = rows.partition_point(|row| row.number < number);
    let around = above.checked_sub(1).into_iter().chain([above]).filter_map(|index| rows.get(index));
    let told = |row: &Row| match (evidence.claims_of(Place { series, number: row.number }).first(), row.words) {
        (Some(claim), _) => claim.create.to_string(),
        (None, words) => format!("stored as {}, and nobody was told: {words}", row.number),
    };
    around.map(told).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span((start, length): (u64, u64)) -> Span {
        Span { start: Moment::micros(start), end: Moment::micros(start + length) }
    }

    /// Every way of giving gaps to calls, for a few only.
    fn most_matched(gaps: &[Gap], burners: &[(Span, u64)]) -> usize {
        let Some((gap, rest)) = gaps.split_first() else { return 0 };
        let without = most_matched(rest, burners);
        (0..burners.len()).fold(without, |most, index| {
            let (at, numbers) = burners[index];
            if numbers == 0 || !at.overlaps(gap.given) {
                return most;
            }
            let mut left = burners.to_vec();
            left[index].1 -= 1;
            most.max(1 + most_matched(rest, &left))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn as_many_gaps_as_can_be_are_given_to_calls(
            windows in proptest::collection::vec((0_u64..3, 0_u64..5), 0..5),
            calls in proptest::collection::vec(((0_u64..14, 0_u64..4), 1_u64..3), 0..4),
        ) {
            let (mut start, mut end) = (0, 0);
            let gaps: Vec<Gap> = (1..).zip(windows).map(|(number, (later, length))| {
                start += later;
                end = (start + length).max(end);
                Gap { number, given: span((start, end - start)) }
            }).collect();
            let calls: Vec<(Span, u64)> = calls.into_iter().map(|(at, numbers)| (span(at), numbers)).collect();
            let burners = calls.iter().map(|(at, numbers)| Burner { at: *at, numbers: *numbers }).collect();
            prop_assert_eq!(gaps.len() - unmatched(&gaps, burners).len(), most_matched(&gaps, &calls));
        }
    }
}
