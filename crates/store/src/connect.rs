//! Opens connections and sets up their sessions.

use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};
use tokio::time::timeout;

use crate::{Connection, Error, Settings, failure::Failure};

/// How many statements a connection keeps prepared: those used last. The inserts of batches are 33 for each table at most. The
/// server's own limit (`max_prepared_stmt_count`, 16,382 unless set) is shared by all connections of all replicas.
const PREPARED_STATEMENTS: usize = 100;

/// The server closes a session that is silent for this long, and with it ends the transaction and frees the locks of a client
/// that vanished without a word: so long a partition may stand still when the host of its consumer is lost in mid-transaction. An
/// idle connection that was closed so is found out by the pool before it is lent.
const WAIT_TIMEOUT_S: u32 = 30;

/// Reads the URL and fixes what the rest relies on.
pub(crate) fn options(settings: &Settings) -> Result<OptsBuilder, Error> {
    database(settings)?;
    let opts = parse(settings)?;
    if opts.ssl_opts().is_none() && speaks_of_certificates(&settings.url) {
        return Err(Error::Settings("url says how certificates are checked, and does not ask for TLS: require_ssl=true does"));
    }
    let tls = opts.ssl_opts().map(|asked| verified(asked, settings)).transpose()?;
    Ok(OptsBuilder::from_opts(opts)
        .ssl_opts(tls)
        .prefer_socket(false)
        .tcp_nodelay(true)
        .client_found_rows(true)
        .stmt_cache_size(PREPARED_STATEMENTS)
        .init(vec![session(settings)]))
}

/// The database that the URL names.
pub(crate) fn database(settings: &Settings) -> Result<String, Error> {
    match parse(settings)?.db_name() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(Error::Settings("url names no database")),
    }
}

/// What the URL asks for, with the configured certificates. A server that has no TLS is refused by the driver then, before the
/// login.
fn verified(asked: &SslOpts, settings: &Settings) -> Result<SslOpts, Error> {
    if asked.accept_invalid_certs() || asked.skip_domain_validation() {
        return Err(Error::Settings("url asks for TLS without a check of the server's certificate, which there is not"));
    }
    let files = settings.tls.pem().map(|pem| pem.as_bytes().to_vec().into());
    Ok(asked.clone().with_root_certs(files.into_iter().collect()))
}

/// Whether a parameter of the URL is about certificates. The driver passes over these where `require_ssl` is missing or false:
/// whoever has written `verify_identity=true` alone would send the password to anybody.
fn speaks_of_certificates(url: &str) -> bool {
    let (_, query) = url.split_once('?').unwrap_or_default();
    let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    names.any(|name| ["verify_ca", "verify_identity", "built_in_roots"].contains(&name))
}

fn parse(settings: &Settings) -> Result<Opts, Error> {
    Opts::from_url(&settings.url).map_err(|_| Error::Settings("url is not a mysql:// URL that can be used"))
}

/// Opens a connection whose session is set up.
pub(crate) async fn connect(options: OptsBuilder, settings: &Settings) -> Result<Connection, Error> {
    let driver = driver(options, settings).await?;
    Ok(Connection::new(driver, settings.statement_timeout()))
}

pub(crate) async fn driver(options: OptsBuilder, settings: &Settings) -> Result<Conn, Error> {
    match timeout(settings.connect_timeout(), Conn::new(options)).await {
        Ok(outcome) => outcome.map_err(|error| Failure::of_driver(&error).into()),
        Err(_) => Err(Error::Deadline),
    }
}

/// One statement for all of it. What the servers call differently stands in comments that only the one or the other executes:
/// MySQL those with a version of its own, MariaDB those marked `M` (it skips MySQL's from 5.7 on).
///
/// The server's limits are a tenth below ours, so that it normally gives up first and the connection survives. MySQL's holds for
/// reads only; a write ends by its lock wait, counted in whole seconds, or by our own deadline.
fn session(settings: &Settings) -> String {
    let limit_ms = settings.statement_timeout_ms.saturating_mul(9) / 10;
    let lock_wait_s = (limit_ms / 1_000).max(1);
    format!(
        "SET NAMES utf8mb4, time_zone = '+00:00', \
         sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
         innodb_lock_wait_timeout = {lock_wait_s}, wait_timeout = {WAIT_TIMEOUT_S} \
         /*!80000 , transaction_isolation = 'READ-COMMITTED', max_execution_time = {limit_ms} */\
         /*M!100100 , tx_isolation = 'READ-COMMITTED', max_statement_time = {}.{:03} */",
        limit_ms / 1_000,
        limit_ms % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_of_certificates_and_does_not_ask_for_tls_is_told_so() {
        let told = |query: &str| options(&Settings::new(format!("mysql://u:hidden@localhost/chat{query}")));
        for query in [
            "?verify_ca=true",
            "?verify_identity=true",
            "?require_ssl=false&verify_ca=false",
            "?tcp_keepalive=9&built_in_roots=false",
        ] {
            let refusal = told(query).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refusal.contains("require_ssl=true") && !refusal.contains("hidden"), "{query}: {refusal}");
        }
        for query in ["", "?require_ssl=false", "?require_ssl=true", "?verify_ca=true&require_ssl=true", "?tcp_nodelay=true"] {
            assert!(told(query).is_ok(), "{query}");
        }
    }
}
