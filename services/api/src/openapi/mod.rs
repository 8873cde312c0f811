//! The service's OpenAPI document: what each route takes and answers.
//!
//! One file a resource, each with one function a path. What all services have in common is added by [`service::openapi`].

pub(crate) mod applications;
pub(crate) mod chats;
mod lists;
pub(crate) mod messages;
mod parameters;
pub(crate) mod search;

use serde_json::{Value, json};
use service::{
    http::Family,
    openapi::{About, Answer, schemas},
};
use utoipa::ToSchema;

use crate::representation::PendingBody;

pub(crate) const ABOUT: About = About {
    title: "Chat: reading, updating, searching",
    description: include_str!("about.md"),
    tags: &[
        ("Applications", "A name given by the client, and a token made by the system: all that the application's clients need."),
        ("Chats", "Numbered 1, 2, 3… inside an application. They are created by the ingest service."),
        ("Messages", "Numbered 1, 2, 3… inside a chat. They are created by the ingest service."),
        ("Search", "Any part of a message's text."),
        ("Operation", "For operators and schedulers."),
    ],
    has_administrators: true,
};

/// An operation's name in its family.
fn id(family: Family, name: &str) -> String {
    match family {
        Family::Unversioned => name.to_owned(),
        Family::V1 => format!("{name}V1"),
    }
}

/// The whole of a single resource.
fn single<T: ToSchema>(what: &str, example: Value) -> Answer {
    let tag = "The version, and for what has a count the count too.";
    Answer::new(&format!("The {what}.")).json::<T>(example).header("ETag", tag, schemas::entity_tag())
}

/// 304: the client has what there is.
fn unchanged() -> Answer {
    Answer::new("`If-None-Match` names what there is.").header("ETag", "The tag.", schemas::entity_tag())
}

/// 202: a number that was given and whose chat or message is not stored yet.
fn pending(what: &str) -> Answer {
    Answer::new(&format!("The {what} was accepted and is not stored yet: ask again."))
        .json::<PendingBody>(json!({ "number": 1, "status": "accepted" }))
        .header("Retry-After", "Seconds after which to ask again.", schemas::integer(1, 3600))
}
