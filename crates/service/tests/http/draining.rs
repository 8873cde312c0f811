//! Taking a port and giving it back: a taken port, and a stop that loses no answer.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use service::health::{Check, routes};
use service::http::{bind, endpoint, serve};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use trace::Tracer;

use crate::support::{DEADLINE, Server, settings, telemetry};

const GET_FAST: &str = "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n";
const GET_SLOW: &str = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";

/// A server whose `/slow` tells when it began and answers when it may.
struct Slow {
    server: Server,
    began: Arc<Semaphore>,
    may_end: Arc<Semaphore>,
}

impl Slow {
    async fn start(variables: &[(&str, &str)]) -> Self {
        let (began, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let gates = (began.clone(), may_end.clone());
        let server = Server::start_with(variables, move |config| {
            let (began, may_end) = gates.clone();
            let slow = move || {
                let (began, may_end) = (began.clone(), may_end.clone());
                async move {
                    began.add_permits(1);
                    may_end.acquire().await.unwrap().forget();
                    "slow"
                }
            };
            config.service(endpoint("/slow").get(slow)).service(endpoint("/fast").get(async || "fast"));
        })
        .await;
        Self { server, began, may_end }
    }

    async fn has_begun(&self) {
        timeout(DEADLINE, self.began.acquire()).await.unwrap().unwrap().forget();
    }
}

#[actix_web::test]
async fn a_stop_is_told_at_once_and_takes_requests_until_it_is_noticed() {
    let silent = Check::new("mysql", &(), |()| std::future::pending::<Result<(), String>>());
    let health = routes(vec![silent], telemetry());
    let server = Server::start_with(&[("CHAT__HTTP__DRAIN_MS", "1500")], move |config| {
        health(config);
        config.service(endpoint("/fast").get(async || "fast"));
    })
    .await;
    let mut kept = server.connect().await;
    kept.send(GET_FAST).await;
    assert_eq!(kept.answer().await.header("connection"), None);
    let started = Instant::now();
    server.shutdown.cancel();
    let ready = server.get("/readyz", &[]).await;
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<Value>().await.unwrap()["status"], "stopping");
    assert!(started.elapsed() < Duration::from_millis(900), "readiness waited for a dependency: {:?}", started.elapsed());
    // The connection that was kept and new ones are answered, and closed.
    kept.send(GET_FAST).await;
    for answer in [kept.rest().await, server.raw(GET_FAST).await] {
        assert_eq!((answer.body.as_str(), answer.header("connection")), ("fast", Some("close")));
    }
    let address = server.address;
    server.finished().await;
    assert!((Duration::from_millis(1_500)..Duration::from_secs(4)).contains(&started.elapsed()), "{:?}", started.elapsed());
    assert!(TcpStream::connect(address).await.is_err());
}

#[actix_web::test]
async fn a_stop_closes_idle_connections_at_once() {
    let Slow { server, .. } = Slow::start(&[]).await;
    let mut idle = server.connect().await;
    idle.send(GET_FAST).await;
    let answer = idle.answer().await;
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("fast", None));
    let started = Instant::now();
    server.shutdown.cancel();
    server.finished().await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[actix_web::test]
async fn a_stop_waits_for_a_slow_answer_and_closes_its_connection() {
    let slow = Slow::start(&[]).await;
    let mut connection = slow.server.connect().await;
    connection.send(GET_SLOW).await;
    slow.has_begun().await;
    slow.server.shutdown.cancel();
    // No new connection is taken up any more; wait until that is so before the slow one may end.
    let refused = async {
        while TcpStream::connect(slow.server.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, refused).await.unwrap();
    slow.may_end.add_permits(1);
    let answer = connection.rest().await;
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("slow", Some("close")));
    slow.server.finished().await;
}

#[actix_web::test]
async fn a_stop_does_not_wait_for_ever() {
    let slow = Slow::start(&[("CHAT__HTTP__SHUTDOWN_MS", "900")]).await;
    let mut connection = slow.server.connect().await;
    connection.send(GET_SLOW).await;
    slow.has_begun().await;
    let started = Instant::now();
    slow.server.shutdown.cancel();
    slow.server.finished().await;
    assert!((Duration::from_millis(900)..Duration::from_secs(4)).contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[actix_web::test]
async fn a_taken_port_is_told_in_a_sentence() {
    let first = Server::start(|_| ()).await;
    let port = first.address.port().to_string();
    let refused = bind(&settings(&[("PORT", &port)])).await.unwrap_err();
    let expected = format!("port {port} is in use on 127.0.0.1: stop what listens there, or choose another port with PORT");
    assert_eq!(refused.to_string(), expected);
}

#[actix_web::test]
async fn of_two_that_took_a_port_before_either_opened_it_one_is_told() {
    let first = bind(&settings(&[])).await.unwrap();
    let chosen = settings(&[("PORT", &first.address().port().to_string())]);
    let second = bind(&chosen).await.unwrap();
    let stop = CancellationToken::new();
    let _end = stop.clone().drop_guard();
    telemetry();
    let running = serve(first, &chosen, Tracer::off(), stop.clone(), |_| ()).unwrap();
    let refused = serve(second, &chosen, Tracer::off(), stop, |_| ()).err().unwrap();
    let expected = format!("port {} is in use on 127.0.0.1", running.address().port());
    assert!(refused.to_string().starts_with(&expected), "{refused}");
}

#[actix_web::test]
async fn clients_are_refused_until_requests_can_be_answered() {
    telemetry();
    let settings = settings(&[]);
    let port = bind(&settings).await.unwrap();
    let address = port.address();
    let refused = timeout(DEADLINE, TcpStream::connect(address)).await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let stop = CancellationToken::new();
    let _end = stop.clone().drop_guard();
    serve(port, &settings, Tracer::off(), stop, |_| ()).unwrap();
    timeout(DEADLINE, TcpStream::connect(address)).await.unwrap().unwrap();
}

#[actix_web::test]
async fn an_address_of_another_machine_is_told_as_such() {
    let refused = bind(&settings(&[("CHAT__HTTP__ADDRESS", "192.0.2.1")])).await.unwrap_err();
    assert_eq!(refused.to_string(), "cannot listen on 192.0.2.1:0");
}
