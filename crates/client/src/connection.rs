//! The client itself: where the services are, and what all calls share.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, HeaderValue},
};

use crate::{Error, Options, Problem};

const HEALTH_WITHIN: Duration = Duration::from_secs(3);

/// Calls the two services. Clones share connections. Proxies of the environment are not used.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    http: reqwest::Client,
    api: Url,
    ingest: Url,
    admin: Option<HeaderValue>,
    pub(crate) options: Options,
    pub(crate) retried: AtomicU64,
}

/// Which of the services takes a call.
#[derive(Clone, Copy)]
pub(crate) enum Service {
    Api,
    Ingest,
}

impl Client {
    /// A client of the services at these addresses, such as `http://127.0.0.1:3000`; both may be the same, where one address
    /// stands before both. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub fn new(api: &str, ingest: &str, options: Options) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(options.attempt_timeout)
            .pool_max_idle_per_host(options.connections)
            .build()
            .map_err(|_| Error::Unusable("the HTTP library"))?;
        let bearer = |token: &String| {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Unusable("the admin token"))?;
            value.set_sensitive(true);
            Ok(value)
        };
        let admin = options.admin_token.as_ref().map(bearer).transpose()?;
        let (api, ingest) = (base(api)?, base(ingest)?);
        Ok(Self { shared: Arc::new(Shared { http, api, ingest, admin, options, retried: AtomicU64::new(0) }) })
    }

    /// Whether both services live.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] or [`Error::Refused`] of the first that does not.
    pub async fn check(&self) -> Result<(), Error> {
        for service in [Service::Api, Service::Ingest] {
            let url = self.root(service).join("/healthz").map_err(|_| Error::Unusable("a base URL"))?;
            let health = self.shared.http.get(url).timeout(HEALTH_WITHIN).send().await;
            let answer = health.map_err(|source| Error::NoAnswer { source: source.without_url(), unsure: 0 })?;
            if !answer.status().is_success() {
                let problem = Problem::of(answer.status().as_u16(), answer.headers(), &[]);
                return Err(Error::Refused { problem: Box::new(problem), unsure: 0 });
            }
        }
        Ok(())
    }

    /// Attempts that were made again so far, by all clones together.
    pub fn retried(&self) -> u64 {
        self.shared.retried.load(Ordering::Relaxed)
    }

    fn root(&self, service: Service) -> &Url {
        match service {
            Service::Api => &self.shared.api,
            Service::Ingest => &self.shared.ingest,
        }
    }

    /// The address of what these segments name, each encoded.
    pub(crate) fn url(&self, service: Service, segments: &[&str]) -> Result<Url, Error> {
        // They cannot be encoded, and would name something else.
        if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
            return Err(Error::Unusable("a token"));
        }
        let mut url = self.root(service).clone();
        let path = url.path_segments_mut();
        path.map_err(|()| Error::Unusable("a base URL"))?.pop_if_empty().extend(["api", "v1"]).extend(segments);
        Ok(url)
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.shared.http.request(method, url)
    }

    /// With the operator's token, if there is one.
    pub(crate) fn as_admin(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.shared.admin {
            Some(bearer) => request.header(AUTHORIZATION, bearer),
            None => request,
        }
    }
}

fn base(url: &str) -> Result<Url, Error> {
    let parsed = Url::parse(url).ok().filter(|url| !url.cannot_be_a_base() && matches!(url.scheme(), "http" | "https"));
    parsed.ok_or(Error::Unusable("a base URL"))
}

impl fmt::Debug for Client {
    /// Where it sends to: paths and headers hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api", &self.shared.api.origin())
            .field("ingest", &self.shared.ingest.origin())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one_or_is_refused() {
        let client = Client::new("http://a:1", "http://b:2/chat/", Options::default()).unwrap();
        let url = |service, token| client.url(service, &["applications", token, "chats"]).map(|url| url.to_string());
        assert_eq!(url(Service::Api, "../x?y#z").unwrap(), "http://a:1/api/v1/applications/..%2Fx%3Fy%23z/chats");
        assert_eq!(url(Service::Ingest, "t").unwrap(), "http://b:2/chat/api/v1/applications/t/chats");
        for token in [".", ".."] {
            assert!(matches!(url(Service::Api, token), Err(Error::Unusable(_))), "{token}");
        }
    }
}
