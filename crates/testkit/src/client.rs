//! Requests to the services of one system, wherever they listen just now.

use std::{
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{Answer, Application, Service};

/// Far longer than any answer may take: a service that does not answer fails the test, and does not stop it.
const LIMIT: Duration = Duration::from_secs(20);

/// Sends requests to a system's services. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    shared: Arc<Shared>,
}

struct Shared {
    services: RwLock<Vec<(Service, SocketAddr)>>,
    turn: AtomicUsize,
}

impl Client {
    pub(crate) fn new() -> Self {
        // A test is to see an answer as it came.
        let http = reqwest::Client::builder().no_proxy().no_gzip().timeout(LIMIT).build().unwrap();
        Self { http, shared: Arc::new(Shared { services: RwLock::default(), turn: AtomicUsize::new(0) }) }
    }

    pub(crate) fn add(&self, service: Service, address: SocketAddr) {
        self.shared.services.write().unwrap_or_else(PoisonError::into_inner).push((service, address));
    }

    pub(crate) fn remove(&self, address: SocketAddr) {
        self.shared.services.write().unwrap_or_else(PoisonError::into_inner).retain(|(_, known)| *known != address);
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.shared.services.read().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, address)| *address).collect()
    }

    pub(crate) fn replicas(&self, service: Service) -> Vec<SocketAddr> {
        let services = self.shared.services.read().unwrap_or_else(PoisonError::into_inner);
        services.iter().filter(|(known, _)| *known == service).map(|(_, address)| *address).collect()
    }

    /// A request to a replica of the service; they take turns.
    pub fn ask(&self, service: Service, method: &str, path: &str) -> Ask {
        let replicas = self.replicas(service);
        assert!(!replicas.is_empty(), "no {service:?} runs");
        self.at(replicas[self.shared.turn.fetch_add(1, Ordering::Relaxed) % replicas.len()], method, path)
    }

    /// A request to one replica of the service: they are counted from 0 in the order in which they were started.
    pub fn ask_one(&self, service: Service, replica: usize, method: &str, path: &str) -> Ask {
        let address = self.replicas(service).get(replica).copied();
        self.at(address.unwrap_or_else(|| panic!("no {service:?} with the number {replica} runs")), method, path)
    }

    pub(crate) fn at(&self, address: SocketAddr, method: &str, path: &str) -> Ask {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        Ask(self.http.request(method, format!("http://{address}{path}")))
    }

    /// Whether the replica there says that requests should be sent to it.
    pub(crate) async fn is_ready(&self, address: SocketAddr) -> bool {
        self.at(address, "GET", "/readyz").attempt().await.is_ok_and(|answer| answer.status == 200)
    }

    /// Creates an application.
    pub async fn create_application(&self, name: &str) -> Application {
        let answer = self.ask(Service::Api, "POST", "/applications").json(json!({ "name": name })).send().await;
        let token = answer.expect(201)["token"].as_str().expect("a token").to_owned();
        Application { client: self.clone(), token }
    }
}

/// A request to be sent.
pub struct Ask(RequestBuilder);

impl Ask {
    /// With this JSON as the body.
    pub fn json(self, body: Value) -> Self {
        Self(self.0.json(&body))
    }

    /// With this body, whatever it is, and no content type.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.body(body.into()))
    }

    /// With this header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With these query parameters, encoded.
    pub fn query(self, parameters: &[(&str, &str)]) -> Self {
        Self(self.0.query(parameters))
    }

    /// Sends it.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(self) -> Answer {
        self.attempt().await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends it where it may be that no answer comes.
    ///
    /// # Errors
    /// When none comes.
    pub async fn attempt(self) -> Result<Answer, reqwest::Error> {
        let began = Instant::now();
        let response = self.0.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?.to_vec();
        Ok(Answer { status, headers, body, took: began.elapsed() })
    }
}
