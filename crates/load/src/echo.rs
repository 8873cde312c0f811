//! The measure of all things here: the same framework, the same JSON in and out, and nothing behind it.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use say::say;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

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

/// The echo in a process of its own, as the services are. Dropping it ends the process.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    _process: Child,
}

impl Echo {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?).arg("echo").stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let line = timeout(Duration::from_secs(10), lines.next_line()).await.context("the echo did not start")??;
        Ok(Self { address: line.context("the echo ended")?.parse()?, _process: process })
    }
}
