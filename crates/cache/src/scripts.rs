//! The scripts that change entries. Each is safe to be run twice, and is loaded again where it is missing: what makes an entry
//! safe is its name and what lies there, not that a script is known.

use deadpool_redis::redis::Script;

pub(crate) struct Scripts {
    pub(crate) fill: Script,
    pub(crate) block: Script,
    pub(crate) unblock: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            fill: Script::new(include_str!("scripts/fill.lua")),
            block: Script::new(include_str!("scripts/block.lua")),
            unblock: Script::new(include_str!("scripts/unblock.lua")),
        }
    }
}
