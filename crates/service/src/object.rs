//! Reads a request's body as a JSON object. It knows nothing of HTTP's answers, so that it can be fuzzed by itself.
//!
//! No object may have a key twice: RFC 8259 leaves open what that means, and where two readers of one body disagree about it, one
//! of them can be led past what the other has checked. An error may tell a place in the text, and must never quote the text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a body is no object that can be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// Its content type is not JSON's.
    MediaType,
    /// It is not JSON in UTF-8, more than 127 levels deep, or an object in it has a key twice.
    Json(serde_json::Error),
    /// It is JSON, and no object.
    NoObject,
    /// The member that wraps the fields is no object.
    WrapsNoObject,
}

/// The fields of a body. `wrapper` names the one member under which they may stand instead of at the top.
pub(crate) fn read(bytes: &[u8], content_type: Option<&str>, wrapper: Option<&str>) -> Result<Map<String, Value>, Unreadable> {
    if !content_type.is_none_or(is_json) {
        return Err(Unreadable::MediaType);
    }
    // Read as a value first: the errors of that tell a place in the text, and never the text.
    let Strict(value) = serde_json::from_slice(bytes).map_err(Unreadable::Json)?;
    let Value::Object(mut object) = value else {
        return Err(Unreadable::NoObject);
    };
    match wrapper.and_then(|wrapper| object.remove(wrapper)) {
        None => Ok(object),
        Some(Value::Object(wrapped)) => Ok(wrapped),
        Some(_) => Err(Unreadable::WrapsNoObject),
    }
}

/// `application/json` or `…+json`, with whatever parameters.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let suffix = b"+json";
    let has_suffix =
        media_type.len() >= suffix.len() && media_type.as_bytes()[media_type.len() - suffix.len()..].eq_ignore_ascii_case(suffix);
    media_type.eq_ignore_ascii_case("application/json") || has_suffix
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = members.next_entry::<String, Strict>()? {
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key occurs twice in an object"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_value(text: &str) -> Result<Value, serde_json::Error> {
        serde_json::from_str(text).map(|Strict(value)| value)
    }

    #[test]
    fn what_is_read_is_what_serde_json_reads() {
        for text in [
            "null",
            "true",
            "-1",
            "18446744073709551615",
            "1e300",
            "0.1",
            r#""a\u00e9\n""#,
            "[]",
            r#"[1,[2,{"a":[null]}]]"#,
            r#"{"a":{"a":1},"b":{"a":2}}"#,
        ] {
            assert_eq!(read_value(text).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        for text in ["", "{", "1 2", "nul", "[1,]", "1e400", "\"\u{1}\"", "\u{feff}{}", &"[".repeat(100_000)] {
            assert!(read_value(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused_at_any_depth_and_not_quoted() {
        for text in [r#"{"secret":1,"secret":1}"#, r#"{"secret":1,"\u0073ecret":2}"#, r#"{"a":[{"secret":1,"b":2,"secret":3}]}"#]
        {
            let error = read_value(text).unwrap_err().to_string();
            assert!(error.contains("twice") && !error.contains("secret"), "{error}");
        }
    }
}
