//! `…/chats` and `…/chats/{number}`.

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
use crate::representation::ChatBody;

const TAG: &str = "Chats";
const TOKEN: (&str, &str) = ("token", "$request.path.token");

/// `…/chats`
pub(crate) fn all(family: Family) -> [(HttpMethod, Operation); 1] {
    let first = lists::first(family, "chats", "number");
    let page = lists::page::<ChatBody>(family, "chats", "A page, in the order of the numbers.", example());
    let page = ["showChat", "updateChat", "listMessages"]
        .into_iter()
        .fold(page, |page, name| page.link(&id(family, name), &[TOKEN, ("number", &first)]));
    let list = Operation::new(&id(family, "listChats"), TAG, "List an application's chats");
    [(HttpMethod::Get, list.application().page_by_number().answer(200, page))]
}

/// `…/chats/{number}`
pub(crate) fn one(family: Family) -> [(HttpMethod, Operation); 3] {
    let shown = || single::<ChatBody>("chat", example());
    let fields = ObjectBuilder::new().property("name", schemas::optional_name()).build();
    let changed = |name, summary| {
        Operation::new(&id(family, name), TAG, summary)
            .describe("A name of null removes the name. Fields that are not named stay as they are.")
            .chat()
            .conditional()
            .body(flat_or_wrapped("chat", &fields), json!({ "name": "Act I, Scene I" }))
            .problems(&[Code::NotYetStored])
            .answer(200, shown())
    };
    let here = [TOKEN, ("number", "$request.path.number")];
    let read = Operation::new(&id(family, "showChat"), TAG, "Show a chat").chat().conditional();
    let read = read.answer(202, pending("chat")).answer(304, unchanged());
    [
        (HttpMethod::Get, read.answer(200, shown().link(&id(family, "listMessages"), &here))),
        (HttpMethod::Put, changed("replaceChat", "Rename a chat")),
        (HttpMethod::Patch, changed("updateChat", "Rename a chat")),
    ]
}

fn example() -> Value {
    json!({
        "number": 1,
        "name": "Act I, Scene I",
        "messages_count": 42,
        "created_at": "2024-02-29T12:34:56.789Z",
        "updated_at": "2024-02-29T12:34:56.789Z",
    })
}
