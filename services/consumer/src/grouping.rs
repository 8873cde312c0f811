//! Which outbox rows go to the index together, in which pieces their messages are read, and which rows are kept when some cannot
//! be: many small rows share a request, and no row, however much it covers, needs more memory than a piece and a request.

use std::{collections::VecDeque, iter};

use domain::MessageNumber;
use search::Document;
use store::{Range, messages::Key, outbox::Entry};

/// Messages that a group reads at once: at most 20 MB of text.
const PIECE: u64 = 500;
/// Messages that go to the index together, and so those of a group, unless a single row has more. The index makes each request
/// durable before it answers, whatever its size.
const TOGETHER: u64 = 2_000;
/// Bytes of text in a request that make it no better to wait for more.
pub(crate) const ENOUGH_BYTES: usize = 1024 * 1024;
/// A piece that takes too long to read is halved, unless it is no larger than this.
const SMALL: u64 = 32;

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
    let sums = entries.iter().scan(0_u64, |sum, entry| {
        *sum = entry.ranges.iter().map(length).fold(*sum, u64::saturating_add);
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= TOGETHER).count().max(1).min(entries.len())
}

fn length(range: &Range) -> u64 {
    range.last.get().saturating_sub(range.first.get()) + 1
}

/// Whether a range is more than a piece. Nothing keeps a row that somebody has written from speaking of numbers beyond counting.
pub(crate) fn is_wide(range: &Range) -> bool {
    length(range) > PIECE
}

/// Whether more documents would make a request no better.
pub(crate) fn is_enough(documents: &[Document]) -> bool {
    documents.len() as u64 >= TOGETHER || bytes_of_text(documents) >= ENOUGH_BYTES
}

/// Bytes of the documents' text.
pub(crate) fn bytes_of_text(documents: &[Document]) -> usize {
    documents.iter().map(|document| document.body.as_str().len()).sum()
}

/// Takes what is read at once off the front; nothing is left when that is empty.
pub(crate) fn piece(left: &mut VecDeque<Range>) -> Vec<Range> {
    take(left, PIECE)
}

/// The halves of a piece; `None` of a small one, whose size is not what makes it slow.
pub(crate) fn halves(piece: &[Range]) -> Option<[Vec<Range>; 2]> {
    let numbers: u64 = piece.iter().map(length).sum();
    let mut left = VecDeque::from(piece.to_vec());
    (numbers > SMALL).then(|| [take(&mut left, numbers.div_ceil(2)), left.into()])
}

/// Takes at most `size` numbers off the front.
fn take(left: &mut VecDeque<Range>, size: u64) -> Vec<Range> {
    let (mut piece, mut room) = (Vec::new(), size);
    while room > 0
        && let Some(range) = left.pop_front()
    {
        let (first, end) = (range.first.get(), range.last.get());
        // One that holds nothing, because it ends before it begins, is left out.
        let Some(beyond) = (end + 1).checked_sub(first).filter(|numbers| *numbers > 0) else { continue };
        let taken = beyond.min(room);
        piece.push(part(range, first, first + taken - 1));
        room -= taken;
        if taken < beyond {
            left.push_front(part(range, first + taken, end));
        }
    }
    piece
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
    use domain::{ApplicationId, ChatNumber, MAX_NUMBER, MessageBody};

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

    fn cut(ranges: impl IntoIterator<Item = Range>, size: u64) -> Vec<Vec<Range>> {
        let mut left: VecDeque<Range> = ranges.into_iter().collect();
        iter::from_fn(|| Some(take(&mut left, size)).filter(|piece| !piece.is_empty())).collect()
    }

    #[test]
    fn a_large_range_is_read_in_pieces_and_small_ones_share_one() {
        assert_eq!(cut([], 10), Vec::<Vec<Range>>::new());
        assert_eq!(
            cut([range(1, 1, 4), range(2, 7, 25), range(3, 1, 1)], 10),
            [vec![range(1, 1, 4), range(2, 7, 12)], vec![range(2, 13, 22)], vec![range(2, 23, 25), range(3, 1, 1)]]
        );
        assert_eq!(cut([range(1, 1, 10), range(1, 20, 20)], 10), [vec![range(1, 1, 10)], vec![range(1, 20, 20)]]);
        assert_eq!(cut([range(1, 9, 8), range(1, 9, 1), range(1, 9, 9)], 10), [vec![range(1, 9, 9)]]);
    }

    #[test]
    fn a_piece_of_a_range_beyond_counting_is_no_larger_than_another() {
        let mut left = VecDeque::from([range(1, 1, MAX_NUMBER), range(1, 1, MAX_NUMBER)]);
        assert_eq!(piece(&mut left), [range(1, 1, PIECE)]);
        assert_eq!(left, [range(1, PIECE + 1, MAX_NUMBER), range(1, 1, MAX_NUMBER)]);
        assert!(left.iter().all(is_wide) && !is_wide(&range(1, 1, PIECE)));
        let rows = [entry(vec![range(1, 1, MAX_NUMBER); 3_000]), entry(vec![range(1, 1, MAX_NUMBER)])];
        assert_eq!(groups(&rows).map(<[Entry]>::len).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn a_piece_is_halved_while_it_is_large() {
        assert_eq!(
            halves(&[range(1, 1, 40), range(2, 1, 7)]),
            Some([vec![range(1, 1, 24)], vec![range(1, 25, 40), range(2, 1, 7)]])
        );
        assert_eq!(halves(&[range(1, 1, 25), range(2, 1, 7)]), None);
    }

    #[test]
    fn single_messages_go_together_and_a_large_row_goes_alone() {
        let edit = || entry(vec![range(1, 5, 5)]);
        let large = || entry(vec![range(1, 1, TOGETHER), range(2, 1, 1)]);
        let sizes = |entries: &[Entry]| groups(entries).map(<[Entry]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&[edit(), edit(), edit()]), [3]);
        assert_eq!(sizes(&[edit(), large(), edit(), edit()]), [1, 1, 2]);
        assert_eq!(sizes(&[large(), edit()]), [1, 1]);
    }

    #[test]
    fn a_request_has_enough_in_number_or_in_size() {
        let documents = |count: u64, body: &str| -> Vec<Document> {
            let document = |number| Document {
                application_id: ApplicationId::new(1),
                chat: ChatNumber::FIRST,
                number: MessageNumber::new(number).unwrap(),
                version: 1,
                body: MessageBody::new(body).unwrap(),
            };
            (1..=count).map(document).collect()
        };
        assert!(!is_enough(&documents(TOGETHER - 1, "a")) && is_enough(&documents(TOGETHER, "a")));
        let long = "x".repeat(1024);
        assert!(!is_enough(&documents(1023, &long)) && is_enough(&documents(1024, &long)));
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
