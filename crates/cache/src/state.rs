//! What lies under an entry's key: one byte that says what it is, then its content.

/// `V`, then the value.
const VALUE: u8 = b'V';
/// `L`, then the lease's random name.
const LEASE: u8 = b'L';

/// A value that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Vec<u8>);

impl Value {
    /// Takes what lies there, if it is a value; a lease, a block and what is none of ours are not.
    pub(crate) fn of(found: Vec<u8>) -> Option<Self> {
        (found.first() == Some(&VALUE)).then_some(Self(found))
    }

    /// How a value lies there.
    pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
        [&[VALUE], bytes].concat()
    }
}

/// The bytes that were filled in.
impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        &self.0[1..]
    }
}

/// A lease that nobody has had before, as it lies there.
pub(crate) fn new_lease() -> Vec<u8> {
    [&[LEASE], &rand::random::<u128>().to_be_bytes()[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_value_reads_back() {
        assert_eq!(Value::of(Value::stored(b"text")).unwrap().as_ref(), b"text");
        assert_eq!(Value::of(Value::stored(b"")).unwrap().as_ref(), b"");
        for other in [new_lease(), b"B name:1".to_vec(), Vec::new()] {
            assert_eq!(Value::of(other), None);
        }
        assert_ne!(new_lease(), new_lease());
    }
}
