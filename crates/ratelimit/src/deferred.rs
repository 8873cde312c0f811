//! Creates that are charged by the call of Redis that does them: what their handlers are given, and how they are answered.
//!
//! The handler hands the [`Charge`] to that call, which saves a round trip. A request that never comes to it, because it is
//! malformed or something is down, is charged after its handler has refused it: so it counts like any other, and beyond the limit
//! it is answered 429 in place of what is wrong with it. What such a request has cost by then is reading and parsing it. Nor is
//! one free whose connection is reset meanwhile, which ends it wherever it stands: it is charged behind its client's back.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
};
use gcra::{Bucket, Charge, Standing};
use service::problem::Problem;
use tokio::runtime::Handle;

use crate::{
    limits::{Limits, Rule},
    refused::refused,
};

/// What a create is charged with, where creates are limited and [deferred](crate::RateLimit::deferring_creates). Ask for it as a
/// handler's argument, and do nothing that lasts before the charge was made.
pub struct Deferred(pub Option<Charge>);

impl FromRequest for Deferred {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.extensions().get::<Charge>().cloned())))
    }
}

/// A create that is under way. If it is dropped before it is answered, its charge is made all the same.
struct UnderWay {
    limits: Arc<Limits>,
    method: Method,
    charge: Charge,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // Made by its handler, or seen to its end.
        let Standing::Due(claim) = self.charge.claim() else { return };
        let (limits, method, bucket) = (self.limits.clone(), self.method.clone(), claim.bucket().clone());
        // Where no runtime is left the process ends. The task does, within the time that Redis may take.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let Some(rule) = limits.rules.of(&method) else { return };
            match limits.buckets.take(&bucket).await {
                Ok(verdict) => rule.count(&verdict),
                Err(_) => rule.uncounted.increment(1),
            }
        });
    }
}

/// Has the handler make the charge, and makes it itself if the handler has not come to it.
pub(crate) async fn judge(
    limits: &Arc<Limits>,
    rule: &Rule,
    bucket: Bucket,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let charge = Charge::new(bucket);
    request.extensions_mut().insert(charge.clone());
    let _under_way = UnderWay { limits: limits.clone(), method: request.method().clone(), charge: charge.clone() };
    let mut response = next.call(request).await?;
    let verdict = match charge.claim() {
        Standing::Judged(verdict) => verdict,
        Standing::Unanswered => {
            // The handler's answer says that its call has failed: that is 503 whatever the settings are.
            rule.uncounted.increment(1);
            return Ok(response);
        }
        Standing::Due(claim) => {
            let Ok(verdict) = limits.buckets.take(claim.bucket()).await else {
                return Ok(match limits.uncounted(rule) {
                    None => response,
                    Some(problem) => refused(response.into_parts().0, problem),
                });
            };
            if !verdict.passes {
                response = refused(response.into_parts().0, Problem::rate_limited(verdict.next_s()));
            }
            verdict
        }
    };
    rule.count(&verdict);
    rule.tell(&verdict, response.headers_mut());
    Ok(response)
}
