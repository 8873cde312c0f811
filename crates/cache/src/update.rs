//! What updaters call. Blocking and lifting are tried again for a while: an update is rarer than a read, and must not be missed.

use std::{fmt, time::Duration};

use backoff::jittered;
use deadpool_redis::redis::{Script, ScriptInvocation};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Cache, Error, Key, Outage, identity::Peer};

/// How long blocking may take, and lifting too: each is tried again until then.
const UPDATE_WITHIN: Duration = Duration::from_secs(1);
/// One of those attempts.
const ATTEMPT_WITHIN: Duration = Duration::from_millis(500);
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Entries that readers do not take until [`Cache::unblock`], or for [`Settings::block_ms`](crate::Settings::block_ms).
pub struct Block {
    keys: Vec<Key>,
    owner: String,
}

impl Cache {
    /// Keeps readers from taking and filling these entries. To be called before the source is changed, with all entries that the
    /// change outdates; they must have the same tag.
    ///
    /// # Errors
    /// [`Error::NotBlocked`]: the source must not be changed.
    pub async fn block(&self, keys: Vec<Key>) -> Result<Block, Error> {
        let block = Block { keys, owner: format!("{:032x}", rand::random::<u128>()) };
        let milliseconds = self.inner().settings.block_ms;
        let blocked = self.insist(|peer| {
            let mut call = self.call(&self.inner().scripts.block, &block, peer);
            call.arg(milliseconds);
            call
        });
        match blocked.await {
            Ok(_) => Ok(block),
            Err(outage) => {
                self.inner().metrics.not_blocked.increment(1);
                Err(Error::NotBlocked(outage))
            }
        }
    }

    /// Lets readers take and fill the entries again, as far as this update is concerned. To be called when the source is known to
    /// be changed, or known to be left as it was; where neither is known the block is to be left to expire.
    ///
    /// # Errors
    /// [`Error::NotUnblocked`]: a changed source must not be told as done.
    pub async fn unblock(&self, block: Block) -> Result<(), Error> {
        let metrics = &self.inner().metrics;
        // Wherever the block was set: what counts is that the process that is read now holds nothing older.
        match self.insist(|peer| self.call(&self.inner().scripts.unblock, &block, peer)).await {
            Ok(lifted) if lifted == block.keys.len() => metrics.unblocked.increment(1),
            Ok(_) => metrics.block_lost.increment(1),
            Err(outage) => {
                metrics.not_unblocked.increment(1);
                return Err(Error::NotUnblocked(outage));
            }
        }
        Ok(())
    }

    fn call<'a>(&self, script: &'a Script, block: &Block, peer: &Peer) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        for key in &block.keys {
            call.key(key.within(&self.inner().key_prefix, peer));
        }
        call.arg(&block.owner);
        call
    }

    /// Calls until there is an answer, on whichever connection there is then.
    async fn insist<'a>(&self, call: impl Fn(&Peer) -> ScriptInvocation<'a>) -> Result<usize, Outage> {
        let deadline = Instant::now() + UPDATE_WITHIN;
        loop {
            let attempt = async {
                let peer = self.inner().link.lent().await?;
                Ok::<usize, Outage>(call(&peer).invoke_async(&mut peer.connection()).await?)
            };
            let outage = match timeout_at(deadline.min(Instant::now() + ATTEMPT_WITHIN), attempt).await {
                Ok(Ok(keys)) => return Ok(keys),
                Ok(Err(outage)) => outage,
                Err(_) => Outage::TimedOut,
            };
            tracing::debug!(%outage, "cached entries could not be blocked or unblocked yet");
            if Instant::now() + RETRY_AFTER >= deadline {
                return Err(outage);
            }
            sleep(jittered(RETRY_AFTER)).await;
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Block(…)")
    }
}
