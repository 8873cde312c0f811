//! `/applications` and `/applications/{token}`.

use serde_json::{Value, json};
use service::{
    http::Family,
    openapi::{Answer, Operation, flat_or_wrapped, schemas},
    problem::Code,
};
use utoipa::openapi::{HttpMethod, ObjectBuilder};

use super::{
    id, lists,
    parameters::{Named, Paged},
    single, unchanged,
};
use crate::{applications::LAST_PAGE, representation::ApplicationBody};

const TAG: &str = "Applications";

/// `/applications`
pub(crate) fn all(family: Family) -> [(HttpMethod, Operation); 2] {
    let first = lists::first(family, "applications", "token");
    let page = lists::page::<ApplicationBody>(family, "applications", "A page, oldest first.", example())
        .link(&id(family, "showApplication"), &[("token", &first)])
        .link(&id(family, "listChats"), &[("token", &first)]);
    let list = Operation::new(&id(family, "listApplications"), TAG, "List applications")
        .administrative()
        .page_by_token(LAST_PAGE)
        .problems(&[Code::ApplicationNotFound, Code::DependencyUnavailable])
        .answer(200, page);
    let created = linked(family, single::<ApplicationBody>("application", example())).header(
        "Location",
        "Its path.",
        schemas::any_string(),
    );
    let create = Operation::new(&id(family, "createApplication"), TAG, "Create an application")
        .administrative()
        .body(flat_or_wrapped("application", &fields().required("name").build()), json!({ "name": "Globe Theatre" }))
        .problems(&[Code::DependencyUnavailable])
        .answer(201, created);
    [(HttpMethod::Get, list), (HttpMethod::Post, create)]
}

/// `/applications/{token}`
pub(crate) fn one(family: Family) -> [(HttpMethod, Operation); 3] {
    let shown = || single::<ApplicationBody>("application", example());
    let changed = |name, summary, fields: ObjectBuilder| {
        Operation::new(&id(family, name), TAG, summary)
            .application()
            .conditional()
            .body(flat_or_wrapped("application", &fields.build()), json!({ "name": "Globe Theatre" }))
            .answer(200, shown())
    };
    let read = Operation::new(&id(family, "showApplication"), TAG, "Show an application");
    [
        (HttpMethod::Get, read.application().conditional().answer(200, linked(family, shown())).answer(304, unchanged())),
        (HttpMethod::Put, changed("replaceApplication", "Rename an application", fields().required("name"))),
        (HttpMethod::Patch, changed("updateApplication", "Change the fields that are named", fields())),
    ]
}

fn linked(family: Family, answer: Answer) -> Answer {
    ["showApplication", "replaceApplication", "updateApplication", "listChats"]
        .into_iter()
        .fold(answer, |answer, name| answer.link(&id(family, name), &[("token", "$response.body#/token")]))
}

fn fields() -> ObjectBuilder {
    ObjectBuilder::new().property("name", schemas::name())
}

fn example() -> Value {
    json!({
        "token": "5c0d9d6e2f4b4d1c8a7e3b6f9012ab34",
        "name": "Globe Theatre",
        "chats_count": 3,
        "created_at": "2024-02-29T12:34:56.789Z",
        "updated_at": "2024-02-29T12:34:56.789Z",
    })
}
