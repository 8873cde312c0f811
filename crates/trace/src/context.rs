//! A place in a trace, and its text: W3C Trace Context, level 1 (<https://www.w3.org/TR/trace-context-1/#traceparent-header>).

use std::{fmt, num::NonZeroU64, num::NonZeroU128};

/// Which span of which trace. Its text is a `traceparent`: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Context {
    trace: NonZeroU128,
    span: NonZeroU64,
    sampled: bool,
}

/// Digits of the whole text in version 00, the only one there is; a later one may have more behind it.
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

impl Context {
    /// The beginning of a trace.
    pub(crate) fn new(sampled: bool) -> Self {
        Self { trace: random_u128(), span: random_u64(), sampled }
    }

    /// Another place in the same trace.
    pub(crate) fn next(self) -> Self {
        Self { span: random_u64(), ..self }
    }

    /// The same place, in a trace that is not told from here on.
    pub(crate) fn untold(self) -> Self {
        Self { sampled: false, ..self }
    }

    /// Reads a `traceparent`; `None` if it is none, which the standard has ignored.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let parts: Vec<&[u8]> = known.split(|byte| *byte == b'-').collect();
        let [version, trace, span, flags] = parts[..] else { return None };
        let sizes = [version.len(), trace.len(), span.len(), flags.len()];
        if sizes != [2, 32, 16, 2] || !parts.concat().iter().all(is_hex) {
            return None;
        }
        // Version ff is forbidden, and 00 has nothing behind it.
        if version == b"ff" || !(rest.is_empty() || version != b"00" && rest[0] == b'-') {
            return None;
        }
        let digits = |part| std::str::from_utf8(part).ok();
        Some(Self {
            trace: NonZeroU128::new(u128::from_str_radix(digits(trace)?, 16).ok()?)?,
            span: NonZeroU64::new(u64::from_str_radix(digits(span)?, 16).ok()?)?,
            sampled: u8::from_str_radix(digits(flags)?, 16).ok()? & SAMPLED != 0,
        })
    }

    /// Whether its spans are sent to a collector. Who hands the context on does not decide this anew.
    pub fn is_sampled(self) -> bool {
        self.sampled
    }

    /// Whether both are places of one trace.
    pub fn is_of_trace_of(self, other: Self) -> bool {
        self.trace == other.trace
    }

    /// The trace's 32 hexadecimal digits.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The span's 16 hexadecimal digits.
    pub fn span_id(self) -> String {
        format!("{:016x}", self.span)
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

fn random_u128() -> NonZeroU128 {
    NonZeroU128::new(rand::random()).unwrap_or(NonZeroU128::MIN)
}

fn random_u64() -> NonZeroU64 {
    NonZeroU64::new(rand::random()).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_context_is_what_its_text_says() {
        let context = Context::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(context.to_string(), TEXT);
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!((context.span_id().as_str(), context.is_sampled()), ("b7ad6b7169203331", true));
        let child = context.next();
        assert_eq!((child.trace_id(), child.is_sampled()), (context.trace_id(), true));
        assert_ne!(child.span_id(), context.span_id());
        // Flags that are not known here do not matter, nor what a later version adds.
        assert!(!Context::parse(TEXT.replace("-01", "-fe").as_bytes()).unwrap().is_sampled());
        assert!(Context::parse(format!("{}-more", TEXT.replacen("00", "01", 1)).as_bytes()).is_some());
    }

    #[test]
    fn what_is_none_is_ignored() {
        let zero_trace = TEXT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32));
        let zero_span = TEXT.replace("b7ad6b7169203331", &"0".repeat(16));
        for text in [
            "",
            "00",
            &TEXT[..54],
            &format!("{TEXT}-"),
            &format!("{TEXT}0"),
            &TEXT.to_uppercase(),
            &TEXT.replacen("00", "ff", 1),
            &TEXT.replacen('-', "_", 1),
            &TEXT.replace("b7ad", "+7ad"),
            &zero_trace,
            &zero_span,
            &TEXT.replacen("00", "01", 1).replace("-01", "-01x"),
        ] {
            // The last one has a version of its own, whose text ends where this one's does or goes on behind a dash.
            assert_eq!(Context::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Context::parse(&[0xff; LENGTH]), None);
    }
}
