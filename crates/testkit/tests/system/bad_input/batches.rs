//! Batches of messages that are none, or of which some entry breaks a rule: none of their entries may be created.

use testkit::Service::Ingest;

use super::case::{Case, FAMILIES, Request, World};

/// Entries of a batch at most.
const MOST: usize = 500;
/// Bytes of a request at most.
const MOST_BYTES: usize = 2 * 1024 * 1024;

pub(super) fn cases(world: &World) -> Vec<Case> {
    let request =
        |family: &str| Request::new(Ingest, "POST", world.path(&format!("{family}/applications/{{app}}/chats/1/messages:batch")));
    let mut cases = Vec::new();
    for family in FAMILIES {
        let request = || request(family);
        cases.extend(malformed().into_iter().map(|body| request().json(body).refused(400, "malformed_json")));
        cases.push(request().refused(400, "malformed_json"));
        cases.extend(lists().into_iter().map(|body| request().json(body).refused_for(422, "invalid_field", "messages")));
        for (entry, field) in ENTRIES {
            let batch = |before: &str, behind: &str| format!(r#"{{"messages":[{before}{entry}{behind}]}}"#);
            cases.push(request().json(batch("", "")).refused_for(422, "invalid_field", field));
            // One is enough, wherever it stands.
            let good = r#"{"body":"fine"}"#;
            cases.push(request().json(batch("", &format!(",{good}"))).refused_for(422, "invalid_field", field));
            cases.push(request().json(batch(&format!("{good},").repeat(7), "")).refused(422, "invalid_field"));
        }
        for length in [10_001, 60_000] {
            let body = format!(r#"{{"messages":[{{"body":"{}"}}]}}"#, "é".repeat(length));
            cases.push(request().json(body).refused_for(422, "invalid_field", "messages[0].body"));
        }
        cases.extend(foreign(&request));
        cases.extend(too_large(&request));
    }
    cases
}

/// Not JSON, no object, or a key twice.
fn malformed() -> Vec<Vec<u8>> {
    let texts = [
        "",
        " \r\n\t",
        "{",
        "[]",
        r#"[{"body":"x"}]"#,
        "null",
        "\"messages\"",
        r#"{"messages":[{"body":"x"}]"#,
        r#"{"messages":[{"body":"x"},]}"#,
        r#"{"messages":[{"body":"x"}{"body":"y"}]}"#,
        r#"{"messages":[{"body":"x"}]} {"messages":[]}"#,
        r#"{"messages":[{"body":NaN}]}"#,
        r#"{"messages":[{"body":"\ud800"}]}"#,
        r#"{"messages":[{"body":"x","body":"y"}]}"#,
        r#"{"messages":[{"body":"x","\u0062ody":"y"}]}"#,
        r#"{"messages":[{"body":"x"}],"messages":[]}"#,
        r#"{"messages":[{"body":"x"}],"other":{"a":1,"a":2}}"#,
        "{\"messages\":[{\"body\":\"a\nb\"}]}",
        "{\"messages\":[{\"body\":\"a\0b\"}]}",
        "\u{feff}{\"messages\":[{\"body\":\"x\"}]}",
    ];
    let mut all: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).into();
    all.extend([
        b"{\"messages\":[{\"body\":\"\xff\"}]}".to_vec(),
        b"{\"messages\":[{\"body\":\"\xed\xa0\x80\"}]}".to_vec(),
        b"{\"messages\":[{\"body\":\"\xe2\x82\"}]}".to_vec(),
        format!("{{\"messages\":{}{}}}", "[".repeat(200), "]".repeat(200)).into_bytes(),
        format!("{{\"messages\":{}", "[".repeat(500_000)).into_bytes(),
        format!("{{\"messages\":[{}", r#"{"body":"x"},"#.repeat(20_000)).into_bytes(),
    ]);
    all
}

/// `messages` that is no list of 1 to 500 entries, or is not there.
fn lists() -> Vec<String> {
    let some = ["null", "true", "1", "1e300", "\"x\"", "{}", r#"{"0":{"body":"x"}}"#, "[]"];
    let mut bodies: Vec<String> = some.map(|list| format!(r#"{{"messages":{list}}}"#)).into();
    bodies.extend(
        ["{}", r#"{"body":"x"}"#, r#"{"Messages":[{"body":"x"}]}"#, r#"{"message":{"messages":[{"body":"x"}]}}"#]
            .map(str::to_owned),
    );
    for count in [MOST + 1, 10_000] {
        let entries = vec![r#"{"body":"x"}"#; count].join(",");
        bodies.push(format!(r#"{{"messages":[{entries}]}}"#));
    }
    bodies
}

/// Entries that break a rule, and how an entry that stands first is named then.
const ENTRIES: [(&str, &str); 14] = [
    ("null", "messages[0]"),
    ("true", "messages[0]"),
    ("1", "messages[0]"),
    ("\"x\"", "messages[0]"),
    ("[]", "messages[0]"),
    (r#"[{"body":"x"}]"#, "messages[0]"),
    ("{}", "messages[0].body"),
    (r#"{"Body":"x"}"#, "messages[0].body"),
    (r#"{"body":null}"#, "messages[0].body"),
    (r#"{"body":""}"#, "messages[0].body"),
    (r#"{"body":1}"#, "messages[0].body"),
    (r#"{"body":false}"#, "messages[0].body"),
    (r#"{"body":["x"]}"#, "messages[0].body"),
    (r#"{"body":{"body":"x"}}"#, "messages[0].body"),
];

/// Bodies of another type, and encoded ones.
fn foreign(request: &impl Fn() -> Request) -> Vec<Case> {
    let lines: [&[u8]; 7] = [
        b"Content-Type: text/plain",
        b"Content-Type: application/x-ndjson",
        b"Content-Type: application/json-seq",
        b"Content-Type: application/x-www-form-urlencoded",
        b"Content-Type: \xff",
        b"Content-Encoding: gzip",
        b"Content-Encoding: nonsense",
    ];
    let body = r#"{"messages":[{"body":"x"}]}"#;
    lines.map(|line| request().line(line).body(body).refused(415, "unsupported_media_type")).into()
}

/// More than 2 MiB, sent or announced.
fn too_large(request: &impl Fn() -> Request) -> Vec<Case> {
    let large = " ".repeat(MOST_BYTES + 1);
    let chunk = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    vec![
        request().json(&large).refused(413, "payload_too_large"),
        request().line(format!("Content-Length: {}", MOST_BYTES + 1)).refused(413, "payload_too_large"),
        request().line("Content-Length: 18446744073709551615").refused(413, "payload_too_large"),
        request().line("Expect: 100-continue").line("Content-Length: 99999999").refused(413, "payload_too_large"),
        request().line("Transfer-Encoding: chunked").tail(chunk).refused(413, "payload_too_large"),
    ]
}
