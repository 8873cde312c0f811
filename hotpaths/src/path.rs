//! The paths themselves. Each must come to the end that it comes to in the services: one that fails early would count too few.

use std::hint::black_box;

use domain::MessageBody;
use events::{Decoded, Epoch, Item};

use crate::{fold::fold, grams::Terms, object, sample};

/// Where our own instructions are spent, create by create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// ingest: a request's body, read and checked.
    Body,
    /// ingest: a group of creates, written as one envelope.
    Encode,
    /// consumer: that envelope, read.
    Decode,
    /// consumer: a text of ASCII, folded and cut into the index's terms.
    Grams,
    /// consumer: the same of a text that is not ASCII.
    GramsUnicode,
}

impl Path {
    pub(crate) const ALL: [Self; 5] = [Self::Body, Self::Encode, Self::Decode, Self::Grams, Self::GramsUnicode];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Encode => "encode",
            Self::Decode => "decode",
            Self::Grams => "grams",
            Self::GramsUnicode => "grams-unicode",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.name() == name)
    }

    /// Goes it so many times; `false` when it did not come to its end.
    pub(crate) fn run(self, times: u32) -> bool {
        let Some(items) = sample::items() else { return false };
        let Ok(payload) = events::encode_items(Epoch::new(1), &items) else { return false };
        let once = || match self {
            Self::Body => read_body(black_box(sample::BODY)),
            Self::Encode => encode(black_box(&items)),
            Self::Decode => decode(black_box(&payload), items.len()),
            Self::Grams => make_terms(black_box(sample::TEXT)),
            Self::GramsUnicode => make_terms(black_box(sample::UNICODE)),
        };
        (0..times).all(|_| once())
    }
}

fn read_body(bytes: &[u8]) -> bool {
    let Ok(mut fields) = object::read(bytes, Some("application/json"), Some("message")) else { return false };
    let Some(serde_json::Value::String(text)) = fields.remove("body") else { return false };
    black_box(MessageBody::new(text)).is_ok()
}

fn encode(items: &[Item]) -> bool {
    black_box(events::encode_items(Epoch::new(1), items)).is_ok()
}

fn decode(payload: &[u8], expected: usize) -> bool {
    match black_box(events::decode(payload)) {
        Ok(Decoded::Items { items, .. }) => items.len() == expected && items.iter().all(Result::is_ok),
        _ => false,
    }
}

fn make_terms(text: &str) -> bool {
    let terms = black_box(Terms::of(&fold(text)));
    !terms.grams.is_empty() && !terms.short.is_empty()
}
