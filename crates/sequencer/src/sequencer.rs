//! The handle, and how its calls reach Redis: one round trip, one deadline.

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool_redis::redis::{Cmd, FromRedisValue, Value, cmd};
use redislink::{Link, Place, Primary};
use tokio::time::timeout;

use crate::{
    Adopted, Error, Outage, Settings,
    keys::Keys,
    meters::Meters,
    server::{self, Identity},
};

/// Gives numbers out of Redis. Clones share one connection.
#[derive(Clone)]
pub struct Sequencer {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    primary: Primary,
    keys: Keys,
    link: Link<Identity>,
    meters: Meters,
    response_timeout: Duration,
}

impl Sequencer {
    /// Begins to connect, on the current tokio runtime. Redis need not be up: calls answer [`Error::Unavailable`] until it is.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`].
    pub fn connect(settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let primary = settings.primary()?;
        let inner = Inner {
            keys: Keys::new(&settings.key_prefix),
            link: Link::start(primary.clone(), Identity, link_settings(settings)),
            meters: Meters::new(),
            response_timeout: settings.response_timeout(),
            settings: settings.clone(),
            primary,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether Redis answers and is fit: version 7 or later, a primary, and no eviction of keys.
    ///
    /// # Errors
    /// [`Error::Unavailable`], within the response timeout; [`Error::Unfit`]; [`Error::Protocol`].
    pub async fn check(&self) -> Result<(), Error> {
        let info: String = self.ask(&cmd("INFO")).await?;
        server::check_fitness(&info)?;
        server::run_id(&info)?;
        Ok(())
    }

    /// Calls a script of an adopted epoch, in the very process in which it was adopted. Its first key is always the record.
    pub(crate) async fn run(&self, adopted: &Adopted, script: &str, keys: &[&str], arguments: &[u64]) -> Result<Value, Error> {
        self.run_with(adopted, script, keys, arguments, &[]).await
    }

    /// As [`Sequencer::run`], with texts behind the numbers.
    pub(crate) async fn run_with(
        &self,
        adopted: &Adopted,
        script: &str,
        keys: &[&str],
        arguments: &[u64],
        texts: &[String],
    ) -> Result<Value, Error> {
        let record = self.keys().record();
        let lengths = keys.iter().map(|key| key.len()).chain(texts.iter().map(String::len));
        let size = script.len() + record.len() + lengths.sum::<usize>();
        let size = size + 32 + 16 * arguments.len();
        let mut call = Cmd::with_capacity(4 + keys.len() + arguments.len() + texts.len(), size);
        call.arg("EVALSHA").arg(script).arg(1 + keys.len()).arg(record);
        for key in keys {
            call.arg(*key);
        }
        for argument in arguments {
            call.arg(*argument);
        }
        for text in texts {
            call.arg(text);
        }
        self.in_time(async {
            let peer = self.inner.link.lent().await?;
            if *peer != adopted.record().run_id {
                return Err(Error::Stale);
            }
            Ok(call.query_async(&mut peer.connection()).await?)
        })
        .await
    }

    /// Sends one command on the shared connection, whoever is at its other end.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        self.in_time(async { Ok(command.query_async(&mut self.inner.link.lent().await?.connection()).await?) }).await
    }

    /// Whether the shared connection leads to the process, and the primary, that goes by this run id.
    pub(crate) async fn leads_to(&self, run_id: &str) -> Result<bool, Error> {
        self.in_time(async { Ok(*self.inner.link.lent().await? == *run_id) }).await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let began = Instant::now();
        let outcome = timeout(self.inner.response_timeout, work).await.unwrap_or(Err(Outage::TimedOut.into()));
        // A stale epoch is an answer, and a quick one.
        self.inner.meters.call(matches!(outcome, Ok(_) | Err(Error::Stale)), began.elapsed());
        outcome
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Where Redis is, for whatever else is kept in the same one.
    pub fn primary(&self) -> &Primary {
        &self.inner.primary
    }

    /// The same, for who makes connections as this one does.
    pub fn place(&self) -> Place<'_> {
        let Inner { settings, primary, .. } = &*self.inner;
        Place { primary: primary.clone(), key_prefix: &settings.key_prefix, connect_timeout: settings.connect_timeout() }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) fn link(&self) -> &Link<Identity> {
        &self.inner.link
    }
}

fn link_settings(settings: &Settings) -> redislink::Settings {
    redislink::Settings {
        purpose: "numbers",
        gauge: "chat_redis_connected",
        connect_timeout: settings.connect_timeout(),
        greeting_timeout: settings.response_timeout(),
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequencer").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}
