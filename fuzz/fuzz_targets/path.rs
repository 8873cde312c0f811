//! What paths name: a segment is a token or a number in one spelling only, and no other segment is taken for one.
#![no_main]

use domain::{ApplicationToken, ChatNumber, MAX_NUMBER, MessageNumber};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|segment: &str| {
    let is_token = segment.len() == 32 && segment.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let token = ApplicationToken::parse(segment).ok();
    assert_eq!(token.is_some(), is_token);
    if let Some(token) = token {
        assert_eq!(token.to_string(), segment);
    }

    let digits = segment.trim_start_matches('0');
    let plain = !digits.is_empty() && digits.len() <= 16 && segment.bytes().all(|byte| byte.is_ascii_digit());
    let expected = digits.parse().ok().filter(|number| plain && *number <= MAX_NUMBER);
    assert_eq!(ChatNumber::parse(segment).ok().map(ChatNumber::get), expected);
    assert_eq!(MessageNumber::parse(segment).ok().map(MessageNumber::get), expected);
});
