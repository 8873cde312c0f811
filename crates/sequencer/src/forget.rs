//! Lists the counters of an epoch, and forgets those of what does not exist.
//!
//! A counter that is missing is seeded behind a fence, so forgetting one is safe at any time; but the numbers that were given and
//! are nowhere stored are forgotten with it. That this is meant, its caller must know.

use deadpool_redis::redis::cmd;
use domain::{ApplicationToken, ChatNumber};

use crate::{Adopted, Error, Sequencer};

/// Keys that one step looks at: about a millisecond of the server's time.
const STEP: usize = 1000;

/// Whose numbers a counter gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// The application.
    pub token: ApplicationToken,
    /// The chat whose messages are counted; `None` for the application's chats.
    pub chat: Option<ChatNumber>,
}

/// Some of an epoch's counters. One may come twice, and one that is made meanwhile may be left out.
#[derive(Debug)]
pub struct Counters {
    /// Some, or none at all.
    pub some: Vec<Counter>,
    /// Where the others are to be looked for; `None` behind the last.
    pub next: Option<u64>,
}

impl Sequencer {
    /// Some of the adopted epoch's counters: from 0, and then from what the last call says.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Protocol`].
    pub async fn counters(&self, adopted: &Adopted, from: u64) -> Result<Counters, Error> {
        let mut scan = cmd("SCAN");
        scan.arg(from).arg("MATCH").arg(self.keys().pattern()).arg("COUNT").arg(STEP);
        let (next, keys): (u64, Vec<Vec<u8>>) = self.ask(&scan).await?;
        let ours = keys.iter().filter_map(|key| self.keys().parse(key));
        let some = ours.filter(|(_, epoch, _)| *epoch == adopted.record().epoch);
        let some = some.map(|(token, _, chat)| Counter { token, chat }).collect();
        Ok(Counters { some, next: (next != 0).then_some(next) })
    }

    /// Removes a counter of the adopted epoch: it must be seeded before it gives a number again. `false` if there was none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Protocol`].
    pub async fn forget(&self, adopted: &Adopted, counter: Counter) -> Result<bool, Error> {
        let epoch = adopted.record().epoch;
        let mut unlink = cmd("UNLINK");
        match counter.chat {
            Some(chat) => unlink.arg(self.keys().chat(counter.token, epoch, chat).counter()),
            None => unlink.arg(self.keys().application(counter.token, epoch)),
        };
        Ok(self.ask::<u64>(&unlink).await? > 0)
    }
}
