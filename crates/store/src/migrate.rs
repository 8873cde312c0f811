//! Brings the database to the schema that this build expects. Never changes a table otherwise than by a migration.

use diesel_async::{AsyncMysqlConnection, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use mysql_async::{Conn, OptsBuilder, prelude::Queryable};
use tokio::time::timeout;

use crate::{Error, Settings, connect, failure::Failure};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// How long to wait for others that migrate the same database.
const LOCK_WAIT_S: u32 = 60;
/// ER_BAD_DB_ERROR.
const UNKNOWN_DATABASE: u16 = 1049;

/// What [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The versions of the migrations that were applied, in order; empty when the schema was up to date.
    pub versions: Vec<String>,
}

/// Makes the database if it does not exist and applies the migrations that it lacks. Several callers at a time take turns. A
/// migration that fails leaves those before it applied, and can be repeated once its cause is mended.
///
/// # Errors
/// What kept the server from being reached, or [`Error::Migration`].
pub async fn migrate(settings: &Settings) -> Result<Applied, Error> {
    let mut driver = open(settings).await?;
    take_turn(&mut driver, settings).await?;
    let connection = AsyncMysqlConnection::try_from(driver).await.map_err(|error| Error::Migration(error.into()))?;
    // The query builder's migrations are blocking code. The lock goes with the connection, at the end of this.
    let applied = tokio::task::spawn_blocking(move || {
        let mut connection = AsyncConnectionWrapper::<AsyncMysqlConnection>::from(connection);
        let versions = connection.run_pending_migrations(MIGRATIONS)?;
        Ok(versions.iter().map(ToString::to_string).collect())
    });
    match applied.await {
        Ok(Ok(versions)) => Ok(Applied { versions }),
        Ok(Err(error)) => Err(Error::Migration(error)),
        Err(error) => Err(Error::Migration(error.into())),
    }
}

/// Creating is tried only when the database is missing: an account that may not create databases can still migrate its own.
async fn open(settings: &Settings) -> Result<Conn, Error> {
    // No limits but the server's: a migration takes as long as it takes.
    let options = connect::options(settings)?.init(Vec::<String>::new());
    match connect::driver(options.clone(), settings).await {
        Err(Error::Server { number: UNKNOWN_DATABASE, .. }) => {
            create_database(options.clone(), settings).await?;
            connect::driver(options, settings).await
        }
        outcome => outcome,
    }
}

async fn create_database(options: OptsBuilder, settings: &Settings) -> Result<(), Error> {
    let name = connect::database(settings)?;
    let mut driver = connect::driver(options.db_name(None::<String>), settings).await?;
    let sql = format!("CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", name.replace('`', "``"));
    driver.query_drop(sql).await.map_err(|error| Failure::of_driver(&error).into())
}

async fn take_turn(driver: &mut Conn, settings: &Settings) -> Result<(), Error> {
    let ask = driver.query_first::<Option<u64>, _>(format!(
        "SELECT GET_LOCK(CONCAT('migrate:', LEFT(SHA2(DATABASE(), 256), 32)), {LOCK_WAIT_S})"
    ));
    let limit = std::time::Duration::from_secs(LOCK_WAIT_S.into()) + settings.statement_timeout();
    let taken = timeout(limit, ask).await.map_err(|_| Error::Deadline)?.map_err(|error| Failure::of_driver(&error))?;
    if taken.flatten() == Some(1) { Ok(()) } else { Err(Error::Locked("migrate")) }
}
