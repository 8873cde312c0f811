//! Gaps in numbers that are walked over in order.

use std::ops::RangeInclusive;

use super::keys::ChatKey;

/// Numbers that are missing: of a chat's messages, or, with chat 0, of an application's chats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) room: ChatKey,
    pub(super) numbers: RangeInclusive<u64>,
}

/// Where a walk stands.
#[derive(Debug, Default)]
pub(super) struct Run {
    room: ChatKey,
    last: u64,
}

impl Run {
    /// The numbers that were passed over on the way to this one: since the room's number before, or since its beginning.
    pub(super) fn gap_before(&mut self, room: ChatKey, number: u64) -> Option<Gap> {
        let last = if room == self.room { self.last } else { 0 };
        (self.room, self.last) = (room, number);
        (number > last + 1).then(|| Gap { room, numbers: last + 1..=number - 1 })
    }
}

/// What is left of a range without these numbers, which are ascending and may repeat.
pub(super) fn without(range: &RangeInclusive<u64>, numbers: &[u64]) -> Vec<RangeInclusive<u64>> {
    let (mut left, mut next) = (Vec::new(), *range.start());
    for &number in numbers.iter().filter(|number| range.contains(number)) {
        if number > next {
            left.push(next..=number - 1);
        }
        next = next.max(number + 1);
    }
    if next <= *range.end() {
        left.push(next..=*range.end());
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_what_a_room_lacks_between_its_numbers_and_before_the_first() {
        let mut run = Run::default();
        let walked = [((1, 1), 1), ((1, 1), 2), ((1, 1), 5), ((1, 2), 2), ((2, 2), 1)];
        let gaps: Vec<_> = walked.into_iter().filter_map(|(room, number)| run.gap_before(room, number)).collect();
        assert_eq!(gaps, [Gap { room: (1, 1), numbers: 3..=4 }, Gap { room: (1, 2), numbers: 1..=1 }]);
    }

    #[test]
    fn what_is_found_meanwhile_is_taken_out_of_a_gap() {
        assert_eq!(without(&(3..=9), &[]), [3..=9]);
        assert_eq!(without(&(3..=9), &[1, 3, 5, 5, 9, 11]), [4..=4, 6..=8]);
        assert_eq!(without(&(3..=3), &[3]), []);
    }
}
