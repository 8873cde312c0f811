//! Headers: the one that the older spellings need, conditions, heads that are too large, and lines that are none.

use testkit::Service::{self, Api, Ingest};

use super::case::{Case, NOBODY, Request, World};

const SEARCH: &str = "/chats/1/messages/search?query=x";

pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut cases = tokens(world);
    cases.extend(conditions(world));
    for (service, method, path) in [(Api, "GET", "/applications"), (Ingest, "POST", "/chats/1/messages")] {
        cases.extend(heads(service, method, path));
    }
    cases
}

/// `X-Application-Token` missing, or nobody's.
fn tokens(world: &World) -> Vec<Case> {
    let post = || Request::new(Ingest, "POST", "/chats/1/messages").json(r#"{"body":"x"}"#);
    let search = || Request::new(Api, "GET", SEARCH);
    let mut cases = vec![post().refused(400, "missing_header"), search().refused(400, "missing_header")];
    let wrong: [&[u8]; 6] = [b"", b"x", NOBODY.as_bytes(), b"\xff\xfe", "é".as_bytes(), b"Bearer x"];
    for value in wrong.iter().map(|value| value.to_vec()).chain([world.token.to_uppercase().into_bytes(), vec![b'a'; 10_000]]) {
        let line = [b"X-Application-Token: ".as_slice(), &value].concat();
        cases.push(post().line(&line).refused(404, "application_not_found"));
        cases.push(search().line(&line).refused(404, "application_not_found"));
    }
    cases
}

/// Conditions that cannot be read, and some that are not met.
fn conditions(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, body) in [
        ("/applications/{app}", r#"{"name":"x"}"#),
        ("/applications/{app}/chats/1", r#"{"name":"x"}"#),
        ("/applications/{app}/chats/1/messages/1", r#"{"body":"x"}"#),
    ] {
        let put = |line: &str| Request::new(Api, "PUT", world.path(path)).line(line).json(body);
        for value in ["1", "\"1", "W/1", "w/\"1\"", "\"1\" \"2\"", "*, \"1\"", "\"1 2\""] {
            cases.push(put(&format!("If-Match: {value}")).refused(400, "malformed_request"));
            cases.push(put(&format!("If-None-Match: {value}")).refused(400, "malformed_request"));
        }
        for line in ["If-Match: \"0\"", "If-Match: W/\"1\"", "If-Match: \"\"", "If-Match:", "If-None-Match: *"] {
            cases.push(put(line).refused(412, "precondition_failed"));
        }
    }
    cases
}

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
