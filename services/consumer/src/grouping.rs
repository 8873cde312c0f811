//! Which outbox rows go to the index together, in which pieces their messages are read, and which rows are kept when some cannot be: many
//! small rows share a request, and no row, however much it covers, needs more memory than a piece.

use std::iter;

use domain::MessageNumber;
use store::{Range, messages::Key, outbox::Entry};

/// Messages that a group reads at once: at most 20 MB of text.
const PIECE: u64 = 500;

/// The rows in the groups that are relayed together, in order.
pub(crate) fn groups(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    let mut left = entries;
    iter::from_fn(move || {
        let (group, rest) = left.split_at(together(left));
        left = rest;
        (!group.is_empty()).then_some(group)
    })
}

/// How many of the first rows go to the index together: single messages, as edits are, should not each cost a request.
fn together(entries: &[Entry]) -> usize {
    let sums = entries.iter().scan(0, |sum, entry| {
        *sum += entry.ranges.iter().map(length).sum::<u64>();
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= PIECE).count().max(1).min(entries.len())
}

fn length(range: &Range) -> u64 {
    range.last.get().saturating_sub(range.first.get()) + 1
}

/// The ranges in pieces that are read at once, in order.
pub(crate) fn pieces(ranges: impl IntoIterator<Item = Range>) -> Vec<Vec<Range>> {
    cut(ranges, PIECE)
}

/// Cuts ranges into pieces of at most `size` numbers, in order.
fn cut(ranges: impl IntoIterator<Item = Range>, size: u64) -> Vec<Vec<Range>> {
    let mut pieces = Vec::new();
    let (mut piece, mut room) = (Vec::new(), size);
    for range in ranges {
        let mut first = range.first.get();
        while first <= range.last.get() {
            let last = range.last.get().min(first + room - 1);
            piece.push(part(range, first, last));
            room -= last - first + 1;
            first = last + 1;
            if room == 0 {
                pieces.push(std::mem::take(&mut piece));
                room = size;
            }
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The numbers lie within the range, so they are valid as its own are.
fn part(range: Range, first: u64, last: u64) -> Range {
    let number = |number, bound| MessageNumber::new(number).unwrap_or(bound);
    Range { first: number(first, range.first), last: number(last, range.last), ..range }
}

/// The keys of the rows that speak of one of these messages, and of those that do not.
pub(crate) fn parted(group: &[Entry], messages: &[Key]) -> (Vec<u64>, Vec<u64>) {
    let speaks = |entry: &Entry| messages.iter().any(|key| entry.ranges.iter().any(|range| range.holds(*key)));
    let (speak, others): (Vec<&Entry>, Vec<&Entry>) = group.iter().partition(|entry| speaks(entry));
    let ids = |entries: Vec<&Entry>| entries.into_iter().map(|entry| entry.id).collect();
    (ids(speak), ids(others))
}

#[cfg(test)]
mod tests {
    use domain::{ApplicationId, ChatNumber};

    use super::*;

    fn range(chat: u64, first: u64, last: u64) -> Range {
        let number = |number| MessageNumber::new(number).unwrap();
        Range {
            application_id: ApplicationId::new(1),
            chat: ChatNumber::new(chat).unwrap(),
            first: number(first),
            last: number(last),
        }
    }

    fn entry(ranges: Vec<Range>) -> Entry {
        Entry { id: 1, ranges }
    }

    #[test]
    fn a_large_range_is_read_in_pieces_and_small_ones_share_one() {
        assert_eq!(cut([], 10), Vec::<Vec<Range>>::new());
        assert_eq!(
            cut([range(1, 1, 4), range(2, 7, 25), range(3, 1, 1)], 10),
            [vec![range(1, 1, 4), range(2, 7, 12)], vec![range(2, 13, 22)], vec![range(2, 23, 25), range(3, 1, 1)]]
        );
        assert_eq!(cut([range(1, 1, 10), range(1, 20, 20)], 10), [vec![range(1, 1, 10)], vec![range(1, 20, 20)]]);
    }

    #[test]
    fn single_messages_go_together_and_a_large_row_goes_alone() {
        let edit = || entry(vec![range(1, 5, 5)]);
        let large = || entry(vec![range(1, 1, PIECE), range(2, 1, 1)]);
        let sizes = |entries: &[Entry]| groups(entries).map(<[Entry]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&[edit(), edit(), edit()]), [3]);
        assert_eq!(sizes(&[edit(), large(), edit(), edit()]), [1, 1, 2]);
        assert_eq!(sizes(&[large(), edit()]), [1, 1]);
    }

    #[test]
    fn only_the_rows_of_unreadable_messages_are_kept() {
        let group = [(1, range(1, 1, 9)), (2, range(2, 5, 5)), (3, range(1, 9, 9))];
        let group = group.map(|(id, range)| Entry { id, ranges: vec![range] });
        let key =
            |chat: u64, number| (ApplicationId::new(1), ChatNumber::new(chat).unwrap(), MessageNumber::new(number).unwrap());
        assert_eq!(parted(&group, &[]), (vec![], vec![1, 2, 3]));
        assert_eq!(parted(&group, &[key(1, 9), key(1, 10)]), (vec![1, 3], vec![2]));
    }
}
