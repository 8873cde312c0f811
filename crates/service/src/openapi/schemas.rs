//! The forms of single values, with the limits that the domain sets.

use domain::{DEFAULT_PAGE_LIMIT, MAX_BODY_CHARS, MAX_NAME_CHARS, MAX_NUMBER, MAX_PAGE_LIMIT};
use serde_json::{Value, json};
use utoipa::openapi::{
    Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, Type, extensions::Extensions, schema::SchemaType,
};

/// What no value has: for a member that must not be there. The library knows no `not`; what it writes as an extension stands
/// beside its members.
pub(super) fn nothing() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).extensions(Some(Extensions::from_iter([("not", json!({}))]))).build()
}

/// A list of entity tags, or `*` (RFC 9110, 13.1).
pub fn entity_tags() -> Object {
    // Between the commas there may be nothing: RFC 9110, section 5.6.1.2.
    let pattern = r#"^(\*|((W/)?"[!#-~\u0080-\u00ff]*"[ \t]*)?(,[ \t]*((W/)?"[!#-~\u0080-\u00ff]*"[ \t]*)?)*)$"#;
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples([json!("\"3.120\"")]).build()
}

/// A strong entity tag.
pub fn entity_tag() -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(r#"^"[!#-~]+"$"#)).examples([json!("\"3.120\"")]).build()
}

/// A string of so many characters.
pub fn string(least: usize, most: usize) -> Object {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(least)).max_length(Some(most)).build()
}

/// Any string.
pub fn any_string() -> Object {
    Object::with_type(Type::String)
}

/// One of these strings.
pub fn one_of<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.into_iter().map(Into::<Value>::into))).build()
}

/// A whole number within these bounds.
pub fn integer(least: u64, most: u64) -> Object {
    let format = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    ObjectBuilder::new().schema_type(Type::Integer).format(format).minimum(Some(least)).maximum(Some(most)).build()
}

/// A chat's or a message's number.
pub fn number() -> Object {
    integer(1, MAX_NUMBER)
}

/// The numbers of several messages.
pub fn numbers() -> Array {
    ArrayBuilder::new().items(number()).min_items(Some(1)).build()
}

/// How many there are of something, or null where that is not known.
pub fn optional_count() -> Object {
    ObjectBuilder::from(count()).schema_type(SchemaType::from_iter([Type::Integer, Type::Null])).build()
}

/// Visible ASCII characters, so many at most.
pub fn visible_ascii(most: usize) -> Object {
    ObjectBuilder::from(string(1, most)).pattern(Some("^[!-~]+$")).build()
}

/// A token as the place in a list where a page begins or ends.
pub fn cursor() -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{32}$")).build()
}

/// How many there are of something.
pub fn count() -> Object {
    integer(0, MAX_NUMBER)
}

/// An application's token.
pub fn token() -> Object {
    let example = json!("5c0d9d6e2f4b4d1c8a7e3b6f9012ab34");
    ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{32}$")).examples([example]).build()
}

/// An application's or a chat's name.
pub fn name() -> Object {
    string(1, MAX_NAME_CHARS)
}

/// A chat's name, or null for none.
pub fn optional_name() -> Object {
    ObjectBuilder::from(name()).schema_type(SchemaType::from_iter([Type::String, Type::Null])).build()
}

/// A message's body.
pub fn body() -> Object {
    string(1, MAX_BODY_CHARS)
}

/// A time.
pub fn time() -> Object {
    let example = json!("2024-02-29T12:34:56.789Z");
    let format = Some(SchemaFormat::KnownFormat(KnownFormat::DateTime));
    ObjectBuilder::new().schema_type(Type::String).format(format).examples([example]).build()
}

/// The size of a page.
pub fn page_limit() -> Object {
    ObjectBuilder::from(integer(1, MAX_PAGE_LIMIT)).default(Some(json!(DEFAULT_PAGE_LIMIT))).build()
}

/// An address relative to the request's, or null.
pub fn optional_address() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null])).build()
}
