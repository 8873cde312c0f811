//! Missing numbers on a page, found by what is on it alone: a page that misses none costs nothing more.
//!
//! What a number is missing for, and whether it may still come, is not known here.

use domain::{Page, PageLimit, PageRequest, Timestamp};

use crate::record::Numbered;

/// Numbers that are missing below something that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// How many of the page's entries come before the gap, in the direction in which the page is read.
    pub(crate) passed: usize,
    /// When the create of the lowest entry above it began. The missing numbers were taken before that entry's was.
    pub(crate) above: Timestamp,
}

/// Whether a page is read from its high end down.
fn is_downwards(request: PageRequest) -> bool {
    matches!(request, PageRequest::Before { .. })
}

/// Where the entry above a page lies that is read downwards and does not begin where it was asked to: without it nobody can say
/// how old that gap is.
pub(crate) fn beyond<T: Numbered>(page: &Page<T>, request: PageRequest) -> Option<PageRequest> {
    let PageRequest::Before { before, .. } = request else { return None };
    let highest = page.entries.last().map_or(0, T::number);
    (page.has_next && highest + 1 < before).then(|| PageRequest::After { after: before - 1, limit: PageLimit::ONE })
}

/// The first gap, in the direction in which the page is read, whose entry above is `young`. `beyond` is when the create of the
/// lowest entry above the page began, if that was to be found out.
pub(crate) fn first<T: Numbered>(
    page: &Page<T>,
    request: PageRequest,
    beyond: Option<Timestamp>,
    young: impl Fn(Timestamp) -> bool,
) -> Option<Gap> {
    match request {
        PageRequest::After { after, .. } => upwards(page, after.saturating_add(1), young),
        PageRequest::Span { first, .. } => upwards(page, first, young),
        PageRequest::Before { before, .. } => downwards(page, before.saturating_sub(1), beyond, young),
    }
}

fn upwards<T: Numbered>(page: &Page<T>, first: u64, young: impl Fn(Timestamp) -> bool) -> Option<Gap> {
    let mut expected = first;
    for (passed, entry) in page.entries.iter().enumerate() {
        if entry.number() > expected && young(entry.created_at()) {
            return Some(Gap { passed, above: entry.created_at() });
        }
        expected = entry.number() + 1;
    }
    None
}

fn downwards<T: Numbered>(
    page: &Page<T>,
    highest: u64,
    beyond: Option<Timestamp>,
    young: impl Fn(Timestamp) -> bool,
) -> Option<Gap> {
    // Above the list's end nothing is missing.
    let (mut expected, mut above) = (highest, beyond);
    let gap = |passed, above: Option<Timestamp>| above.filter(|above| young(*above)).map(|above| Gap { passed, above });
    for (passed, entry) in page.entries.iter().rev().enumerate() {
        if entry.number() < expected
            && let Some(gap) = gap(passed, above)
        {
            return Some(gap);
        }
        (expected, above) = (entry.number() - 1, Some(entry.created_at()));
    }
    // The list begins with 1.
    (!page.has_previous && expected > 0).then(|| gap(page.entries.len(), above))?
}

/// Ends the page before the gap; what stands behind it is for a later page.
pub(crate) fn cut<T>(page: &mut Page<T>, request: PageRequest, gap: Gap) {
    if is_downwards(request) {
        page.entries.drain(..page.entries.len() - gap.passed);
        page.has_previous = true;
    } else {
        page.entries.truncate(gap.passed);
        page.has_next = true;
    }
}

#[cfg(test)]
mod tests {
    use domain::{Message, MessageBody, MessageNumber};

    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_millis(second as i64 * 1_000).unwrap()
    }

    /// Each created in the second of its number.
    fn page(numbers: &[u64], has_previous: bool, has_next: bool) -> Page<Message> {
        let message = |number: &u64| Message {
            number: MessageNumber::new(*number).unwrap(),
            body: MessageBody::new("text").unwrap(),
            version: 1,
            created_at: at(*number),
            updated_at: at(*number),
        };
        Page { entries: numbers.iter().map(message).collect(), has_previous, has_next }
    }

    fn limit() -> PageLimit {
        PageLimit::new(10).unwrap()
    }

    fn after(after: u64) -> PageRequest {
        PageRequest::After { after, limit: limit() }
    }

    fn before(before: u64) -> PageRequest {
        PageRequest::Before { before, limit: limit() }
    }

    /// What is left of a page that ends before its first gap, where all that was created after the second `old` is young.
    fn left(numbers: &[u64], request: PageRequest, has_previous: bool, has_next: bool, old: u64) -> (Vec<u64>, bool, bool) {
        let mut page = page(numbers, has_previous, has_next);
        let beyond = beyond(&page, request).map(|_| at(100));
        if let Some(gap) = first(&page, request, beyond, |above| above > at(old)) {
            cut(&mut page, request, gap);
        }
        (page.entries.iter().map(Numbered::number).collect(), page.has_previous, page.has_next)
    }

    #[test]
    fn a_page_that_is_read_upwards_ends_before_a_young_gap() {
        for (numbers, request, old, expected) in [
            (&[1, 2, 3][..], after(0), 0, (vec![1, 2, 3], false)),
            (&[1, 2, 4, 5, 7], after(0), 0, (vec![1, 2], true)),
            (&[1, 2, 4, 5, 7], after(0), 4, (vec![1, 2, 4, 5], true)),
            (&[1, 2, 4, 5, 7], after(0), 7, (vec![1, 2, 4, 5, 7], false)),
            (&[4, 5], after(2), 0, (vec![], true)),
            (&[4, 5], after(3), 0, (vec![4, 5], false)),
            (&[], after(3), 0, (vec![], false)),
            (&[12, 13], PageRequest::Span { first: 11, limit: limit() }, 0, (vec![], true)),
            (&[11, 13], PageRequest::Span { first: 11, limit: limit() }, 0, (vec![11], true)),
        ] {
            let (left, _, has_next) = left(numbers, request, false, false, old);
            assert_eq!((left, has_next), expected, "{numbers:?} {request:?} {old}");
        }
    }

    #[test]
    fn a_page_that_is_read_downwards_ends_above_a_young_gap() {
        for (numbers, request, has_previous, has_next, old, expected) in [
            (&[1, 2, 3][..], before(4), false, true, 0, (vec![1, 2, 3], false)),
            (&[3, 5, 6], before(7), true, true, 0, (vec![5, 6], true)),
            (&[3, 5, 6], before(7), true, true, 5, (vec![3, 5, 6], true)),
            // Nothing is stored above it: the list's end.
            (&[3, 4], before(9), true, false, 0, (vec![3, 4], true)),
            (&[3, 4], before(9), true, true, 0, (vec![], true)),
            (&[3, 4], before(9), true, true, 100, (vec![3, 4], true)),
            // The list's beginning is missing.
            (&[2, 3], before(4), false, true, 0, (vec![2, 3], true)),
            (&[2, 3], before(4), false, true, 2, (vec![2, 3], false)),
            (&[], before(3), false, true, 0, (vec![], true)),
            (&[], before(1), false, true, 0, (vec![], false)),
            (&[], before(3), false, false, 0, (vec![], false)),
        ] {
            let (left, has_previous, _) = left(numbers, request, has_previous, has_next, old);
            assert_eq!((left, has_previous), expected, "{numbers:?} {request:?} {old}");
        }
    }
}
