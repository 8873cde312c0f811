//! Which part of a numbered list is asked for, and the part that was found.
//!
//! Lists are paged by number, never by offset: a page a million entries deep is found by one seek, and stays the same page
//! while others add to the list.

use crate::{Field, Invalid, MAX_NUMBER, Rule};

/// Entries on a page when the client does not say.
pub const DEFAULT_PAGE_LIMIT: u64 = 50;
/// Entries on a page at most.
pub const MAX_PAGE_LIMIT: u64 = 100;
/// The last ordinal of a page: with pages of any size it lies within the numbers that there can be.
pub const MAX_PAGE: u64 = MAX_NUMBER / MAX_PAGE_LIMIT;

/// How many entries a page may have: 1 to [`MAX_PAGE_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u64);

impl PageLimit {
    /// A single entry.
    pub const ONE: Self = Self(1);

    /// Accepts 1 to [`MAX_PAGE_LIMIT`].
    ///
    /// # Errors
    /// [`Rule::Within`].
    pub fn new(limit: u64) -> Result<Self, Invalid> {
        if (1..=MAX_PAGE_LIMIT).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(Invalid::new(Field::Limit, Rule::Within(1, MAX_PAGE_LIMIT)))
        }
    }

    /// The number of entries.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(DEFAULT_PAGE_LIMIT)
    }
}

/// A part of a list that is ordered by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageRequest {
    /// The `limit` lowest numbers above `after`, or above 0.
    After {
        /// Exclusive lower end; 0 for the list's start.
        after: u64,
        /// Entries at most.
        limit: PageLimit,
    },
    /// The `limit` highest numbers below `before`, still in ascending order.
    Before {
        /// Exclusive upper end.
        before: u64,
        /// Entries at most.
        limit: PageLimit,
    },
    /// The numbers from `first` to `first + limit − 1`: page `p` of `n` a page holds the numbers (p−1)·n+1 to p·n.
    /// Where numbers are missing the page is shorter, so that every page is found by a seek and none ever shifts.
    Span {
        /// The first number of the page.
        first: u64,
        /// Numbers on the page.
        limit: PageLimit,
    },
}

impl PageRequest {
    /// The list's start.
    pub fn first(limit: PageLimit) -> Self {
        Self::After { after: 0, limit }
    }

    /// The page with this ordinal, from 1.
    ///
    /// # Errors
    /// [`Rule::Within`] for 0 and for pages beyond [`MAX_PAGE`].
    pub fn ordinal(page: u64, limit: PageLimit) -> Result<Self, Invalid> {
        if (1..=MAX_PAGE).contains(&page) {
            Ok(Self::Span { first: (page - 1) * limit.get() + 1, limit })
        } else {
            Err(Invalid::new(Field::Page, Rule::Within(1, MAX_PAGE)))
        }
    }

    /// How many entries the page may have.
    pub fn limit(self) -> PageLimit {
        match self {
            Self::After { limit, .. } | Self::Before { limit, .. } | Self::Span { limit, .. } => limit,
        }
    }
}

/// A part of a list, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Whether there are entries before the first of these.
    pub has_previous: bool,
    /// Whether there are entries behind the last of these.
    pub has_next: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_by_ordinal_are_spans_of_numbers() {
        let limit = PageLimit::new(20).unwrap();
        assert_eq!(PageRequest::ordinal(3, limit), Ok(PageRequest::Span { first: 41, limit }));
        assert!(PageRequest::ordinal(0, limit).is_err());
        assert!(PageRequest::ordinal(u64::MAX, limit).is_err());
        assert!(PageLimit::new(0).is_err());
        assert!(PageLimit::new(101).is_err());
    }
}
