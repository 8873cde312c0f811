//! A table of requests that cannot be meant: each gets its own 4xx in form, and none a 5xx.

use std::collections::HashSet;

use testkit::{Answer, Ask, Service, System};

/// What a request carries.
#[derive(Clone, Copy)]
enum With {
    Nothing,
    /// A body with JSON's type.
    Json(&'static str),
    /// A body with this type.
    Typed(&'static str, &'static str),
    /// A body of so many bytes of white space, with JSON's type.
    Bytes(usize),
    /// A message's body of so many characters.
    Message(usize),
    /// A name of so many characters.
    Name(usize),
    /// A header.
    Header(&'static str, &'static str),
}

use Service::{Api, Ingest};
use With::{Bytes, Header, Json, Message, Name, Nothing, Typed};

type Case = (Service, &'static str, &'static str, With, u16, &'static str);

/// `{app}` is an application that exists, with one chat, 1, of one message, 1; `{no}` is a token that nobody has.
const CASES: [Case; 96] = [
    // Applications.
    (Api, "POST", "/applications", Nothing, 400, "malformed_json"),
    (Api, "POST", "/applications", Json(""), 400, "malformed_json"),
    (Api, "POST", "/applications", Json("{"), 400, "malformed_json"),
    (Api, "POST", "/applications", Json("[]"), 400, "malformed_json"),
    (Api, "POST", "/applications", Json("null"), 400, "malformed_json"),
    (Api, "POST", "/applications", Json(r#"{"application": 1}"#), 400, "malformed_json"),
    (Api, "POST", "/applications", Json("{}"), 422, "invalid_field"),
    (Api, "POST", "/applications", Json(r#"{"application": {}}"#), 422, "invalid_field"),
    (Api, "POST", "/applications", Json(r#"{"name": null}"#), 422, "invalid_field"),
    (Api, "POST", "/applications", Json(r#"{"name": ""}"#), 422, "invalid_field"),
    (Api, "POST", "/applications", Json(r#"{"name": 5}"#), 422, "invalid_field"),
    (Api, "POST", "/applications", Json(r#"{"name": {}}"#), 422, "invalid_field"),
    (Api, "POST", "/applications", Name(256), 422, "invalid_field"),
    (Api, "POST", "/applications", Typed("text/plain", r#"{"name": "x"}"#), 415, "unsupported_media_type"),
    (Api, "POST", "/applications", Typed("application/x-www-form-urlencoded", "name=x"), 415, "unsupported_media_type"),
    (Api, "POST", "/applications", Bytes(65_537), 413, "payload_too_large"),
    (Api, "GET", "/applications?limit=0", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?limit=101", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?limit=x", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?page=0", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?page=2001", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?page=-1", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?after=x", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?before=1", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?after={no}&page=1", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications?after={no}", Nothing, 404, "application_not_found"),
    (Api, "DELETE", "/applications", Nothing, 405, "method_not_allowed"),
    (Api, "PUT", "/applications", Json("{}"), 405, "method_not_allowed"),
    // One application.
    (Api, "GET", "/applications/{no}", Nothing, 404, "application_not_found"),
    (Api, "GET", "/applications/1", Nothing, 404, "application_not_found"),
    (Api, "GET", "/applications/%27%20OR%201=1", Nothing, 404, "application_not_found"),
    (Api, "GET", "/applications/%FF%FE", Nothing, 404, "application_not_found"),
    (Api, "PUT", "/applications/{no}", Json(r#"{"name": "x"}"#), 404, "application_not_found"),
    (Api, "PUT", "/applications/{app}", Nothing, 400, "malformed_json"),
    (Api, "PUT", "/applications/{app}", Json("{}"), 422, "invalid_field"),
    (Api, "PUT", "/applications/{app}", Json(r#"{"name": null}"#), 422, "invalid_field"),
    (Api, "PATCH", "/applications/{app}", Json(r#"{"name": null}"#), 422, "invalid_field"),
    (Api, "PATCH", "/applications/{app}", Json(r#"{"name": ""}"#), 422, "invalid_field"),
    (Api, "PATCH", "/applications/{app}", Name(256), 422, "invalid_field"),
    (Api, "PATCH", "/applications/{app}", Json("[1]"), 400, "malformed_json"),
    (Api, "DELETE", "/applications/{app}", Nothing, 405, "method_not_allowed"),
    // Chats.
    (Api, "GET", "/applications/{no}/chats", Nothing, 404, "application_not_found"),
    (Api, "GET", "/applications/{app}/chats?after=-1", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats?after=x", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats?after=9007199254740992", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats?before=0", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats?after=1&before=3", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats?page=0", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats?page=99999999999999999999", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats?per_page=0", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats?limit=", Nothing, 422, "invalid_field"),
    (Api, "POST", "/applications/{app}/chats", Json("{}"), 405, "method_not_allowed"),
    (Api, "GET", "/applications/{app}/chats/2", Nothing, 404, "chat_not_found"),
    (Api, "GET", "/applications/{app}/chats/0", Nothing, 404, "chat_not_found"),
    (Api, "GET", "/applications/{app}/chats/-1", Nothing, 404, "chat_not_found"),
    (Api, "GET", "/applications/{app}/chats/1e3", Nothing, 404, "chat_not_found"),
    (Api, "GET", "/applications/{app}/chats/18446744073709551616", Nothing, 404, "chat_not_found"),
    (Api, "PATCH", "/applications/{app}/chats/2", Json(r#"{"name": "x"}"#), 404, "chat_not_found"),
    (Api, "PATCH", "/applications/{app}/chats/1", Nothing, 400, "malformed_json"),
    (Api, "PATCH", "/applications/{app}/chats/1", Json(r#"{"name": ""}"#), 422, "invalid_field"),
    (Api, "PUT", "/applications/{app}/chats/1", Json(r#"{"name": []}"#), 422, "invalid_field"),
    (Api, "PUT", "/applications/{app}/chats/1", Name(256), 422, "invalid_field"),
    (Api, "DELETE", "/applications/{app}/chats/1", Nothing, 405, "method_not_allowed"),
    (Ingest, "POST", "/applications/{no}/chats", Nothing, 404, "application_not_found"),
    (Ingest, "POST", "/applications/{app}/chats", Json("x"), 400, "malformed_json"),
    (Ingest, "POST", "/applications/{app}/chats", Json(r#"{"name": false}"#), 422, "invalid_field"),
    (Ingest, "POST", "/applications/{app}/chats", Name(256), 422, "invalid_field"),
    (Ingest, "POST", "/applications/{app}/chats", Typed("text/xml", "<chat/>"), 415, "unsupported_media_type"),
    (Ingest, "POST", "/applications/{app}/chats", Bytes(70_000), 413, "payload_too_large"),
    (Ingest, "GET", "/applications/{app}/chats", Nothing, 405, "method_not_allowed"),
    (Ingest, "DELETE", "/applications/{app}/chats", Nothing, 405, "method_not_allowed"),
    // Messages.
    (Api, "GET", "/applications/{app}/chats/2/messages", Nothing, 404, "chat_not_found"),
    (Api, "GET", "/applications/{app}/chats/1/messages?limit=1000", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats/1/messages?before=x", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats/1/messages/2", Nothing, 404, "message_not_found"),
    (Api, "GET", "/applications/{app}/chats/1/messages/%2A", Nothing, 404, "message_not_found"),
    (Api, "PUT", "/applications/{app}/chats/1/messages/1", Json("{}"), 422, "invalid_field"),
    (Api, "PUT", "/applications/{app}/chats/1/messages/1", Json(r#"{"body": ""}"#), 422, "invalid_field"),
    (Api, "PATCH", "/applications/{app}/chats/1/messages/1", Json(r#"{"body": null}"#), 422, "invalid_field"),
    (Api, "PATCH", "/applications/{app}/chats/1/messages/1", Message(10_001), 422, "invalid_field"),
    (Api, "PATCH", "/applications/{app}/chats/1/messages/1", Typed("text/plain", "x"), 415, "unsupported_media_type"),
    (Api, "PUT", "/applications/{app}/chats/1/messages/2", Json(r#"{"body": "x"}"#), 404, "message_not_found"),
    (Ingest, "POST", "/applications/{app}/chats/2/messages", Json(r#"{"body": "x"}"#), 404, "chat_not_found"),
    (Ingest, "POST", "/applications/{app}/chats/1/messages", Nothing, 400, "malformed_json"),
    (Ingest, "POST", "/applications/{app}/chats/1/messages", Json(r#"{"body": 1e400}"#), 400, "malformed_json"),
    (Ingest, "POST", "/applications/{app}/chats/1/messages", Json(r#"{"body": "\ud800"}"#), 400, "malformed_json"),
    (Ingest, "POST", "/applications/{app}/chats/1/messages", Message(10_001), 422, "invalid_field"),
    (Ingest, "POST", "/applications/{app}/chats/1/messages", Header("content-encoding", "br"), 415, "unsupported_media_type"),
    (Ingest, "PUT", "/applications/{app}/chats/1/messages", Json("{}"), 405, "method_not_allowed"),
    // Search.
    (Api, "GET", "/applications/{app}/chats/1/messages/search", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats/1/messages/search?query=", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats/1/messages/search?query=x&before=3", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats/1/messages/search?query=x&page=2", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats/1/messages/search?q=x&limit=0", Nothing, 422, "invalid_field"),
    (Api, "GET", "/applications/{app}/chats/2/messages/search?query=x", Nothing, 404, "chat_not_found"),
    (Api, "POST", "/applications/{app}/chats/1/messages/search?query=x", Nothing, 405, "method_not_allowed"),
];

/// These paths have one spelling only.
const UNVERSIONED: [Case; 14] = [
    (Ingest, "POST", "/chats/{no}", Nothing, 404, "application_not_found"),
    (Ingest, "POST", "/chats/1", Nothing, 404, "application_not_found"),
    (Ingest, "GET", "/chats/{app}", Nothing, 405, "method_not_allowed"),
    (Ingest, "POST", "/chats/1/messages", Json(r#"{"body": "x"}"#), 400, "missing_header"),
    (Ingest, "POST", "/chats/1/messages", Header("x-application-token", "x"), 404, "application_not_found"),
    (Ingest, "GET", "/chats/1/messages", Nothing, 405, "method_not_allowed"),
    (Api, "GET", "/chats/1/messages/search?query=x", Nothing, 400, "missing_header"),
    (Api, "GET", "/chats/1/messages/search?query=x", Header("x-application-token", "{no}"), 404, "application_not_found"),
    (Api, "POST", "/chats/1/messages/search?query=x", Nothing, 405, "method_not_allowed"),
    (Api, "GET", "/chats/1", Nothing, 404, "route_not_found"),
    (Api, "GET", "/api/v2/applications", Nothing, 404, "route_not_found"),
    (Api, "GET", "/applications/", Nothing, 404, "route_not_found"),
    (Ingest, "POST", "/applications", Json(r#"{"name": "x"}"#), 404, "route_not_found"),
    (Ingest, "POST", "/messages", Json(r#"{"body": "x"}"#), 404, "route_not_found"),
];

fn ask(system: &System, (service, method, _, with, ..): &Case, path: &str) -> Ask {
    let ask = system.ask(*service, method, path);
    let json = |body: String| system.ask(*service, method, path).header("content-type", "application/json").body(body);
    match with {
        Nothing => ask,
        Json(body) => json((*body).to_owned()),
        Typed(media_type, body) => ask.header("content-type", media_type).body(*body),
        Bytes(length) => json(" ".repeat(*length)),
        Message(length) => json(format!("{{\"body\": \"{}\"}}", "é".repeat(*length))),
        Name(length) => json(format!("{{\"name\": \"{}\"}}", "é".repeat(*length))),
        Header(name, value) => ask.header(name, value).body("{\"body\": \"x\"}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_request_gets_its_own_code() {
    let system = System::start().await;
    let application = system.create_application("bad").await;
    let chat = application.create_chat().await;
    chat.post("fine").await;
    chat.await_stored(1).await;
    let before = (application.read().await.json(), chat.read().await.json(), chat.message(1).await.json());

    let mut ids = HashSet::new();
    let cases = CASES.iter().flat_map(|case| [("", case), ("/api/v1", case)]);
    for (prefix, case) in cases.chain(UNVERSIONED.iter().map(|case| ("", case))) {
        let (_, method, path, _, status, code) = case;
        let path =
            format!("{prefix}{path}").replace("{app}", &application.token).replace("{no}", "0123456789abcdef0123456789abcdef");
        let answer: Answer = ask(&system, case, &path).send().await;
        assert_eq!((answer.status, &answer.json()["code"]), (*status, &(*code).into()), "{method} {path}: {}", answer.text());
        let problem = answer.problem(*status, code);
        assert_eq!(problem.get("errors").is_some(), *status == 422, "{method} {path}: {problem}");
        assert_eq!(answer.header("allow").is_some(), *status == 405, "{method} {path}");
        assert!(ids.insert(problem["request_id"].to_string()), "a request id is used twice");
        assert!(!answer.text().contains(&application.token), "{method} {path}: an answer repeats the token");
    }
    let after = (application.read().await.json(), chat.read().await.json(), chat.message(1).await.json());
    assert_eq!(before, after);
    assert_eq!(chat.post("the next").await, 2);
}
