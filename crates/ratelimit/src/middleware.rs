//! Stands around routes: lets a request through, or answers 429, or while Redis is down what the settings say.

use std::{net::Ipv4Addr, sync::Arc};

use actix_web::{
    Error as ActixError, HttpResponse,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::HeaderValue,
    middleware::{Next, from_fn},
    web::{ServiceConfig, scope},
};
use metrics::{Counter, counter};
use service::problem::{Dependency, Problem};

use crate::{
    Error, OnOutage, Redis, Settings,
    bucket::Buckets,
    client::{Client, Clients},
    fields,
    link::Link,
    policy::{ByKind, Policies, Policy},
};

/// The limits in force, if any. Clones share one connection.
#[derive(Clone)]
pub struct RateLimit(Option<Arc<Limits>>);

struct Limits {
    rules: ByKind<Option<Rule>>,
    clients: Clients,
    buckets: Buckets,
    on_outage: OnOutage,
}

/// A policy with what each of its answers needs.
struct Rule {
    policy: Policy,
    field: Option<HeaderValue>,
    passed: Counter,
    refused: Counter,
    uncounted: Counter,
}

impl Rule {
    fn new(policy: Policy) -> Self {
        let counter = |outcome| counter!("chat_rate_limit_requests_total", "policy" => policy.name, "outcome" => outcome);
        Self {
            field: fields::policy(&policy),
            passed: counter("passed"),
            refused: counter("refused"),
            uncounted: counter("uncounted"),
            policy,
        }
    }
}

impl RateLimit {
    /// Reads the settings and begins to connect, on the current tokio runtime; waits until the first attempt has ended. Redis need
    /// not be up. When nothing is limited, nothing is connected. To be called after telemetry was set up.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`].
    pub async fn start(settings: &Settings, redis: Redis<'_>) -> Result<Self, Error> {
        let Some(policies) = Self::check(settings)? else {
            return Ok(Self(None));
        };
        let link = Link::start(redis)?;
        link.attempted().await;
        Ok(Self(Some(Arc::new(Limits {
            rules: policies.map(|policy| policy.map(Rule::new)),
            clients: Clients { trusted: settings.trusted_proxies.clone(), header: settings.proxy_header },
            buckets: Buckets::new(link, redis.key_prefix, settings.timeout()),
            on_outage: settings.on_outage,
        }))))
    }

    fn check(settings: &Settings) -> Result<Option<Policies>, Error> {
        if settings.timeout_ms == 0 {
            return Err(Error::InvalidSettings("rate_limit.timeout_ms must be at least 1"));
        }
        Policies::new(settings)
    }

    /// Adds `routes` to the configuration, limited. Every path that is not taken by what was added before is limited too, so what
    /// shall not be, such as the health routes, is to be added first. Without limits the routes are added as they are.
    pub fn around(&self, config: &mut ServiceConfig, routes: impl FnOnce(&mut ServiceConfig)) {
        let Some(limits) = self.0.clone() else { return routes(config) };
        let limited = move |request: ServiceRequest, next: Next<BoxBody>| judge(limits.clone(), request, next);
        config.service(scope("").wrap(from_fn(limited)).configure(routes));
    }
}

async fn judge(
    limits: Arc<Limits>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let Some(rule) = limits.rules.of(request.method()) else {
        return next.call(request).await;
    };
    let Ok(verdict) = limits.buckets.take(&rule.policy, client(&limits.clients, &request)).await else {
        rule.uncounted.increment(1);
        return match limits.on_outage {
            OnOutage::Open => next.call(request).await,
            OnOutage::Closed => Ok(refuse(request, Problem::dependency_unavailable(Dependency::RateLimits))),
        };
    };
    let mut response = if verdict.passes {
        rule.passed.increment(1);
        next.call(request).await?
    } else {
        rule.refused.increment(1);
        refuse(request, Problem::rate_limited(verdict.next_s()))
    };
    fields::write(response.headers_mut(), &rule.policy, rule.field.as_ref(), &verdict);
    Ok(response)
}

fn refuse(request: ServiceRequest, problem: Problem) -> ServiceResponse<BoxBody> {
    // `into_response` would lose the problem, to which the request's id is still to be added.
    ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(problem))
}

/// A connection without an address is none over the network; all such are one client.
fn client(clients: &Clients, request: &ServiceRequest) -> Client {
    match request.peer_addr() {
        Some(peer) => clients.of(peer.ip(), request.headers()),
        None => Client::V4(Ipv4Addr::UNSPECIFIED),
    }
}
