//! How an accepted create is answered in each family.

use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::{ChatNumber, MessageNumber};
use numbering::Accepted;
use serde::Serialize;
use service::{http::Family, openapi::schemas};
use utoipa::ToSchema;

/// Says that an earlier request with the same idempotency key has done what this one asks for.
const REPLAYED: (&str, &str) = ("Idempotency-Replayed", "true");

/// One that was accepted.
#[derive(Serialize, ToSchema)]
#[schema(as = Accepted)]
pub(crate) struct Single {
    #[schema(schema_with = schemas::number)]
    number: u64,
    /// A sentence for people, in the unversioned family.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<&'static str>,
}

/// Several that were accepted, under numbers that follow one another.
#[derive(Serialize, ToSchema)]
#[schema(as = AcceptedBatch)]
pub(crate) struct Several {
    #[schema(schema_with = schemas::numbers)]
    numbers: Vec<u64>,
    /// A sentence for people, in the unversioned family.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<&'static str>,
}

/// A chat was created.
pub(crate) fn chat(family: Family, accepted: Accepted<ChatNumber>) -> HttpResponse {
    let status = sentence(family, "Chat created successfully");
    answer(family, accepted.replayed).json(Single { number: accepted.number.get(), status })
}

/// A message was created.
pub(crate) fn message(family: Family, accepted: Accepted<MessageNumber>) -> HttpResponse {
    let status = sentence(family, "Message created successfully");
    answer(family, accepted.replayed).json(Single { number: accepted.number.get(), status })
}

/// So many messages were created.
pub(crate) fn messages(family: Family, accepted: Accepted<MessageNumber>, count: usize) -> HttpResponse {
    let status = sentence(family, "Messages created successfully");
    let numbers = (accepted.number.get()..).take(count).collect();
    answer(family, accepted.replayed).json(Several { numbers, status })
}

fn sentence(family: Family, sentence: &'static str) -> Option<&'static str> {
    (family == Family::Unversioned).then_some(sentence)
}

fn answer(family: Family, replayed: bool) -> HttpResponseBuilder {
    let mut answer = match family {
        Family::Unversioned => HttpResponse::Created(),
        Family::V1 => HttpResponse::Accepted(),
    };
    if replayed {
        answer.insert_header(REPLAYED);
    }
    answer
}
