//! The header fields `RateLimit-Policy` and `RateLimit`, as draft-ietf-httpapi-ratelimit-headers-10 has them: structured fields
//! (RFC 9651), each one item that is the policy's name with parameters.
//!
//! `q` is how many requests the policy allows in `w` seconds, `r` how many would pass now, `t` in how many seconds one more
//! would.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use gcra::Verdict;

use crate::policy::Policy;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The value of `RateLimit-Policy`, which is the same for every request. Of the burst the draft knows nothing.
pub(crate) fn policy(policy: &Policy) -> Option<HeaderValue> {
    let Policy { name, quota } = policy;
    HeaderValue::try_from(format!("\"{name}\";q={};w=60", quota.per_minute)).ok()
}

/// Writes both fields.
pub(crate) fn write(headers: &mut HeaderMap, policy: &Policy, policy_field: Option<&HeaderValue>, verdict: &Verdict) {
    if let Some(field) = policy_field {
        headers.insert(POLICY, field.clone());
    }
    if let Ok(field) = HeaderValue::try_from(format!("\"{}\";r={};t={}", policy.name, verdict.remaining, verdict.next_s())) {
        headers.insert(LIMIT, field);
    }
}
