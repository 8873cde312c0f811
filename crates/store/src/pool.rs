//! The pool of connections, and the [`Store`] that services hold.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use mysql_async::OptsBuilder;
use tokio::{runtime::Handle, time::timeout};

use crate::{
    Connection, Error, Settings, connect,
    meters::{Loan, PoolMeters, StatementMeters},
};

/// A connection that stood unused for longer than this is asked for a sign of life before it is handed out: after a restart of
/// the server a whole pool of dead connections would otherwise fail one request each.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Connections that are ready for use.
pub type Pool = managed::Pool<Manager>;

/// A connection on loan; it goes back to the pool when dropped, or is closed if it cannot be used again.
///
/// Closed at once, and not when the pool comes to lend it again: until then the server would keep its transaction open, and the
/// locks of all rows that this has written, while whoever repeats the work waits for them. (Where a server hangs in the middle of
/// a large answer, the driver reads what is left of it first, in a task of its own.)
#[derive(Debug)]
pub struct PooledConnection {
    connection: managed::Object<Manager>,
    /// Behind the connection, because fields are dropped in their order.
    _loan: Loan,
}

impl Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        self.connection.close_unless_reusable();
    }
}

/// Opens and checks the pool's connections.
pub struct Manager {
    options: OptsBuilder,
    settings: Settings,
    /// Connections are opened here, whoever asks: a socket belongs to the runtime that opened it, and an HTTP worker's runtime
    /// serves a socket only while that worker is not busy, which is no matter where the worker alone uses it.
    runtime: Handle,
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection, Error> {
        let (options, settings) = (self.options.clone(), self.settings.clone());
        let opening = self.runtime.spawn(async move { connect::connect(options, &settings).await });
        // The task ends without an answer only when its runtime shuts down.
        opening.await.unwrap_or(Err(Error::Lost))
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<Error> {
        if !connection.is_reusable() {
            return Err(RecycleError::message("left in the middle of a statement or a transaction"));
        }
        if metrics.last_used() > TRUSTED_IDLE {
            connection.ping().await.map_err(|failure| RecycleError::Backend(failure.into()))?;
        }
        Ok(())
    }
}

/// The way to MySQL. Cheap to clone; all clones share one pool.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    meters: Arc<PoolMeters>,
    settings: Settings,
}

impl Store {
    /// Makes a pool, whose connections are opened when they are first needed: MySQL need not be up. Must be called on the
    /// runtime that lives longest, because it will drive all connections.
    ///
    /// # Errors
    /// [`Error::Settings`] for a URL that cannot be used, or when called outside a runtime.
    pub fn connect(settings: &Settings) -> Result<Self, Error> {
        Self::with(settings, settings.pool_size)
    }

    /// As [`Store::connect`], with so many connections.
    pub(crate) fn with(settings: &Settings, connections: usize) -> Result<Self, Error> {
        settings.check()?;
        // They stand at 0 before there is a connection.
        StatementMeters::new();
        Self::on_this_runtime(settings, connections)
    }

    /// Another pool, of so many connections, which the current runtime drives. What is measured of both is told as of one.
    pub(crate) fn beside(&self, connections: usize) -> Result<Self, Error> {
        Self::on_this_runtime(&self.settings, connections)
    }

    fn on_this_runtime(settings: &Settings, connections: usize) -> Result<Self, Error> {
        let manager = Manager {
            options: connect::options(settings)?,
            settings: settings.clone(),
            runtime: Handle::try_current().map_err(|_| Error::Settings("a store is made inside a tokio runtime"))?,
        };
        let pool =
            Pool::builder(manager).max_size(connections).build().map_err(|_| Error::Settings("the pool cannot be made"))?;
        Ok(Self { pool, meters: PoolMeters::new(settings.pool_size), settings: settings.clone() })
    }

    /// Lends a connection, waiting for one at most as long as the settings say.
    ///
    /// # Errors
    /// [`Error::PoolExhausted`] when none became free in time, else whatever kept a new one from being opened.
    pub async fn acquire(&self) -> Result<PooledConnection, Error> {
        let asked = Instant::now();
        let outcome = {
            let _waiting = self.meters.wait();
            timeout(self.settings.acquire_timeout(), self.pool.get()).await
        };
        self.meters.waited(asked.elapsed());
        let error = match outcome {
            Ok(Ok(connection)) => return Ok(PooledConnection { connection, _loan: Loan::begin(&self.meters, &self.pool) }),
            Ok(Err(managed::PoolError::Backend(error))) => error,
            Ok(Err(_)) | Err(_) => Error::PoolExhausted,
        };
        self.meters.failed(&error);
        Err(error)
    }

    /// Asks the server for a sign of life, for readiness. That requests keep the whole pool busy is no sign that the server is
    /// away: a connection is opened for the question alone then.
    ///
    /// # Errors
    /// Whatever keeps a statement from being executed.
    pub async fn ping(&self) -> Result<(), Error> {
        let at_once = managed::Timeouts { wait: Some(Duration::ZERO), ..managed::Timeouts::new() };
        match self.pool.timeout_get(&at_once).await {
            Ok(connection) => {
                let mut connection = PooledConnection { connection, _loan: Loan::begin(&self.meters, &self.pool) };
                Ok(connection.ping().await?)
            }
            Err(managed::PoolError::Backend(error)) => Err(error),
            Err(_) => Ok(self.dedicated().await?.ping().await?),
        }
    }

    /// Opens a connection that is not of the pool and is closed when dropped.
    pub(crate) async fn dedicated(&self) -> Result<Connection, Error> {
        connect::connect(connect::options(&self.settings)?, &self.settings).await
    }
}
