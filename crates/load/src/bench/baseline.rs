//! The straightforward way to write ingest, kept to tell what ours is worth: an actix handler that checks the same things of the
//! same JSON, takes the number by INCR over a pooled connection, and publishes each create by itself and waits for its confirm.
//!
//! It promises less: its numbers come twice when Redis forgets them, and a client that tries again creates again.

use std::sync::Arc;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    web::{Bytes, Data, Path, post},
};
use anyhow::Context;
use clap::Args;
use deadpool_redis::{Config, Pool, PoolConfig, Runtime, redis::cmd};
use domain::{ApplicationId, ApplicationToken, ChatNumber, EventId, Field, MessageBody, MessageNumber, Timestamp};
use events::{Epoch, Item, MessageCreated};
use serde::Serialize;
use service::json::{read_object, text_field};

use super::amqp::Queue;
use crate::side::Side;

/// Where it publishes.
pub(super) const QUEUE: &str = "baseline";
/// As many as the busiest measurement can use on two processors; the pool's own default would be four.
const REDIS_CONNECTIONS: usize = 32;

/// `load baseline`, started by the measurement itself.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[arg(long)]
    redis: String,
    #[arg(long)]
    amqp: String,
}

struct State {
    redis: Pool,
    queue: Queue,
}

#[derive(Serialize)]
struct Created {
    number: u64,
    status: &'static str,
}

/// Starts it in a process of its own.
pub(super) async fn start(redis: &str, amqp: &str) -> anyhow::Result<Side> {
    Side::start(["baseline", "--redis", redis, "--amqp", amqp]).await
}

/// Serves on a free port of the loopback interface and prints it as the first line of its output.
pub(crate) async fn serve(options: Options) -> anyhow::Result<()> {
    let mut redis = Config::from_url(options.redis);
    redis.pool = Some(PoolConfig::new(REDIS_CONNECTIONS));
    let redis = redis.create_pool(Some(Runtime::Tokio1))?;
    let state = Data::from(Arc::new(State { redis, queue: Queue::declare(&options.amqp, QUEUE).await? }));
    let route = "/applications/{token}/chats/{chat}/messages";
    let server =
        HttpServer::new(move || App::new().app_data(state.clone()).route(route, post().to(create))).bind("127.0.0.1:0")?;
    println!("{}", server.addrs().first().context("no address")?);
    server.run().await.context("serve")
}

async fn create(state: Data<State>, path: Path<(String, String)>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let Some(create) = Create::read(&path, &request, &body) else { return HttpResponse::BadRequest().finish() };
    match accept(&state, create).await {
        Ok(number) => HttpResponse::Created().json(Created { number, status: "Message created successfully" }),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// A create that keeps to the rules.
struct Create {
    token: ApplicationToken,
    chat: ChatNumber,
    body: MessageBody,
}

impl Create {
    fn read((token, chat): &(String, String), request: &HttpRequest, body: &[u8]) -> Option<Self> {
        let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
        let mut fields = read_object(body, content_type, Some("message")).ok()?;
        let text = text_field(&mut fields, Field::Body).ok()??;
        Some(Self {
            token: ApplicationToken::parse(token).ok()?,
            chat: ChatNumber::parse(chat).ok()?,
            body: MessageBody::new(text).ok()?,
        })
    }
}

async fn accept(state: &State, Create { token, chat, body }: Create) -> anyhow::Result<u64> {
    let mut redis = state.redis.get().await?;
    let number: u64 = cmd("INCR").arg(format!("baseline:{token}:{chat}")).query_async(&mut redis).await?;
    // It goes back before the broker is waited for.
    drop(redis);
    state.queue.publish(&payload(chat, MessageNumber::new(number)?, body)?).await?;
    Ok(number)
}

/// What ours publishes for one create.
pub(super) fn payload(chat: ChatNumber, number: MessageNumber, body: MessageBody) -> anyhow::Result<Vec<u8>> {
    let event_id = EventId::generate();
    let item = Item::Message(MessageCreated {
        request_id: event_id.to_string(),
        event_id,
        application_id: ApplicationId::new(1),
        chat,
        number,
        body,
        created_at: Timestamp::now(),
        trace: None,
    });
    Ok(events::encode_items(Epoch::new(1), &[item])?)
}
