//! The names of entries.
//!
//! In Redis an entry is called `<prefix>cache:<run id>:{<tag>}:<name>`. The run id is that of the server process: what another
//! process has left behind in a file, or passed on to its replica, has another name and is never looked at. The braces are the
//! hash tag by which a cluster keeps together what is blocked together.

use std::fmt;

/// Names one entry, in whichever server process. Those that one update blocks must have the same tag.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// `tag` and `name` must not contain braces.
    pub fn new(tag: impl fmt::Display, name: impl fmt::Display) -> Self {
        Self(format!("{{{tag}}}:{name}"))
    }

    /// The entry's name in the process with this run id.
    pub(crate) fn within(&self, prefix: &str, run_id: &str) -> String {
        [prefix, "cache:", run_id, ":", &self.0].concat()
    }
}

/// The tag is a secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_documented_form_and_does_not_show_itself() {
        let key = Key::new("token", format_args!("{}/{}", 1, 2));
        assert_eq!(key.within("chat:", "0a1b"), "chat:cache:0a1b:{token}:1/2");
        assert!(!format!("{key:?}").contains("token"));
    }
}
