//! Reads request bodies: JSON objects, flat (`{"body":…}`) or wrapped (`{"message":{"body":…}}`).
//!
//! What the fields must be is the domain's; here it is only found out whether they can be read. An error never quotes the body.

use domain::{Field, Invalid, Rule};
use serde_json::{Map, Value};

use crate::{
    object::{self, Unreadable},
    problem::Problem,
};

/// The fields of a body. `wrapper` names the one member under which they may stand instead of at the top. At most 127 levels may
/// be nested.
///
/// # Errors
/// `unsupported_media_type` when there is a content type and it is not JSON's; `malformed_json` when the body is not an object,
/// or an object in it has a key twice.
pub fn read_object(bytes: &[u8], content_type: Option<&str>, wrapper: Option<&str>) -> Result<Map<String, Value>, Problem> {
    object::read(bytes, content_type, wrapper).map_err(|unreadable| match unreadable {
        Unreadable::MediaType => Problem::unsupported_media_type(),
        Unreadable::Json(error) => Problem::malformed_json(format!("The body cannot be read as JSON: {error}.")),
        Unreadable::NoObject => Problem::malformed_json("The body must be a JSON object."),
        Unreadable::WrapsNoObject => Problem::malformed_json("The member that wraps the fields must be a JSON object."),
    })
}

/// As [`read_object`], and a body that is empty (or white space) has no fields, whatever its type.
///
/// # Errors
/// As [`read_object`].
pub fn read_optional_object(
    bytes: &[u8],
    content_type: Option<&str>,
    wrapper: Option<&str>,
) -> Result<Map<String, Value>, Problem> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    read_object(bytes, content_type, wrapper)
}

/// Takes the text of a field out of the object; `None` when it is absent or null.
///
/// # Errors
/// [`Rule::Text`] when it is not a string.
pub fn text_field(object: &mut Map<String, Value>, field: Field) -> Result<Option<String>, Invalid> {
    match object.remove(field.as_str()) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Invalid::new(field, Rule::Text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    fn body_of(text: &str) -> Result<Option<String>, Code> {
        let mut object = read_object(text.as_bytes(), None, Some("message")).map_err(|problem| problem.code())?;
        text_field(&mut object, Field::Body).map_err(|invalid| Problem::from(invalid).code())
    }

    #[test]
    fn flat_and_wrapped_bodies_are_read() {
        for (text, expected) in [
            (r#"{"body":"x"}"#, Ok(Some("x"))),
            (r#"{"message":{"body":"x"}}"#, Ok(Some("x"))),
            (r#"{"message":{"body":"x"},"body":"y"}"#, Ok(Some("x"))),
            (r#"{"body":"a","body":"b"}"#, Err(Code::MalformedJson)),
            (r#"{"message":{"body":"a"},"message":{}}"#, Err(Code::MalformedJson)),
            (r#"{"body":"\u0000\ud83e\udd80"}"#, Ok(Some("\0🦀"))),
            (r#"{"body":null}"#, Ok(None)),
            ("{}", Ok(None)),
            (r#"{"message":{}}"#, Ok(None)),
            (r#"{"body":1}"#, Err(Code::InvalidField)),
            (r#"{"body":{"body":"x"}}"#, Err(Code::InvalidField)),
            (r#"{"message":"x"}"#, Err(Code::MalformedJson)),
            (r#"{"message":null}"#, Err(Code::MalformedJson)),
            (r#"{"body":"\ud83e"}"#, Err(Code::MalformedJson)),
            (r#"{"body":"x"} x"#, Err(Code::MalformedJson)),
            ("[]", Err(Code::MalformedJson)),
            ("null", Err(Code::MalformedJson)),
            ("\"x\"", Err(Code::MalformedJson)),
            ("", Err(Code::MalformedJson)),
            ("{", Err(Code::MalformedJson)),
            ("{'body':'x'}", Err(Code::MalformedJson)),
        ] {
            assert_eq!(body_of(text), expected.map(|text| text.map(str::to_owned)), "{text}");
        }
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert_eq!(body_of(&deep(127)), Ok(None));
        for levels in [128, 200] {
            assert_eq!(body_of(&deep(levels)), Err(Code::MalformedJson), "{levels}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_malformed_and_the_body_is_not_quoted() {
        let problem = read_object(b"{\"body\":\"\xff secret\"}", None, None).unwrap_err();
        assert_eq!(problem.code(), Code::MalformedJson);
        assert!(!problem.to_string().contains("secret"));
    }

    #[test]
    fn only_jsons_types_are_read() {
        for (content_type, read) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("json", false),
            ("", false),
            ("é+json", true),
            ("ééé", false),
        ] {
            assert_eq!(read_object(b"{}", Some(content_type), None).is_ok(), read, "{content_type}");
        }
    }

    #[test]
    fn a_body_may_be_left_out_where_it_is_optional() {
        for bytes in ["", " \r\n"] {
            assert!(read_optional_object(bytes.as_bytes(), Some("text/plain"), None).unwrap().is_empty());
        }
        assert!(read_optional_object(b"x", None, None).is_err());
    }
}
