//! `Idempotency-Key`: what cannot be one, and one that was used for another request, on every route that creates.

use testkit::Service::Ingest;

use super::case::{Case, FAMILIES, Request, World};

pub(super) const HEADER: &str = "Idempotency-Key";
/// The keys under which chat 1, message 1 and message 2 (the only one of a batch) were created.
pub(super) const OF_CHAT: &str = "of-the-chat";
pub(super) const OF_MESSAGE: &str = "of-the-message";
pub(super) const OF_BATCH: &str = "of-the-batch";

const CHAT: &str = r#"{"name":"another"}"#;
const MESSAGE: &str = r#"{"body":"another"}"#;
const BATCH: &str = r#"{"messages":[{"body":"another"}]}"#;

/// What is no key.
const WRONG: [&[u8]; 14] = [
    b"",
    b"\t",
    b"two words",
    b"tab\tbed",
    b"one, two",
    b"\"quoted key\"",
    "clé".as_bytes(),
    "🔑".as_bytes(),
    b"\xff",
    b"\x80",
    b"key\xc2\xa0",
    &[b'k'; 256],
    &[b'k'; 10_000],
    &[b'k'; 60_000],
];

pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, body) in routes() {
        let request = || {
            let request = Request::new(Ingest, "POST", world.path(&path));
            if path.starts_with("/chats/1") { request.line(format!("X-Application-Token: {}", world.token)) } else { request }
        };
        let wrong = WRONG.map(|value| request().line([HEADER.as_bytes(), b": ", value].concat()));
        let repeated = [("a", "b"), ("a", "a"), ("a", ""), ("", "")].map(|(one, other)| {
            let line = |value| format!("{HEADER}: {value}");
            request().line(line(one)).line(line(other).to_lowercase())
        });
        let wrong = wrong.into_iter().chain(repeated);
        cases.extend(wrong.map(|request| request.json(body).refused(400, "malformed_request")));
        for key in [OF_CHAT, OF_MESSAGE, OF_BATCH] {
            let used = request().line(format!("{HEADER}: {key}")).json(body);
            cases.push(used.refused(422, "idempotency_key_reused"));
        }
    }
    // The same text in a request of another kind.
    for family in FAMILIES {
        let messages = world.path(&format!("{family}/applications/{{app}}/chats/1/messages"));
        let single = Request::new(Ingest, "POST", &messages).line(format!("{HEADER}: {OF_BATCH}"));
        cases.push(single.json(r#"{"body":"fine"}"#).refused(422, "idempotency_key_reused"));
        let batch = Request::new(Ingest, "POST", format!("{messages}:batch")).line(format!("{HEADER}: {OF_MESSAGE}"));
        cases.push(batch.json(r#"{"messages":[{"body":"fine"}]}"#).refused(422, "idempotency_key_reused"));
    }
    cases
}

fn routes() -> Vec<(String, &'static str)> {
    let families = FAMILIES.iter().flat_map(|family| {
        let chats = format!("{family}/applications/{{app}}/chats");
        [(chats.clone(), CHAT), (format!("{chats}/1/messages"), MESSAGE), (format!("{chats}/1/messages:batch"), BATCH)]
    });
    families.chain([("/chats/{app}".to_owned(), CHAT), ("/chats/1/messages".to_owned(), MESSAGE)]).collect()
}
