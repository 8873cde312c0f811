//! A short sequence without a heap: states are copied and hashed by the million.

use std::fmt;

/// At most `N` items. What is beyond them is always the default, so that equal sequences are equal bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Few<T, const N: usize> {
    len: u8,
    items: [T; N],
}

impl<T: Copy + Default, const N: usize> Few<T, N> {
    pub(crate) fn new() -> Self {
        Self { len: 0, items: [T::default(); N] }
    }

    /// Panics beyond `N`: then the bounds of the check are too wide for the state.
    pub(crate) fn push(&mut self, item: T) {
        self.items[usize::from(self.len)] = item;
        self.len += 1;
    }

    pub(crate) fn pop_front(&mut self) {
        self.items.rotate_left(1);
        self.items[N - 1] = T::default();
        self.len -= 1;
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.items[..usize::from(self.len)]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.items[..usize::from(self.len)]
    }
}

impl<T: fmt::Debug + Copy + Default, const N: usize> fmt::Debug for Few<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}
