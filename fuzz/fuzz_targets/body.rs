//! Request bodies, each behind a line with its content type (empty: none). Whatever the bytes, nothing panics; what is read is
//! what a plain JSON reader reads; and no key was doubled.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

/// A derived reader is an independent witness: it fails on a field that it knows and meets twice.
#[derive(Deserialize)]
struct Known {
    #[serde(rename = "body")]
    _body: Option<IgnoredAny>,
    #[serde(rename = "message")]
    _message: Option<IgnoredAny>,
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let (first, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(content_type) = std::str::from_utf8(first) else { return };
    let content_type = Some(content_type).filter(|content_type| !content_type.is_empty());
    for wrapper in [None, Some("message")] {
        let Some(fields) = fuzz::read_object(body, content_type, wrapper) else { continue };
        assert!(serde_json::from_slice::<Known>(body).is_ok(), "a key occurs twice");
        let plain: Map<String, Value> = serde_json::from_slice(body).expect("what is read is JSON");
        match wrapper.and_then(|wrapper| plain.get(wrapper)) {
            Some(wrapped) => assert_eq!(wrapped, &Value::Object(fields)),
            None => assert_eq!(plain, fields),
        }
    }
});
