//! How an accepted create is answered in each family.

use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::{ChatNumber, MessageNumber};
use numbering::Accepted;
use serde::Serialize;
use service::openapi::schemas;
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

/// The route family in which a create was asked for.
#[derive(Clone, Copy)]
pub(crate) enum Family {
    /// 201, with a sentence.
    Unversioned,
    /// 202.
    V1,
}

impl Family {
    /// A chat was created.
    pub(crate) fn chat(self, accepted: Accepted<ChatNumber>) -> HttpResponse {
        let status = self.sentence("Chat created successfully");
        self.answer(accepted.replayed).json(Single { number: accepted.number.get(), status })
    }

    /// A message was created.
    pub(crate) fn message(self, accepted: Accepted<MessageNumber>) -> HttpResponse {
        let status = self.sentence("Message created successfully");
        self.answer(accepted.replayed).json(Single { number: accepted.number.get(), status })
    }

    /// So many messages were created.
    pub(crate) fn messages(self, accepted: Accepted<MessageNumber>, count: usize) -> HttpResponse {
        let status = self.sentence("Messages created successfully");
        let numbers = (accepted.number.get()..).take(count).collect();
        self.answer(accepted.replayed).json(Several { numbers, status })
    }

    fn sentence(self, sentence: &'static str) -> Option<&'static str> {
        matches!(self, Self::Unversioned).then_some(sentence)
    }

    fn answer(self, replayed: bool) -> HttpResponseBuilder {
        let mut answer = match self {
            Self::Unversioned => HttpResponse::Created(),
            Self::V1 => HttpResponse::Accepted(),
        };
        if replayed {
            answer.insert_header(REPLAYED);
        }
        answer
    }
}
