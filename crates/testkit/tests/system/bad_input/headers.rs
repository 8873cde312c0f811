//! Headers: the one that the older spellings need, conditions, heads that are too large, and lines that are none.

use testkit::Service::{self, Api, Ingest};

use super::case::{Case, FAMILIES, NOBODY, Request, World};

const SEARCH: &str = "/chats/1/messages/search?query=x";

pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut cases = tokens(world);
    cases.extend(conditions(world));
    for (service, method, path) in [(Api, "GET", "/applications"), (Ingest, "POST", "/chats/1/messages")] {
        cases.extend(heads(service, method, path));
    }
    cases
}

/// `X-Application-Token` missing, given twice, or nobody's.
fn tokens(world: &World) -> Vec<Case> {
    let post = || Request::new(Ingest, "POST", "/chats/1/messages").json(r#"{"body":"x"}"#);
    let search = || Request::new(Api, "GET", SEARCH);
    let mut cases = vec![post().refused(400, "missing_header"), search().refused(400, "missing_header")];
    // Two applications, or one twice.
    for second in [world.token.as_str(), NOBODY] {
        for request in [post(), search()] {
            let line = |token: &str| format!("X-Application-Token: {token}");
            cases.push(request.line(line(&world.token)).line(line(second)).refused(400, "malformed_request"));
        }
    }
    let wrong: [&[u8]; 6] = [b"", b"x", NOBODY.as_bytes(), b"\xff\xfe", "é".as_bytes(), b"Bearer x"];
    for value in wrong.iter().map(|value| value.to_vec()).chain([world.token.to_uppercase().into_bytes(), vec![b'a'; 10_000]]) {
        let line = [b"X-Application-Token: ".as_slice(), &value].concat();
        cases.push(post().line(&line).refused(404, "application_not_found"));
        cases.push(search().line(&line).refused(404, "application_not_found"));
    }
    cases
}

/// Conditions that cannot be read, and some that are not met: on every route that knows them.
fn conditions(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, body) in [
        ("/applications/{app}", r#"{"name":"x"}"#),
        ("/applications/{app}/chats/1", r#"{"name":"x"}"#),
        ("/applications/{app}/chats/1/messages/1", r#"{"body":"x"}"#),
    ] {
        for (family, method) in FAMILIES.iter().flat_map(|family| ["GET", "PUT", "PATCH"].map(|method| (family, method))) {
            let path = world.path(&format!("{family}{path}"));
            let request = |line: &[u8]| {
                let request = Request::new(Api, method, &path).line(line);
                if method == "GET" { request } else { request.json(body) }
            };
            for header in ["If-Match", "If-None-Match"] {
                let garbage = GARBAGE.map(|value| request(&[header.as_bytes(), b": ", value].concat()));
                cases.extend(garbage.map(|request| request.refused(400, "malformed_request")));
                let two = request(format!("{header}: \"1\"").as_bytes()).line(format!("{header}: *"));
                cases.push(two.refused(400, "malformed_request"));
            }
            let not_met: [&[u8]; 7] = [
                b"If-Match: \"0\"",
                b"If-Match: \"18446744073709551616\"",
                b"If-Match: \"-1\", \"x\", \"\xff\"",
                b"If-Match: W/\"1\"",
                b"If-Match: \"\"",
                b"If-Match:",
                b"If-None-Match: *",
            ];
            // A read that `If-None-Match` stops is a 304, and no problem.
            let not_met = not_met.into_iter().filter(|line| method != "GET" || !line.starts_with(b"If-None"));
            cases.extend(not_met.map(|line| request(line).refused(412, "precondition_failed")));
        }
    }
    cases
}

/// What is no list of entity tags.
const GARBAGE: [&[u8]; 13] = [
    b"1",
    b"\"1",
    b"1\"",
    b"'1'",
    b"W/1",
    b"W/",
    b"w/\"1\"",
    b"\"1\" \"2\"",
    b"*, \"1\"",
    b"**",
    b"\"1 2\"",
    b"\xff",
    b"\"1\"; \xc3\xa9",
];

/// Heads that are no request.
fn heads(service: Service, method: &str, path: &str) -> Vec<Case> {
    let request = || Request::new(service, method, path);
    let many = |count: usize| (0..count).fold(request(), |request, index| request.line(format!("x-{index}: 1")));
    let lines: [&[u8]; 15] = [
        b"no colon",
        b": no name",
        b"Bad Name: x",
        b"Bad\tName: x",
        b"B\xc3\xa4d: x",
        b"Name : x",
        b"Folded: x\r\n  y",
        b" Leading: x",
        b"Nul: a\0b",
        b"Control: a\x01b",
        b"Carriage: a\rb",
        b"Host: another",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding:",
    ];
    let mut cases: Vec<Case> = lines.map(|line| request().line(line).cut_off(400)).into();
    cases.extend([97, 1_000, 10_000].map(|count| many(count).cut_off(431)));
    cases.push(request().line(format!("X-Filler: {}", "x".repeat(200_000))).cut_off(431));
    cases.push(request().line(format!("{}: x", "x".repeat(200_000))).cut_off(431));
    cases.push(request().line("X-Filler: x".repeat(20_000)).cut_off(431));
    cases
}
