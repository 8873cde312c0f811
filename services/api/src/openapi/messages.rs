//! `…/messages` and `…/messages/{message}`.

use serde_json::{Value, json};
use service::{
    http::Family,
    openapi::{Operation, flat_or_wrapped, schemas},
    problem::Code,
};
use utoipa::openapi::{HttpMethod, ObjectBuilder};

use super::{
    id, lists,
    parameters::{Named, Paged},
    pending, single, unchanged,
};
use crate::representation::MessageBody;

const TAG: &str = "Messages";
const CHAT: [(&str, &str); 2] = [("token", "$request.path.token"), ("number", "$request.path.number")];

/// `…/messages`
pub(crate) fn all(family: Family) -> [(HttpMethod, Operation); 1] {
    let first = lists::first(family, "messages", "number");
    let page = lists::page::<MessageBody>(family, "messages", "A page, in the order of the numbers.", example());
    let page = ["showMessage", "replaceMessage", "updateMessage"]
        .into_iter()
        .fold(page, |page, name| page.link(&id(family, name), &[CHAT[0], CHAT[1], ("message", &first)]));
    let list = Operation::new(&id(family, "listMessages"), TAG, "List a chat's messages");
    [(HttpMethod::Get, list.chat().page_by_number().answer(200, page).answer(202, pending("chat")))]
}

/// `…/messages/{message}`
pub(crate) fn one(family: Family) -> [(HttpMethod, Operation); 3] {
    let shown = || single::<MessageBody>("message", example());
    let changed = |name, summary, fields: ObjectBuilder| {
        Operation::new(&id(family, name), TAG, summary)
            .message()
            .conditional()
            .body(flat_or_wrapped("message", &fields.build()), json!({ "body": "Who’s there?" }))
            .problems(&[Code::NotYetStored])
            .answer(200, shown())
    };
    let fields = || ObjectBuilder::new().property("body", schemas::body());
    let read = Operation::new(&id(family, "showMessage"), TAG, "Show a message").message().conditional();
    [
        (HttpMethod::Get, read.answer(200, shown()).answer(202, pending("message")).answer(304, unchanged())),
        (HttpMethod::Put, changed("replaceMessage", "Change a message's text", fields().required("body"))),
        (HttpMethod::Patch, changed("updateMessage", "Change the fields that are named", fields())),
    ]
}

pub(super) fn example() -> Value {
    json!({
        "number": 1,
        "body": "Who’s there?",
        "created_at": "2024-02-29T12:34:56.789Z",
        "updated_at": "2024-02-29T12:34:56.789Z",
    })
}
