//! In which parts of a chat a search looks, one after the other. What many messages have is found in the first part, however long
//! the chat is; what hardly any has costs no more than one look at all of it and one more request or two.

use domain::MAX_NUMBER;

use crate::find::Cursor;

/// Numbers of the first parts; the rest is one. Fifty hits are in the first where one message in 300 matches.
const WIDTHS: [u64; 2] = [1 << 14, 1 << 20];

/// Numbers from `first` to `last`, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// The parts of the numbers that lie behind the cursor and are at most `highest`, in the cursor's order: each of them once, and
/// none where there is no number.
pub(crate) fn windows(cursor: Cursor, highest: u64) -> impl Iterator<Item = Window> {
    let highest = highest.min(MAX_NUMBER);
    let (mut first, mut last) = match cursor {
        Cursor::After(number) => (number.saturating_add(1), highest),
        Cursor::Before(number) => (1, highest.min(number.saturating_sub(1))),
    };
    let mut widths = WIDTHS.into_iter();
    std::iter::from_fn(move || {
        let left = last.checked_sub(first)? + 1;
        // A part that leaves less than it takes is not worth a request of its own.
        let width = widths.next().filter(|width| left / 2 > *width).unwrap_or(left);
        Some(match cursor {
            Cursor::After(_) => {
                let window = Window { first, last: first + (width - 1) };
                first = window.last + 1;
                window
            }
            Cursor::Before(_) => {
                let window = Window { first: last - (width - 1), last };
                last = window.first - 1;
                window
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(cursor: Cursor, highest: u64) -> Vec<(u64, u64)> {
        windows(cursor, highest).map(|Window { first, last }| (first, last)).collect()
    }

    #[test]
    fn a_short_chat_is_one_window_and_a_long_one_at_most_three() {
        for (cursor, highest, parts) in [
            (Cursor::After(0), 0, vec![]),
            (Cursor::After(0), 1, vec![(1, 1)]),
            (Cursor::After(0), 32_769, vec![(1, 32_769)]),
            (Cursor::After(0), 32_770, vec![(1, 16_384), (16_385, 32_770)]),
            (Cursor::After(0), 1_000_000, vec![(1, 16_384), (16_385, 1_000_000)]),
            (Cursor::After(10), 5_000_000, vec![(11, 16_394), (16_395, 1_064_970), (1_064_971, 5_000_000)]),
            (Cursor::After(7), 7, vec![]),
            (Cursor::After(u64::MAX), u64::MAX, vec![]),
            (Cursor::After(MAX_NUMBER - 1), u64::MAX, vec![(MAX_NUMBER, MAX_NUMBER)]),
            (Cursor::Before(1), 100, vec![]),
            (Cursor::Before(0), 100, vec![]),
            (Cursor::Before(u64::MAX), 100, vec![(1, 100)]),
            (Cursor::Before(u64::MAX), 1_000_000, vec![(983_617, 1_000_000), (1, 983_616)]),
        ] {
            assert_eq!(all(cursor, highest), parts, "{cursor:?} {highest}");
        }
    }

    proptest! {
        #[test]
        fn every_number_behind_the_cursor_is_in_one_window_and_they_come_in_its_order(
            number in prop_oneof![0..50_000_u64, 0..=MAX_NUMBER],
            highest in prop_oneof![0..50_000_u64, 0..=MAX_NUMBER],
        ) {
            let upwards = all(Cursor::After(number), highest);
            let mut next = number + 1;
            for (first, last) in upwards {
                prop_assert!(first == next && first <= last);
                next = last + 1;
            }
            prop_assert_eq!(next, (number + 1).max(highest + 1));

            let downwards = all(Cursor::Before(number), highest);
            let begin = highest.min(number.saturating_sub(1));
            let mut next = begin;
            for (first, last) in downwards {
                prop_assert!(last == next && 1 <= first && first <= last);
                next = first - 1;
            }
            prop_assert_eq!(next, 0);
        }
    }
}
