//! Sends one call: attempts, pauses, and the answer that ends them.

use std::sync::atomic::Ordering;

use reqwest::{
    RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Client, Created, Error, Lookup, Problem,
    problem::retry_after,
    retry::{Pauses, is_unsure, may_succeed_later},
};

const KEY: &str = "idempotency-key";
const REPLAYED: &str = "idempotency-replayed";

/// A success.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
    unsure: usize,
}

/// What one attempt came to.
enum Attempt {
    Answer(Answer),
    Problem(Problem),
    Lost(reqwest::Error),
}

impl Answer {
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(Error::Unexpected)
    }

    /// What was read; nothing when it is accepted and not stored yet.
    pub(crate) fn lookup<T: DeserializeOwned>(&self) -> Result<Lookup<T>, Error> {
        match self.status {
            StatusCode::ACCEPTED => Ok(Lookup::Pending),
            _ => self.read().map(Lookup::Stored),
        }
    }
}

#[derive(Deserialize)]
struct Number {
    number: u64,
}

impl Client {
    /// A create: all attempts bear one random key, so that a service which knows such keys accepts one of them.
    pub(crate) async fn create(&self, request: RequestBuilder, body: &Value) -> Result<Created, Error> {
        let answer = self.send(with_body(with_key(request), body)?).await?;
        let replayed = answer.headers.get(REPLAYED).is_some_and(|value| value == "true");
        Ok(Created { number: answer.read::<Number>()?.number, replayed, unsure: answer.unsure })
    }

    /// Makes attempts until one is answered with something else than a call to come again, or the client's patience is over.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, Error> {
        let mut pauses = Pauses::new(&self.shared.options);
        let mut unsure = 0;
        loop {
            let again = request.try_clone().ok_or(Error::Unusable("a body that can be sent once only"))?;
            let (asked, error) = match attempt(again).await {
                Attempt::Answer(answer) => return Ok(Answer { unsure, ..answer }),
                Attempt::Problem(problem) => {
                    unsure += usize::from(is_unsure(&problem));
                    let (again, asked) = (may_succeed_later(&problem), problem.retry_after);
                    let error = Error::Refused { problem: Box::new(problem), unsure };
                    if !again {
                        return Err(error);
                    }
                    (asked, error)
                }
                Attempt::Lost(source) => {
                    // What never got through was surely not accepted; anything else may have been.
                    unsure += usize::from(!source.is_connect());
                    (None, Error::NoAnswer { source, unsure })
                }
            };
            let Some(pause) = pauses.next(asked) else { return Err(error) };
            tokio::time::sleep(pause).await;
            self.shared.retried.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A read that waits, as long as the client's patience lasts, until what was accepted is stored.
    pub(crate) async fn send_until_stored(&self, request: RequestBuilder) -> Result<Answer, Error> {
        let mut pauses = Pauses::new(&self.shared.options);
        loop {
            let again = request.try_clone().ok_or(Error::Unusable("a body that can be sent once only"))?;
            let answer = self.send(again).await?;
            if answer.status != StatusCode::ACCEPTED {
                return Ok(answer);
            }
            let Some(pause) = pauses.next(retry_after(&answer.headers)) else { return Err(Error::NotYetStored) };
            tokio::time::sleep(pause).await;
        }
    }
}

async fn attempt(request: RequestBuilder) -> Attempt {
    let lost = |error: reqwest::Error| Attempt::Lost(error.without_url());
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return lost(error),
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    match answer.bytes().await {
        Ok(body) if status.is_success() => Attempt::Answer(Answer { status, headers, body: body.into(), unsure: 0 }),
        Ok(body) => Attempt::Problem(Problem::of(status.as_u16(), &headers, &body)),
        Err(error) => lost(error),
    }
}

fn with_key(request: RequestBuilder) -> RequestBuilder {
    request.header(KEY, Uuid::new_v4().hyphenated().to_string())
}

pub(crate) fn with_body(request: RequestBuilder, body: &Value) -> Result<RequestBuilder, Error> {
    Ok(request.header(CONTENT_TYPE, "application/json").body(serde_json::to_vec(body).map_err(|_| Error::Unusable("the body"))?))
}
