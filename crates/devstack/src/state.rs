//! The state file `stack.json` in a data directory: for people and scripts that want to know where
//! the servers are. The owner alone writes it, and whole or not at all.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data_dir::is_claimed;
use crate::{Database, Error, Status, Urls};

const NAME: &str = "stack.json";

/// What is known about a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The process that owns the servers: when it ends, they end.
    pub owner: u32,
    /// Whether all servers that were asked for have answered.
    pub ready: bool,
    /// Which program serves MySQL's part.
    pub database: Database,
    /// Where the servers are.
    pub urls: Urls,
    /// Each server, as it was after the last verb.
    pub servers: Vec<Status>,
}

impl State {
    /// The state of the stack that runs on this data directory.
    ///
    /// # Errors
    /// [`Error::NoStack`] when none does.
    pub fn read(data: &Path) -> Result<State, Error> {
        let nothing = || Error::NoStack { path: data.to_owned() };
        // The file outlives an owner that was killed; the lock does not.
        if !is_claimed(data) {
            return Err(nothing());
        }
        let text = fs::read(data.join(NAME)).map_err(|_| nothing())?;
        serde_json::from_slice(&text).map_err(|_| nothing())
    }

    pub(crate) fn write(&self, data: &Path) -> Result<(), Error> {
        let path = data.join(NAME);
        let new = data.join("stack.json.new");
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::from);
        text.and_then(|text| fs::write(&new, text)).and_then(|()| fs::rename(&new, &path)).map_err(Error::io("write", &path))
    }

    pub(crate) fn remove(data: &Path) {
        // Without it `read` says the same thing a little later.
        let _ = fs::remove_file(data.join(NAME));
    }
}
