//! Finds the item that a batch fails for, by halving: the parts of a batch, in order, each to be stored in one transaction.
//!
//! A part that is refused is split and its halves take its place, until the poison stands alone; everything else is stored
//! once, in the order of acceptance. It only does the bookkeeping: it must never look at an item or touch a table.

use std::ops::Range;

/// What is left of a batch to be stored.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Ranges of the batch's entries, the next one last.
    left: Vec<Range<usize>>,
}

impl Parts {
    /// The given parts, in order; empty ones are left out.
    pub(crate) fn new(parts: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut left: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        left.reverse();
        Self { left }
    }

    /// The part to be stored next. It stays the next one until it is [stored](Parts::stored) or [split](Parts::split).
    pub(crate) fn next(&self) -> Option<Range<usize>> {
        self.left.last().cloned()
    }

    /// The next part is done with.
    pub(crate) fn stored(&mut self) {
        self.left.pop();
    }

    /// Puts the next part's halves in its place. `false` when it is a single entry, which stays.
    pub(crate) fn split(&mut self) -> bool {
        let Some(part) = self.left.pop_if(|part| part.len() > 1) else { return false };
        let middle = part.start + part.len() / 2;
        self.left.push(middle..part.end);
        self.left.push(part.start..middle);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Stores all entries but those of `poison`; returns what was stored, what was isolated, and the number of attempts.
    fn store_all(parts: &mut Parts, poison: &[usize]) -> (Vec<usize>, Vec<usize>, usize) {
        let (mut stored, mut isolated, mut attempts) = (Vec::new(), Vec::new(), 0);
        while let Some(part) = parts.next() {
            attempts += 1;
            if !part.clone().any(|entry| poison.contains(&entry)) {
                stored.extend(part);
                parts.stored();
            } else if !parts.split() {
                isolated.push(part.start);
                parts.stored();
            }
        }
        (stored, isolated, attempts)
    }

    #[test]
    fn one_poison_among_a_thousand_costs_a_score_of_attempts() {
        let (stored, isolated, attempts) = store_all(&mut Parts::new(std::iter::once(0..1000)), &[637]);
        assert_eq!((stored.len(), isolated), (999, vec![637]));
        assert!(attempts <= 21, "{attempts}");
    }

    proptest! {
        #[test]
        fn every_entry_is_stored_once_in_order_and_only_the_poison_is_isolated(
            len in 0_usize..300,
            cut in 0_usize..300,
            poison in proptest::collection::btree_set(0_usize..300, 0..20),
        ) {
            let cut = cut.min(len);
            let poison: Vec<usize> = poison.into_iter().filter(|entry| *entry < len).collect();
            let (stored, isolated, _) = store_all(&mut Parts::new([0..cut, cut..len]), &poison);
            let sound: Vec<usize> = (0..len).filter(|entry| !poison.contains(entry)).collect();
            prop_assert_eq!(stored, sound);
            prop_assert_eq!(isolated, poison);
        }
    }
}
