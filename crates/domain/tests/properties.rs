//! What the values of this crate promise of every input, not of chosen ones: what is read is what is written, and whatever else
//! comes is refused by the rule it breaks, without a panic.

#![allow(clippy::unwrap_used)]

use domain::{
    ApplicationName, ApplicationToken, ChatName, ChatNumber, IdempotencyKey, Invalid, MAX_BODY_BYTES, MAX_BODY_CHARS,
    MAX_KEY_CHARS, MAX_NAME_CHARS, MAX_NUMBER, MAX_PAGE, MAX_PAGE_LIMIT, MessageBody, MessageNumber, PageLimit, PageRequest,
    Rule,
};
use proptest::{collection::vec, prelude::*};

/// Characters of one to four bytes, those at the widths' bounds among them.
const WIDTHS: [char; 8] = ['a', '\u{7f}', '\u{80}', '\u{7ff}', '\u{800}', '\u{ffff}', '\u{10000}', '\u{10ffff}'];

/// Texts that are almost numbers, and any others.
fn digits() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9]{1,24}", "[-+ ]?0{0,3}[0-9]{1,17}[ .e]?", r"\PC*", (0..=u64::MAX).prop_map(|number| number.to_string())]
}

/// Texts that are almost tokens, and any others.
fn hexadecimal() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9a-f]{32}", "[0-9a-f]{30,34}", "[0-9a-fA-F]{32}", "[-+ ][0-9a-f]{31}", "[0-9a-fg٣é]{32}", r"\PC*"]
}

/// A text of so many characters, of all widths.
fn text_of(chars: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = String> {
    vec(prop_oneof![prop::sample::select(WIDTHS.to_vec()), any::<char>()], chars).prop_map(String::from_iter)
}

/// The rule that a text breaks, in the order in which they are told.
fn broken(text: &str, max_chars: usize, max_bytes: usize) -> Option<Rule> {
    match (text.chars().count(), text.len()) {
        (0, _) => Some(Rule::NotEmpty),
        (chars, _) if chars > max_chars => Some(Rule::MaxChars(max_chars)),
        (_, bytes) if bytes > max_bytes => Some(Rule::MaxBytes(max_bytes)),
        _ => None,
    }
}

fn rule<T>(outcome: Result<T, Invalid>) -> Option<Rule> {
    outcome.err().map(|invalid| invalid.rule)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_number_reads_back_as_it_is_written(number in 1..=MAX_NUMBER) {
        let chat = ChatNumber::new(number).unwrap();
        prop_assert_eq!(chat.get(), number);
        prop_assert_eq!(ChatNumber::parse(&chat.to_string()), Ok(chat));
        let message: MessageNumber = serde_json::from_str(&number.to_string()).unwrap();
        prop_assert_eq!(serde_json::to_string(&message).unwrap(), number.to_string());
    }

    #[test]
    fn a_number_is_read_from_plain_digits_within_the_limits_and_from_nothing_else(text in digits()) {
        let plain = !text.is_empty() && text.chars().all(|character| character.is_ascii_digit());
        let expected = text.parse::<u64>().ok().filter(|number| plain && (1..=MAX_NUMBER).contains(number));
        prop_assert_eq!(ChatNumber::parse(&text).ok().map(ChatNumber::get), expected);
        prop_assert_eq!(MessageNumber::parse(&text).ok().map(MessageNumber::get), expected);
        // Only zeros in front may be lost.
        if let Some(number) = expected {
            prop_assert_eq!(text.trim_start_matches('0'), number.to_string());
        }
    }

    #[test]
    fn a_number_out_of_range_is_refused(number in prop_oneof![Just(0_u64), MAX_NUMBER + 1..=u64::MAX]) {
        prop_assert_eq!(rule(MessageNumber::new(number)), Some(Rule::Within(1, MAX_NUMBER)));
        prop_assert!(serde_json::from_str::<ChatNumber>(&number.to_string()).is_err());
    }

    #[test]
    fn going_on_from_a_number_stays_within_the_limits(number in 1..=MAX_NUMBER, near in 0..=70_000_u64, further: u16) {
        for from in [number, MAX_NUMBER - near] {
            let reached = MessageNumber::new(from).unwrap().plus(further).get();
            prop_assert_eq!(reached, (from + u64::from(further)).min(MAX_NUMBER));
        }
    }

    #[test]
    fn a_token_has_one_spelling(text in hexadecimal()) {
        let well_formed = text.len() == 32 && text.chars().all(|character| matches!(character, '0'..='9' | 'a'..='f'));
        match ApplicationToken::parse(&text) {
            Ok(token) => prop_assert_eq!((token.to_string(), well_formed), (text, true)),
            Err(invalid) => prop_assert_eq!((invalid.rule, well_formed), (Rule::TokenForm, false)),
        }
    }

    #[test]
    fn a_token_in_other_letters_is_refused(text in "[0-9a-f]{32}", at in 0..32_usize, other in any::<char>()) {
        prop_assume!(!matches!(other, '0'..='9' | 'a'..='f'));
        let changed: String = text.chars().enumerate().map(|(index, digit)| if index == at { other } else { digit }).collect();
        prop_assert_eq!(rule(ApplicationToken::parse(&changed)), Some(Rule::TokenForm));
    }

    #[test]
    fn a_name_is_measured_in_characters(text in prop_oneof![text_of(0..=3), text_of(MAX_NAME_CHARS - 2..=MAX_NAME_CHARS + 2)]) {
        let expected = broken(&text, MAX_NAME_CHARS, usize::MAX);
        prop_assert_eq!(rule(ApplicationName::new(text.as_str())), expected);
        prop_assert_eq!(rule(ChatName::new(text.as_str())), expected);
        if expected.is_none() {
            prop_assert_eq!(String::from(ChatName::new(text.as_str()).unwrap()), text);
        }
    }

    #[test]
    fn an_idempotency_key_is_kept_as_it_came_or_refused(bytes in prop_oneof![
        vec(any::<u8>(), 0..4),
        vec(0x1f..=0x7f_u8, 0..=3),
        vec(b'!'..=b'~', MAX_KEY_CHARS - 1..=MAX_KEY_CHARS + 1),
    ]) {
        let well_formed = (1..=MAX_KEY_CHARS).contains(&bytes.len()) && bytes.iter().all(|byte| (b'!'..=b'~').contains(byte));
        let key = IdempotencyKey::parse(&bytes);
        prop_assert_eq!(key.as_ref().map(|key| key.as_str().as_bytes()), well_formed.then_some(bytes.as_slice()));
    }

    #[test]
    fn pages_by_ordinal_join_without_overlap(page: u64, last in MAX_PAGE - 3..=MAX_PAGE + 3, limit in 0..=MAX_PAGE_LIMIT + 3) {
        let Ok(limit) = PageLimit::new(limit) else {
            prop_assert!(!(1..=MAX_PAGE_LIMIT).contains(&limit));
            return Ok(());
        };
        for page in [page, page % 1_000, last] {
            let within = (1..=MAX_PAGE).contains(&page);
            match PageRequest::ordinal(page, limit) {
                Ok(PageRequest::Span { first, limit: kept }) => {
                    prop_assert!(within);
                    prop_assert_eq!(kept, limit);
                    // It begins behind the last number of the page before, and ends within the numbers that there can be.
                    prop_assert_eq!(first - 1, (page - 1) * limit.get());
                    prop_assert!(first - 1 + limit.get() <= MAX_NUMBER);
                }
                Ok(other) => prop_assert!(false, "{other:?}"),
                Err(invalid) => prop_assert_eq!((invalid.rule, within), (Rule::Within(1, MAX_PAGE), false)),
            }
        }
    }
}

proptest! {
    // Each of them has some 10,000 characters.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_body_is_measured_in_characters_and_in_bytes(
        start in text_of(1..=8),
        fill in prop::sample::select(WIDTHS.to_vec()),
        chars in prop_oneof![1..=MAX_BODY_CHARS + 2, MAX_BODY_CHARS - 2..=MAX_BODY_CHARS + 2],
    ) {
        let text: String = start.chars().chain(std::iter::repeat(fill)).take(chars).collect();
        let body = MessageBody::new(text.as_str());
        prop_assert_eq!(rule(body.clone()), broken(&text, MAX_BODY_CHARS, MAX_BODY_BYTES));
        prop_assert!(body.is_err() || body.unwrap().as_str() == text);
    }
}
