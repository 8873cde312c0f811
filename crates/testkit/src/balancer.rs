//! What stands in front of services in production: it asks each replica whether it is ready, and sends requests in turn to those
//! that are, over connections that it keeps. As there, a replica is passed over when it has not been ready for a while: one look
//! at a busy server may fail.
//!
//! It must never send a request again: what a replica does not answer is told to the client, as a 502. (Only when a kept
//! connection was closed before anything of a request was written, the HTTP library opens another.)

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::StatusCode,
    web::{self, Bytes, Data, PayloadConfig},
};
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{Client, Service, System};

/// Between two looks at a replica.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a replica goes on not being ready before it is passed over. To be shorter than `http.drain_ms`.
const PASSED_OVER_AFTER: Duration = Duration::from_millis(250);
/// Of one connection, not of the end points (RFC 9110, section 7.6.1); and what each connection's library writes for itself.
const OF_THE_CONNECTION: [&str; 5] = ["connection", "keep-alive", "transfer-encoding", "content-length", "host"];
/// More than any test's body has.
const MAX_BODY: usize = 1024 * 1024;

/// A proxy in front of the api's replicas and one in front of the ingest's. Dropping this ends them.
pub struct Balancer {
    client: Client,
    end: CancellationToken,
    running: Vec<JoinHandle<()>>,
}

/// One proxy.
struct Front {
    http: reqwest::Client,
    ready: RwLock<BTreeSet<SocketAddr>>,
    turn: AtomicUsize,
}

impl Balancer {
    /// Starts the proxies, each on a port of its own.
    pub fn start(system: &System) -> Self {
        let (client, end) = (Client::new(), CancellationToken::new());
        let mut running = Vec::new();
        for service in [Service::Api, Service::Ingest] {
            let http = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
            let ready = RwLock::new(system.client().replicas(service).into_iter().collect());
            let front = Arc::new(Front { http, ready, turn: AtomicUsize::new(0) });
            running.push(tokio::spawn(look(system.client().clone(), service, front.clone(), end.clone())));
            let forwarding = Data::from(front);
            let application = move || {
                App::new().app_data(forwarding.clone()).app_data(PayloadConfig::new(MAX_BODY)).default_service(web::to(forward))
            };
            let server = HttpServer::new(application).workers(1).shutdown_signal(end.clone().cancelled_owned());
            let server = server.bind("127.0.0.1:0").unwrap();
            client.add(service, server.addrs()[0]);
            let server = server.run();
            running.push(tokio::spawn(async { server.await.expect("the proxy answers until it is told to stop") }));
        }
        Self { client, end, running }
    }

    /// A client whose requests go through the proxies.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.end.cancel();
        self.running.iter().for_each(JoinHandle::abort);
    }
}

/// Has each replica looked at, beside the others, for as long as there is one.
async fn look(client: Client, service: Service, front: Arc<Front>, end: CancellationToken) {
    let mut watched = BTreeMap::new();
    while !end.is_cancelled() {
        let replicas = client.replicas(service);
        watched.retain(|address, _| replicas.contains(address));
        front.ready_mut(|ready| ready.retain(|address| replicas.contains(address)));
        for address in replicas {
            let watch = || AbortOnDropHandle::new(tokio::spawn(watch(client.clone(), address, front.clone())));
            watched.entry(address).or_insert_with(watch);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Puts the replica among those that are ready, and takes it out when it has not been for a while.
async fn watch(client: Client, address: SocketAddr, front: Arc<Front>) {
    let mut failing_since = None;
    loop {
        if client.is_ready(address).await {
            failing_since = None;
            front.ready_mut(|ready| ready.insert(address));
        } else if failing_since.get_or_insert_with(Instant::now).elapsed() >= PASSED_OVER_AFTER {
            front.ready_mut(|ready| ready.remove(&address));
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn forward(request: HttpRequest, body: Bytes, front: Data<Front>) -> HttpResponse {
    let Some(address) = front.next() else {
        return HttpResponse::BadGateway().body("no replica is ready");
    };
    match front.send(address, &request, body).await {
        Ok(answer) => answer,
        Err(error) => HttpResponse::BadGateway().body(format!("{address}: {error:?}")),
    }
}

impl Front {
    fn next(&self) -> Option<SocketAddr> {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        ready.iter().nth(turn % ready.len().max(1)).copied()
    }

    fn ready_mut<T>(&self, change: impl FnOnce(&mut BTreeSet<SocketAddr>) -> T) -> T {
        change(&mut self.ready.write().unwrap_or_else(PoisonError::into_inner))
    }

    async fn send(&self, address: SocketAddr, request: &HttpRequest, body: Bytes) -> reqwest::Result<HttpResponse> {
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).expect("a method is a method");
        let mut forwarded = self.http.request(method, format!("http://{address}{}", request.uri())).body(body);
        for (name, value) in request.headers().iter().filter(|(name, _)| passes(name.as_str())) {
            forwarded = forwarded.header(name.as_str(), value.as_bytes());
        }
        let answer = forwarded.send().await?;
        let mut copy = HttpResponse::build(StatusCode::from_u16(answer.status().as_u16()).expect("a status is a status"));
        for (name, value) in answer.headers().iter().filter(|(name, _)| passes(name.as_str())) {
            copy.append_header((name.as_str(), value.as_bytes()));
        }
        Ok(copy.body(answer.bytes().await?))
    }
}

fn passes(header: &str) -> bool {
    !OF_THE_CONNECTION.contains(&header)
}
