//! The least that a read can cost in this framework: an actix handler that runs the same select, prepared, over a pool of its
//! worker's, and answers the same JSON. No cache, no deadlines, no entity tags, no checks.

use actix_web::{
    App, HttpResponse, HttpServer,
    web::{Data, Path, Query, get},
};
use anyhow::Context;
use clap::Args;
use mysql_async::{Opts, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, Row, Value, prelude::Queryable};
use serde::{Deserialize, Serialize};

use crate::side::Side;

/// As many in all as the api's pool has.
const CONNECTIONS: usize = 16;
const PAGE: u64 = 50;

const APPLICATION: &str =
    "SELECT id, token, name, chats_count, version, created_at, updated_at FROM applications WHERE token = ?";
const MESSAGE: &str = "SELECT a.id, m.number, m.body, m.version, m.created_at, m.updated_at FROM applications a \
    LEFT JOIN messages m ON m.application_id = a.id AND m.chat_number = ? AND m.number = ? WHERE a.token = ?";
const MESSAGES: &str = "SELECT m.application_id, m.number, m.body, m.version, m.created_at, m.updated_at FROM messages m \
    WHERE m.application_id = (SELECT id FROM applications WHERE token = ?) AND m.chat_number = ? AND m.number BETWEEN ? AND ? \
    ORDER BY m.number LIMIT ?";

/// `load bare-reads`, started by the measurement itself.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[arg(long)]
    mysql: String,
}

#[derive(Serialize)]
struct ApplicationBody {
    token: String,
    name: String,
    chats_count: u64,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct MessageBody {
    number: u64,
    body: String,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct Window {
    #[serde(default)]
    after: u64,
}

/// Starts it in a process of its own.
pub(super) async fn start(mysql: &str) -> anyhow::Result<Side> {
    Side::start(["bare-reads", "--mysql", mysql]).await
}

/// Serves on a free port of the loopback interface and prints it as the first line of its output.
pub(crate) async fn serve(options: Options) -> anyhow::Result<()> {
    let workers = std::thread::available_parallelism()?.get();
    let most = CONNECTIONS.div_ceil(workers);
    // What comes back beyond the least is closed at once: most would be opened anew for each read.
    let kept = PoolConstraints::new(most, most).context("no connections")?;
    let pool = PoolOpts::new().with_constraints(kept).with_reset_connection(false);
    let opts: Opts = OptsBuilder::from_opts(Opts::from_url(&options.mysql)?).prefer_socket(false).pool_opts(pool).into();
    // Each worker has a pool of its own: a connection belongs to the runtime that opened it.
    let application = move || {
        App::new()
            .app_data(Data::new(Pool::new(opts.clone())))
            .route("/applications/{token}", get().to(application))
            .route("/applications/{token}/chats/{chat}/messages", get().to(messages))
            .route("/applications/{token}/chats/{chat}/messages/{message}", get().to(message))
    };
    let server = HttpServer::new(application).workers(workers).bind("127.0.0.1:0")?;
    println!("{}", server.addrs().first().context("no address")?);
    server.run().await.context("serve")
}

async fn application(pool: Data<Pool>, token: Path<String>) -> HttpResponse {
    let found = select(&pool, APPLICATION, (token.into_inner(),).into(), |row| {
        Some(ApplicationBody {
            token: row.get(1)?,
            name: row.get(2)?,
            chats_count: row.get(3)?,
            created_at: moment(row.as_ref(5)?),
            updated_at: moment(row.as_ref(6)?),
        })
    });
    one(found.await)
}

async fn message(pool: Data<Pool>, path: Path<(String, u64, u64)>) -> HttpResponse {
    let (token, chat, number) = path.into_inner();
    one(select(&pool, MESSAGE, (chat, number, token).into(), message_of).await)
}

async fn messages(pool: Data<Pool>, path: Path<(String, u64)>, window: Query<Window>) -> HttpResponse {
    let (token, chat) = path.into_inner();
    let params: Params = (token, chat, window.after + 1, u64::MAX, PAGE + 1).into();
    match select(&pool, MESSAGES, params, message_of).await {
        Ok(mut page) => {
            page.truncate(PAGE as usize);
            HttpResponse::Ok().json(page)
        }
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

fn one<T: Serialize>(found: mysql_async::Result<Vec<T>>) -> HttpResponse {
    match found.as_deref() {
        Ok([found, ..]) => HttpResponse::Ok().json(found),
        Ok([]) => HttpResponse::NotFound().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn select<T>(pool: &Pool, sql: &str, params: Params, read: impl Fn(&Row) -> Option<T>) -> mysql_async::Result<Vec<T>> {
    let mut conn = pool.get_conn().await?;
    let rows: Vec<Row> = conn.exec(sql, params).await?;
    Ok(rows.iter().filter_map(read).collect())
}

fn message_of(row: &Row) -> Option<MessageBody> {
    Some(MessageBody {
        number: row.get(1)?,
        body: row.get(2)?,
        created_at: moment(row.as_ref(4)?),
        updated_at: moment(row.as_ref(5)?),
    })
}

/// As the api writes it.
fn moment(value: &Value) -> String {
    match value {
        Value::Date(year, month, day, hour, minute, second, micros) => {
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", micros / 1_000)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_api_writes_it() {
        assert_eq!(moment(&Value::Date(2026, 1, 2, 3, 4, 5, 678_000)), "2026-01-02T03:04:05.678Z");
        assert_eq!(moment(&Value::Date(2026, 11, 22, 0, 0, 0, 0)), "2026-11-22T00:00:00.000Z");
    }
}
