//! The measure of all things here: the same framework, the same JSON in and out, and nothing behind it.

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use say::say;
use serde::{Deserialize, Serialize};

use crate::side::Side;

#[derive(Deserialize)]
struct Create {
    body: String,
}

#[derive(Serialize)]
struct Created {
    number: u64,
    status: &'static str,
}

/// Serves on a free port of the loopback interface and prints it as the first line of its output.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let server =
        HttpServer::new(|| App::new().route("/{tail:.*}", web::post().to(create)).route("/{tail:.*}", web::get().to(read)))
            .bind("127.0.0.1:0")?;
    say!("{}", server.addrs().first().context("no address")?);
    server.run().await.context("serve")
}

async fn create(create: web::Json<Create>) -> HttpResponse {
    HttpResponse::Created().json(Created { number: create.body.len() as u64, status: "Message created successfully" })
}

async fn read() -> HttpResponse {
    HttpResponse::Ok().json(Created { number: 1, status: "What a piece of work is a man, how noble in reason" })
}

/// Starts the echo in a process of its own.
pub(crate) async fn start() -> anyhow::Result<Side> {
    Side::start(["echo"]).await
}
