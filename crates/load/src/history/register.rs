//! Whether the reads and writes of one register are linearizable, where no value is written twice.
//!
//! Gibbons, Korach: Testing shared memories (SIAM Journal on Computing 26, 1997): where each read tells which write it saw, the
//! operations fall into clusters, a write with its reads, and it is enough to look at each cluster's zone: from the first end in
//! it to the last start (*forward*, when the end comes first), or from the last start to the first end (*backward*). The history
//! is linearizable if and only if no read ends before its write starts, no two forward zones overlap, and no backward zone
//! lies within a forward one. That takes sorting and one pass, where the general search of Wing and Gong grows without bound.
//!
//! A write of which nobody knows whether it was done ends [never](Moment::NEVER), and counts only if someone has read it.

use super::clock::{Moment, Span};

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Write,
    Read,
}

/// A write or a read of the register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<V> {
    pub(crate) kind: Kind,
    pub(crate) value: V,
    pub(crate) span: Span,
}

/// Why there is no order in which all of it could have happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Conflict<V> {
    /// Nobody writes what was read.
    Unwritten(Operation<V>),
    /// The read had ended before the write began.
    FromTheFuture { read: Operation<V>, write: Operation<V> },
    /// Of two values each must have come before the other: `first.0` ends before `second.1` begins, and `second.0` before
    /// `first.1`.
    Crossed { first: (Operation<V>, Operation<V>), second: (Operation<V>, Operation<V>) },
}

/// A value's zone: the operation that ends first, and the one that starts last.
#[derive(Clone, Copy)]
struct Zone<V> {
    ends_first: Operation<V>,
    starts_last: Operation<V>,
}

impl<V> Zone<V> {
    fn end(&self) -> Moment {
        self.ends_first.span.end
    }

    fn start(&self) -> Moment {
        self.starts_last.span.start
    }

    fn is_forward(&self) -> bool {
        self.end() < self.start()
    }
}

/// The first conflict of each kind, if the operations are not linearizable. Reorders them.
pub(crate) fn check<V: Copy + Ord>(operations: &mut [Operation<V>]) -> Vec<Conflict<V>> {
    operations.sort_unstable_by_key(|operation| (operation.value, operation.kind, operation.span.start));
    let mut conflicts = Vec::new();
    let mut zones = Vec::new();
    for cluster in operations.chunk_by(|one, other| one.value == other.value) {
        match zone(cluster) {
            Ok(zone) => zones.extend(zone),
            Err(conflict) => conflicts.push(conflict),
        }
    }
    conflicts.extend(crossed(zones));
    conflicts
}

/// The zone of a value; none for a write that need not have happened.
fn zone<V: Copy>(cluster: &[Operation<V>]) -> Result<Option<Zone<V>>, Conflict<V>> {
    let Some(write) = cluster.first() else { return Ok(None) };
    if write.kind == Kind::Read {
        return Err(Conflict::Unwritten(*write));
    }
    if let Some(read) = cluster.iter().find(|read| read.span.end < write.span.start) {
        return Err(Conflict::FromTheFuture { read: *read, write: *write });
    }
    let ends_first = cluster.iter().min_by_key(|operation| operation.span.end).unwrap_or(write);
    let starts_last = cluster.iter().max_by_key(|operation| operation.span.start).unwrap_or(write);
    let happened = ends_first.span.end < Moment::NEVER;
    Ok(happened.then_some(Zone { ends_first: *ends_first, starts_last: *starts_last }))
}

fn crossed<V: Copy>(zones: Vec<Zone<V>>) -> Option<Conflict<V>> {
    let (mut forward, backward): (Vec<_>, Vec<_>) = zones.into_iter().partition(Zone::is_forward);
    forward.sort_unstable_by_key(Zone::end);
    let conflict = |first: &Zone<V>, second: &Zone<V>| Conflict::Crossed {
        first: (first.ends_first, first.starts_last),
        second: (second.ends_first, second.starts_last),
    };
    if let Some(pair) = forward.windows(2).find(|pair| pair[1].end() < pair[0].start()) {
        return Some(conflict(&pair[0], &pair[1]));
    }
    // The forward zones do not overlap now, so only the last that begins before a backward zone can hold it.
    backward.iter().find_map(|zone| {
        let before = forward.partition_point(|forward| forward.end() < zone.start());
        let around = forward[..before].last().filter(|forward| zone.end() < forward.start())?;
        Some(conflict(around, zone))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn operation(kind: Kind, value: u8, start: u64, end: u64) -> Operation<u8> {
        let end = if end == u64::MAX { Moment::NEVER } else { Moment::micros(end) };
        Operation { kind, value, span: Span { start: Moment::micros(start), end } }
    }

    fn write(value: u8, start: u64, end: u64) -> Operation<u8> {
        operation(Kind::Write, value, start, end)
    }

    fn read(value: u8, start: u64, end: u64) -> Operation<u8> {
        operation(Kind::Read, value, start, end)
    }

    const NEVER: u64 = u64::MAX;

    fn is_fine(operations: impl IntoIterator<Item = Operation<u8>>) -> bool {
        check(&mut operations.into_iter().collect::<Vec<_>>()).is_empty()
    }

    #[test]
    fn a_read_shows_the_last_write_or_one_under_way() {
        assert!(is_fine([write(1, 0, 1), write(2, 2, 5), read(1, 3, 4), read(2, 3, 4), read(2, 6, 7)]));
        assert!(!is_fine([write(1, 0, 1), write(2, 2, 5), read(1, 6, 7)]), "a stale read");
        assert!(!is_fine([write(1, 0, 1), write(2, 2, 9), read(2, 3, 4), read(1, 5, 6)]), "back again");
        assert!(!is_fine([write(1, 0, 1), read(2, 2, 3), write(2, 4, 5)]), "from the future");
        assert!(!is_fine([write(1, 0, 1), read(2, 2, 3)]), "of nothing");
    }

    #[test]
    fn a_write_without_an_answer_may_have_happened_late_or_never() {
        let start = [write(1, 0, 1), write(2, 2, NEVER)];
        assert!(is_fine(start.into_iter().chain([read(1, 8, 9)])));
        assert!(is_fine(start.into_iter().chain([read(1, 3, 4), read(2, 8, 9)])));
        assert!(!is_fine(start.into_iter().chain([read(2, 3, 4), read(1, 8, 9)])));
    }

    /// Wing, Gong: Testing and verifying concurrent objects (1993): tries every order, for a few operations only.
    fn some_order_explains(left: &[Operation<u8>], value: Option<u8>) -> bool {
        let first_end = left.iter().map(|operation| operation.span.end).min();
        // What is left may be writes that never happened.
        left.iter().all(|operation| operation.span.end == Moment::NEVER)
            || left.iter().enumerate().any(|(index, next)| {
                let rest: Vec<_> = left.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, o)| *o).collect();
                let may_be_next = first_end.is_none_or(|end| next.span.start <= end);
                may_be_next
                    && match next.kind {
                        Kind::Write => some_order_explains(&rest, Some(next.value)),
                        Kind::Read => value == Some(next.value) && some_order_explains(&rest, value),
                    }
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn zones_and_the_trying_of_every_order_agree(
            writes in proptest::collection::vec((0_u64..12, 0_u64..6, proptest::bool::weighted(0.2)), 1..4),
            reads in proptest::collection::vec((0_usize..4, 0_u64..14, 0_u64..4), 0..5),
        ) {
            let written = writes.iter().zip(0..).map(|(&(start, length, never), value)| {
                write(value, start, if never { NEVER } else { start + length })
            });
            let seen = reads.iter().map(|&(value, start, length)| read((value % writes.len()) as u8, start, start + length));
            let operations: Vec<_> = written.chain(seen).collect();
            prop_assert_eq!(is_fine(operations.clone()), some_order_explains(&operations, None));
        }
    }
}
