//! The service's OpenAPI document: what each route takes and answers. What all
//! services have in common is added by [`service::openapi`].

use domain::MAX_KEY_CHARS;
use numbering::MAX_BATCH;
use serde_json::{Value, json};
use service::{
    http::{Family, TOKEN_HEADER},
    openapi::{About, Answer, Operation, flat_or_wrapped, schemas},
    problem::Code,
};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, HttpMethod, ObjectBuilder},
};

use crate::{
    answers::{Several, Single},
    key,
};

pub(crate) const ABOUT: About = About {
    title: "Chat: creating chats and messages",
    description: "Gives chats and messages their numbers, and keeps them for the consumer to store. What was answered 201 or 202 is never lost.\n\n\
                  Two families of paths show one behaviour: under `/…` creates answer 201 with a sentence, under `/api/v1/…` 202.\n\n\
                  Every path answers OPTIONS, and other methods with 405 (`method_not_allowed`), with the methods that it knows in `Allow`. \
                  Errors are `application/problem+json` (RFC 9457) with a stable `code`. A request whose head cannot be parsed at all is \
                  answered 400, 408 or 431 without a body.",
    tags: &[
        ("Chats", "Numbered 1, 2, 3… inside an application. They are read by the api service."),
        ("Messages", "Numbered 1, 2, 3… inside a chat. They are read by the api service."),
        ("Operation", "For operators and schedulers."),
    ],
    has_administrators: false,
};

/// Under which of its spellings a route is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    Of(Family),
    Older,
}

impl Spelling {
    /// An operation's name, and the operation, under this spelling.
    fn operation(self, name: &str, tag: &str, summary: &str) -> Operation {
        match self {
            Self::Of(Family::Unversioned) => Operation::new(name, tag, summary),
            Self::Of(Family::V1) => Operation::new(&format!("{name}V1"), tag, summary),
            Self::Older => Operation::new(&format!("{name}Older"), tag, summary).deprecated(),
        }
    }

    /// The answer of an accepted create, whose example is `numbers` with, in the unversioned family, a sentence.
    fn answer<T: ToSchema>(
        self,
        operation: Operation,
        mut numbers: Value,
        sentence: &str,
        link: impl Fn(Answer) -> Answer,
    ) -> Operation {
        let replayed = "`true`: an earlier request with this key has done it.";
        let status = if self == Self::Of(Family::V1) { 202 } else { 201 };
        if self != Self::Of(Family::V1) {
            numbers["status"] = sentence.into();
        }
        let answer = Answer::new("Accepted.").json::<T>(numbers);
        operation.answer(status, link(answer.optional_header("Idempotency-Replayed", replayed, schemas::one_of(["true"]))))
    }
}

/// `…/chats`
pub(crate) fn chats(spelling: Spelling) -> [(HttpMethod, Operation); 1] {
    let fields = ObjectBuilder::new().property("name", schemas::optional_name()).build();
    let operation = token(spelling.operation("createChat", "Chats", "Create a chat"))
        .describe("The body may be left out: a chat needs no name.")
        .optional_body(flat_or_wrapped("chat", &fields), json!({ "name": "Act I, Scene I" }));
    let messages = if spelling == Spelling::Of(Family::V1) { "createMessageV1" } else { "createMessage" };
    let link = |answer: Answer| answer.link(messages, &[("token", "$request.path.token"), ("number", "$response.body#/number")]);
    [(
        HttpMethod::Post,
        spelling.answer::<Single>(accepting(operation), json!({ "number": 1 }), "Chat created successfully", link),
    )]
}

/// `…/chats/{number}/messages`
pub(crate) fn messages(spelling: Spelling) -> [(HttpMethod, Operation); 1] {
    let fields = ObjectBuilder::new().property("body", schemas::body()).required("body").build();
    let operation = spelling.operation("createMessage", "Messages", "Create a message");
    let operation = match spelling {
        Spelling::Older => {
            let named = operation.required_header(TOKEN_HEADER, "The application's token.", schemas::token());
            named.problems(&[Code::ApplicationNotFound])
        }
        Spelling::Of(_) => token(operation),
    };
    let operation = operation
        .path("number", "The chat's number.", schemas::number())
        .problems(&[Code::ChatNotFound])
        .body(flat_or_wrapped("message", &fields), example());
    let created = "Message created successfully";
    [(HttpMethod::Post, spelling.answer::<Single>(accepting(operation), json!({ "number": 1 }), created, |answer| answer))]
}

/// `…/chats/{number}/messages:batch`
pub(crate) fn batch(spelling: Spelling) -> [(HttpMethod, Operation); 1] {
    let entry = ObjectBuilder::new().property("body", schemas::body()).required("body").build();
    let entries = ArrayBuilder::new().items(entry).min_items(Some(1)).max_items(Some(MAX_BATCH)).build();
    let operation = token(spelling.operation("createMessages", "Messages", "Create several messages"))
        .describe("All of them are accepted, in their order and under numbers that follow one another, or none is. The body may have 2 MiB.")
        .path("number", "The chat's number.", schemas::number())
        .problems(&[Code::ChatNotFound])
        .body(ObjectBuilder::new().property("messages", entries).required("messages").build(), json!({ "messages": [example()] }));
    let created = "Messages created successfully";
    [(HttpMethod::Post, spelling.answer::<Several>(accepting(operation), json!({ "numbers": [1] }), created, |answer| answer))]
}

fn token(operation: Operation) -> Operation {
    operation.path("token", "The application's token.", schemas::token()).problems(&[Code::ApplicationNotFound])
}

/// What can stand in the way of a create.
fn accepting(operation: Operation) -> Operation {
    let key = "Sent again with its key, a create is done once, and answered with the same numbers.";
    operation.header(key::HEADER, key, schemas::visible_ascii(MAX_KEY_CHARS)).problems(&[
        Code::MalformedRequest,
        Code::IdempotencyKeyReused,
        Code::DependencyUnavailable,
        Code::Overloaded,
        Code::Timeout,
    ])
}

fn example() -> Value {
    json!({ "body": "Who’s there?" })
}
