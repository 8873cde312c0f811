//! Removes the keys of epochs that are over. Nothing depends on it but Redis' memory.

use std::time::Duration;

use deadpool_redis::redis::cmd;
use events::Epoch;
use tokio::time::sleep;

use crate::{Error, Sequencer};

/// Keys that one step looks at: about a millisecond of the server's time.
const STEP: usize = 1000;
/// Between two steps, so that the calls of others come first.
const PAUSE: Duration = Duration::from_millis(5);

impl Sequencer {
    /// Removes all applications and counters of epochs lower than `epoch` and returns how many. Takes its time: 200,000 keys a
    /// second at most, all that the server holds. It may be dropped and begun again at any moment.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Protocol`]; what was removed until then stays removed.
    pub async fn remove_epochs_below(&self, epoch: Epoch) -> Result<u64, Error> {
        let pattern = self.keys().pattern();
        let mut removed = 0;
        let mut cursor = 0;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP);
            let (next, keys): (u64, Vec<Vec<u8>>) = self.ask(&scan).await?;
            removed += self.unlink(keys.iter().filter(|key| self.keys().epoch_of(key).is_some_and(|of| of < epoch))).await?;
            if next == 0 {
                return Ok(removed);
            }
            cursor = next;
            sleep(PAUSE).await;
        }
    }

    async fn unlink(&self, keys: impl Iterator<Item = &Vec<u8>>) -> Result<u64, Error> {
        let mut unlink = cmd("UNLINK");
        let mut any = false;
        for key in keys {
            unlink.arg(key);
            any = true;
        }
        if any { self.ask(&unlink).await } else { Ok(0) }
    }
}
