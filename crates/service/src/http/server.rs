//! Starts the server with all that surrounds a service's own routes, and stops it gracefully.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::App;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server, ServiceRequest, fn_service};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, JsonConfig, PathConfig, PayloadConfig, QueryConfig, ServiceConfig};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trace::Tracer;

use super::middleware::{Worker, surround};
use super::timed::TimedStream;
use super::{Port, Settings};
use crate::Error;
use crate::problem::Problem;

/// The framework reckons a head's deadline from a clock that it reads this often: without it, a client could get that much less
/// time than the settings say.
const CLOCK_STEP: Duration = Duration::from_millis(500);

/// How long a client that is still sending is listened to when its connection is closed: its system could throw away the answer.
const DISCONNECTED_WITHIN: Duration = Duration::from_secs(1);

/// A server at work. Dropping this does not stop it: the shutdown token does.
pub struct Running {
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Where it listens; the port is the real one if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the server has stopped.
    ///
    /// # Errors
    /// [`Error::Server`] when it failed.
    pub async fn finished(self) -> Result<(), Error> {
        self.server.await.map_err(io::Error::other).and_then(|ended| ended).map_err(Error::Server)
    }
}

/// Tells readiness whether the service is stopping.
pub(crate) struct Draining(pub(crate) CancellationToken);

/// Opens `port` and answers requests on it until `shutdown` is cancelled. From then on `/readyz` is 503 and each answer asks its
/// client to close the connection, for `drain_ms`; then no new connection is accepted, connections are closed after the answer under way,
/// and what is not finished after `shutdown_ms` is dropped. `configure` adds the service's routes; it is called once for each
/// worker thread. To be called on a Tokio runtime, after telemetry was set up.
///
/// # Errors
/// [`Error::PortTaken`], [`Error::Bind`] or [`Error::Server`] when the port cannot be used.
pub fn serve<F>(
    port: Port,
    settings: &Settings,
    tracer: Tracer,
    shutdown: CancellationToken,
    configure: F,
) -> Result<Running, Error>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let address = port.address();
    let (limits, large) = (settings.body_limits(), settings.large_bodies());
    let draining = shutdown.clone();
    let cors = settings.cors_origins.clone();
    let application = move || {
        // A token of its own, because whoever asks one takes its lock.
        let worker = Worker::new(tracer.clone(), limits.bytes, draining.child_token());
        App::new()
            .app_data(limits)
            .app_data(large.clone())
            .app_data(Draining(draining.clone()))
            .configure(move |config| framework_errors(config, limits.bytes))
            .configure(|config| match cors.middleware() {
                None => configure(config),
                Some(cors) => {
                    config.service(web::scope("").wrap(cors).configure(configure.clone()));
                }
            })
            .wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| surround(Rc::clone(&worker), request, next)))
    };
    let drain = Duration::from_millis(settings.drain_ms);
    let drained = async move {
        shutdown.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    let server = Server::build()
        .shutdown_signal(drained)
        .shutdown_timeout(settings.shutdown_ms.div_ceil(1000))
        .workers(settings.worker_count());
    let (stopping, head, keep_alive) = (server.graceful_shutdown_signal(), settings.head_within(), settings.keep_alive());
    let patience = settings.patience();
    // As `actix_web::HttpServer` puts it together, but for the connection, which is timed.
    let connections = move || {
        let stopping = stopping.clone();
        let application = IntoServiceFactory::<_, Request>::into_factory(application());
        let application = application.map_err(|error: actix_web::Error| error.error_response());
        let requests = HttpService::<TimedStream, _, BoxBody>::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .client_request_timeout(head + CLOCK_STEP)
            .client_disconnect_timeout(DISCONNECTED_WITHIN)
            .keep_alive(keep_alive)
            .local_addr(address)
            .finish::<_, BoxBody>(map_config(application, |()| AppConfig::default()));
        let timed = fn_service(move |stream: TcpStream| async move {
            // What cannot be set makes a connection slower, and no worse.
            let _ = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            Ok::<_, DispatchError>((TimedStream::new(stream, patience), Protocol::Http1, peer))
        });
        timed.and_then(requests)
    };
    let server = server.listen("http", port.open()?, connections).map_err(Error::Server)?.run();
    Ok(Running { address, server: tokio::spawn(server) })
}

/// Makes problems of what the framework's own extractors refuse.
fn framework_errors(config: &mut ServiceConfig, limit: usize) {
    config
        .app_data(PayloadConfig::new(limit))
        .app_data(PathConfig::default().error_handler(|_, _| Problem::route_not_found().into()))
        .app_data(
            QueryConfig::default().error_handler(|_, _| Problem::malformed_request("The query string cannot be read.").into()),
        )
        .app_data(JsonConfig::default().limit(limit).error_handler(move |error, _| {
            use actix_web::error::JsonPayloadError::{ContentType, Overflow, OverflowKnownLength};
            match error {
                ContentType => Problem::unsupported_media_type().into(),
                Overflow { .. } | OverflowKnownLength { .. } => Problem::payload_too_large(limit).into(),
                _ => Problem::malformed_json("The body is not the JSON that is expected here.").into(),
            }
        }))
        .default_service(web::to(async || Err::<String, _>(Problem::route_not_found())));
}
