//! Reads and updates on port 3000: every route but lists and search.

use serde_json::{Value, json};
use testkit::{Application, Chat, System};

const APPLICATION: [&str; 5] = ["chats_count", "created_at", "name", "token", "updated_at"];
const CHAT: [&str; 5] = ["created_at", "messages_count", "name", "number", "updated_at"];
const MESSAGE: [&str; 4] = ["body", "created_at", "number", "updated_at"];

/// Just these members, so no `id`, and times in their one form.
fn assert_shape(object: &Value, members: &[&str]) {
    let mut named: Vec<&String> = object.as_object().unwrap_or_else(|| panic!("{object} is no object")).keys().collect();
    named.sort();
    assert_eq!(named, members, "{object}");
    for time in ["created_at", "updated_at"] {
        let text = object[time].as_str().unwrap();
        let form: String = text.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect();
        assert_eq!(form, "0000-00-00T00:00:00.000Z", "{object}");
    }
}

async fn stored_message(system: &System) -> (Application, Chat) {
    let application = system.create_application("Globe").await;
    let chat = application.create_named_chat("Scene I").await;
    chat.post("Who's there?").await;
    chat.await_stored(1).await;
    (application, chat)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_created_shown_and_renamed_in_both_families() {
    let system = System::start().await;
    for prefix in ["", "/api/v1"] {
        for body in [json!({ "name": "Globe" }), json!({ "application": { "name": "Globe" } })] {
            let answer = system.api("POST", &format!("{prefix}/applications")).json(body).send().await;
            let created = answer.expect(201);
            assert_shape(&created, &APPLICATION);
            assert_eq!((&created["name"], &created["chats_count"]), (&json!("Globe"), &json!(0)));
            assert_eq!(created["created_at"], created["updated_at"]);
            let token = created["token"].as_str().unwrap();
            assert!(token.len() == 32 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{token}");

            let path = format!("{prefix}/applications/{token}");
            assert_eq!(answer.header("location"), Some(path.as_str()));
            assert_eq!(system.api("GET", &path).send().await.expect(200), created);
            for (method, body) in [("PUT", json!({ "name": "PUT" })), ("PATCH", json!({ "application": { "name": "PATCH" } }))] {
                let updated = system.api(method, &path).json(body).send().await.expect(200);
                assert_shape(&updated, &APPLICATION);
                assert_eq!((&updated["name"], &updated["created_at"]), (&json!(method), &created["created_at"]));
                assert!(updated["updated_at"].as_str() >= created["updated_at"].as_str(), "{updated}");
                assert_eq!(system.api("GET", &path).send().await.expect(200), updated);
            }
            // A PATCH that names nothing changes nothing; a PUT must name it.
            let before = system.api("GET", &path).send().await.json();
            assert_eq!(system.api("PATCH", &path).json(json!({})).send().await.expect(200), before);
            system.api("PUT", &path).json(json!({})).send().await.invalid("name", "required");
            system.api("PATCH", &path).json(json!({ "name": null })).send().await.invalid("name", "required");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_is_shown_renamed_and_loses_its_name() {
    let system = System::start().await;
    let (_, chat) = stored_message(&system).await;
    let created = chat.read().await.expect(200);
    assert_shape(&created, &CHAT);
    assert_eq!((&created["number"], &created["name"], &created["messages_count"]), (&json!(1), &json!("Scene I"), &json!(0)));
    for prefix in ["", "/api/v1"] {
        let path = format!("{prefix}{}", chat.path());
        for (method, body, name) in [
            ("PUT", json!({ "name": "Scene II" }), json!("Scene II")),
            ("PATCH", json!({ "chat": { "name": "場" } }), json!("場")),
            ("PATCH", json!({}), json!("場")),
            ("PATCH", json!({ "name": null }), Value::Null),
            ("PUT", json!({ "chat": { "name": "again" } }), json!("again")),
            ("PUT", json!({ "name": null }), Value::Null),
        ] {
            let updated = system.api(method, &path).json(body).send().await.expect(200);
            assert_shape(&updated, &CHAT);
            assert_eq!((&updated["name"], &updated["created_at"]), (&name, &created["created_at"]));
            assert_eq!(system.api("GET", &path).send().await.expect(200), updated);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_shown_and_edited() {
    let system = System::start().await;
    let (_, chat) = stored_message(&system).await;
    let created = chat.message(1).await.expect(200);
    assert_shape(&created, &MESSAGE);
    assert_eq!((&created["number"], &created["body"]), (&json!(1), &json!("Who's there?")));
    assert_eq!(created["created_at"], created["updated_at"]);
    for prefix in ["", "/api/v1"] {
        let path = format!("{prefix}{}/messages/1", chat.path());
        for (method, body, text) in [
            ("PUT", json!({ "body": "Nay, answer me" }), "Nay, answer me"),
            ("PATCH", json!({ "message": { "body": "Stand" } }), "Stand"),
            ("PATCH", json!({}), "Stand"),
            ("PUT", json!({ "message": { "body": "🦀".repeat(10_000) } }), &"🦀".repeat(10_000)),
            ("PUT", json!({ "body": " and unfold yourself \n" }), " and unfold yourself \n"),
        ] {
            let updated = system.api(method, &path).json(body).send().await.expect(200);
            assert_shape(&updated, &MESSAGE);
            assert_eq!((&updated["body"], &updated["created_at"]), (&json!(text), &created["created_at"]));
            assert_eq!(system.api("GET", &path).send().await.expect(200), updated);
        }
    }
    let last = chat.message(1).await.json();
    assert!(last["updated_at"].as_str() > created["updated_at"].as_str(), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unknown_is_told_by_what_it_is() {
    let system = System::start().await;
    let (application, chat) = stored_message(&system).await;
    let token = application.token.as_str();
    let unknown = "0123456789abcdef0123456789abcdef";
    for prefix in ["", "/api/v1"] {
        for token in [unknown, "x", &token.to_uppercase()] {
            for rest in ["", "/chats", "/chats/1", "/chats/1/messages", "/chats/1/messages/1", "/chats/1/messages/search?query=x"]
            {
                let path = format!("{prefix}/applications/{token}{rest}");
                system.api("GET", &path).send().await.problem(404, "application_not_found");
            }
        }
        for number in ["2", "0", "x", "-1", "99999999999999999999"] {
            for rest in ["", "/messages", "/messages/1", "/messages/search?query=x"] {
                let path = format!("{prefix}{}/chats/{number}{rest}", application.path());
                system.api("GET", &path).send().await.problem(404, "chat_not_found");
            }
            system
                .api("PUT", &format!("{prefix}{}/chats/{number}", application.path()))
                .json(json!({ "name": "x" }))
                .send()
                .await
                .problem(404, "chat_not_found");
        }
        for number in ["2", "0", "x", "1.0"] {
            let path = format!("{prefix}{}/messages/{number}", chat.path());
            system.api("GET", &path).send().await.problem(404, "message_not_found");
            system.api("PATCH", &path).json(json!({ "body": "x" })).send().await.problem(404, "message_not_found");
        }
        for path in ["/nowhere", "/applications/x/y", "/", "//"] {
            system.api("GET", &format!("{prefix}{path}")).send().await.problem(404, "route_not_found");
        }
    }
    let search = "/chats/1/messages/search?query=who";
    system.api("GET", search).send().await.problem(400, "missing_header");
    system.api("GET", search).header("X-Application-Token", unknown).send().await.problem(404, "application_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_do_not_see_one_another() {
    let system = System::start().await;
    let (_, mine) = stored_message(&system).await;
    mine.await_found("there", &[1], super::search::SOME_TIME).await;
    let other = system.create_application("Rose").await;
    let foreign = other.chat(1);
    // The other one has no chat 1 at all …
    foreign.read().await.problem(404, "chat_not_found");
    foreign.message(1).await.problem(404, "chat_not_found");
    foreign.edit(1, "mine now").await.problem(404, "chat_not_found");
    foreign.attempt_post("x").send().await.problem(404, "chat_not_found");
    foreign.search_page(&[("query", "there")]).await.problem(404, "chat_not_found");
    // … and then an empty one of its own.
    assert_eq!(other.create_chat().await.number, 1);
    foreign.read().await.expect(200);
    foreign.message(1).await.problem(404, "message_not_found");
    assert!(foreign.messages().await.is_empty());
    assert!(foreign.search("there").await.is_empty());
    assert_eq!(mine.message(1).await.expect(200)["body"], "Who's there?");
}
