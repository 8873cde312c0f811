//! Stands around routes: lets a request through, or answers 429, or while Redis is down what the settings say.

use std::sync::Arc;

use actix_web::{
    Error as ActixError,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    web::{ServiceConfig, scope},
};
use gcra::Bucket;
use redislink::Place;
use service::problem::Problem;

use crate::{
    Error, Settings,
    bucket::Buckets,
    client::Clients,
    deferred,
    limits::{Limits, Rule},
    policy::{self, Policies},
    refused::refused,
    script,
};

/// The limits in force, if any. Clones share one connection.
#[derive(Clone)]
pub struct RateLimit {
    limits: Option<Arc<Limits>>,
    creates_are_deferred: bool,
}

impl RateLimit {
    /// Reads the settings and begins to connect, on the current tokio runtime; waits until the first attempt has ended. Redis
    /// need not be up. When nothing is limited, nothing is connected. To be called after telemetry was set up.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`].
    pub async fn start(settings: &Settings, counted_in: Place<'_>) -> Result<Self, Error> {
        let Some(policies) = Self::policies(settings)? else {
            return Ok(Self { limits: None, creates_are_deferred: false });
        };
        let key_prefix = counted_in.key_prefix;
        let link = script::connect(counted_in).await;
        let limits = Limits {
            rules: policies.map(|policy| policy.map(Rule::new)),
            clients: Clients { trusted: settings.trusted_proxies.clone(), header: settings.proxy_header },
            buckets: Buckets::new(link, key_prefix, settings.timeout()),
            on_outage: settings.on_outage,
        };
        Ok(Self { limits: Some(Arc::new(limits)), creates_are_deferred: false })
    }

    pub(crate) fn policies(settings: &Settings) -> Result<Option<Policies>, Error> {
        if settings.timeout_ms == 0 {
            return Err(Error::InvalidSettings("rate_limit.timeout_ms must be at least 1"));
        }
        Policies::new(settings)
    }

    /// Leaves the charging of creates to their handlers, which ask Redis in any case: each is given a
    /// [`Deferred`](crate::Deferred) charge, to be made by that very call. All else is judged before it comes to its handler.
    #[must_use]
    pub fn deferring_creates(self) -> Self {
        Self { creates_are_deferred: true, ..self }
    }

    /// Adds `routes` to the configuration, limited. Every path that is not taken by what was added before is limited too, so what
    /// shall not be, such as the health routes, is to be added first. Without limits the routes are added as they are.
    pub fn around(&self, config: &mut ServiceConfig, routes: impl FnOnce(&mut ServiceConfig)) {
        let Some(limits) = self.limits.clone() else { return routes(config) };
        let creates_are_deferred = self.creates_are_deferred;
        let limited =
            move |request: ServiceRequest, next: Next<BoxBody>| judge(limits.clone(), creates_are_deferred, request, next);
        config.service(scope("").wrap(from_fn(limited)).configure(routes));
    }
}

async fn judge(
    limits: Arc<Limits>,
    creates_are_deferred: bool,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let Some((rule, bucket)) = limits.of(&request) else { return next.call(request).await };
    if creates_are_deferred && policy::is_create(request.method()) {
        deferred::judge(&limits, rule, bucket, request, next).await
    } else {
        judge_first(&limits, rule, bucket, request, next).await
    }
}

/// Takes the request out of its bucket before it comes to its handler.
async fn judge_first(
    limits: &Limits,
    rule: &Rule,
    bucket: Bucket,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let Ok(verdict) = limits.buckets.take(&bucket).await else {
        return match limits.uncounted(rule) {
            None => next.call(request).await,
            Some(problem) => Ok(refused(request.into_parts().0, problem)),
        };
    };
    rule.count(&verdict);
    let mut response = if verdict.passes {
        next.call(request).await?
    } else {
        refused(request.into_parts().0, Problem::rate_limited(verdict.next_s()))
    };
    rule.tell(&verdict, response.headers_mut());
    Ok(response)
}
