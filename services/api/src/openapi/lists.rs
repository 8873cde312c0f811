//! How a page of a list is answered in each family.

use serde_json::{Value, json};
use service::{
    http::Family,
    openapi::{Answer, schemas},
};
use utoipa::{
    ToSchema,
    openapi::{Array, ObjectBuilder, Ref},
};

/// A page of entries of the form `T`; `member` is what the list is called in `/api/v1`.
pub(super) fn page<T: ToSchema>(family: Family, member: &str, description: &str, entry: Value) -> Answer {
    let list = Array::new(Ref::from_schema_name(T::name()));
    let answer = Answer::new(description).defining::<T>();
    let answer = match family {
        Family::Unversioned => answer.content("application/json", list, json!([entry])),
        Family::V1 => {
            let pagination = ObjectBuilder::new()
                .property("limit", schemas::page_limit())
                .property("next", schemas::optional_address())
                .property("prev", schemas::optional_address())
                .property("total", schemas::optional_count());
            let pagination = ["limit", "next", "prev", "total"].into_iter().fold(pagination, ObjectBuilder::required);
            let page = ObjectBuilder::new().property(member, list).property("pagination", pagination);
            let example = json!({ member: [entry], "pagination": { "limit": 50, "next": null, "prev": null, "total": null } });
            answer.content("application/json", page.required(member).required("pagination"), example)
        }
    };
    answer.optional_header("Link", "The neighbouring pages (RFC 8288): `rel=\"next\"`, `rel=\"prev\"`.", schemas::any_string())
}

/// Where the first entry of a page has this member, for links.
pub(super) fn first(family: Family, list: &str, member: &str) -> String {
    match family {
        Family::Unversioned => format!("$response.body#/0/{member}"),
        Family::V1 => format!("$response.body#/{list}/0/{member}"),
    }
}
