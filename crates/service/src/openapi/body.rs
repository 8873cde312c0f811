//! The form of request bodies: the fields at the top, or in the one member that wraps them.

use utoipa::openapi::{Object, ObjectBuilder, Schema, schema::AnyOfBuilder};

use super::schemas;

/// A body of these `fields`, flat or in the member `wrapper`; see [`json::read_object`](crate::json::read_object). Members that
/// nobody knows are let pass. Without `fields.required` the wrapper itself may be left out, too.
pub fn flat_or_wrapped(wrapper: &str, fields: &Object) -> Schema {
    let wrapped = ObjectBuilder::new().title(Some("wrapped")).property(wrapper, fields.clone()).required(wrapper).build();
    let mut flat = fields.clone();
    flat.title = Some("flat".to_owned());
    // A wrapper that is there takes the place of the fields at the top.
    flat.properties.insert(wrapper.to_owned(), schemas::nothing().into());
    Schema::AnyOf(AnyOfBuilder::new().item(flat).item(wrapped).build())
}
