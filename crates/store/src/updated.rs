//! What became of an update that may depend on what it finds.

/// The outcome of an update whose caller decides, by the version that is stored, whether it may be replaced. The row is locked
/// from that decision to the write, so of several updates that expect the same version one is done and the others are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated<T> {
    /// It is done; this is how the row looks now.
    Done(T),
    /// The row is there, and its version may not be replaced. Nothing was changed.
    Refused,
    /// There is no such row.
    Missing,
}
