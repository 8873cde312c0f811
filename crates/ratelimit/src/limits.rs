//! What is in force: the rule for each kind of request, whose request is whose, and what becomes of those that cannot be counted.

use std::net::Ipv4Addr;

use actix_web::{
    dev::ServiceRequest,
    http::header::{HeaderMap, HeaderValue},
};
use gcra::{Bucket, Verdict};
use metrics::{Counter, counter};
use service::problem::{Dependency, Problem};

use crate::{
    OnOutage,
    bucket::Buckets,
    client::{Client, Clients},
    fields,
    policy::{ByKind, Policy},
};

pub(crate) struct Limits {
    pub(crate) rules: ByKind<Option<Rule>>,
    pub(crate) clients: Clients,
    pub(crate) buckets: Buckets,
    pub(crate) on_outage: OnOutage,
}

impl Limits {
    /// The rule for a request, and the bucket that it is to be taken out of, if it is limited.
    pub(crate) fn of(&self, request: &ServiceRequest) -> Option<(&Rule, Bucket)> {
        let rule = self.rules.of(request.method()).as_ref()?;
        Some((rule, self.buckets.of(&rule.policy, self.client(request))))
    }

    /// A connection without an address is none over the network; all such are one client.
    fn client(&self, request: &ServiceRequest) -> Client {
        match request.peer_addr() {
            Some(peer) => self.clients.of(peer.ip(), request.headers()),
            None => Client::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    /// What a request is to be answered that cannot be counted, if it may not pass.
    pub(crate) fn uncounted(&self, rule: &Rule) -> Option<Problem> {
        rule.uncounted.increment(1);
        match self.on_outage {
            OnOutage::Open => None,
            OnOutage::Closed => Some(Problem::dependency_unavailable(Dependency::RateLimits)),
        }
    }
}

/// A policy with what each of its answers needs.
pub(crate) struct Rule {
    policy: Policy,
    field: Option<HeaderValue>,
    passed: Counter,
    refused: Counter,
    pub(crate) uncounted: Counter,
}

impl Rule {
    pub(crate) fn new(policy: Policy) -> Self {
        let counter = |outcome| counter!("chat_rate_limit_requests_total", "policy" => policy.name, "outcome" => outcome);
        Self {
            field: fields::policy(&policy),
            passed: counter("passed"),
            refused: counter("refused"),
            uncounted: counter("uncounted"),
            policy,
        }
    }

    /// Counts a request that was judged.
    pub(crate) fn count(&self, verdict: &Verdict) {
        if verdict.passes { &self.passed } else { &self.refused }.increment(1);
    }

    /// Tells its client.
    pub(crate) fn tell(&self, verdict: &Verdict, headers: &mut HeaderMap) {
        fields::write(headers, &self.policy, self.field.as_ref(), verdict);
    }
}
