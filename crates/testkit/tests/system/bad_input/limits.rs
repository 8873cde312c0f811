//! Requests beyond the rate limit, good and bad ones: on every route each is answered 429 before anything else is looked at.

use std::{collections::HashSet, time::Instant};

use testkit::{
    Service::{self, Api, Ingest},
    System,
};

use super::{
    case::{Case, FAMILIES, NOBODY, Request, World},
    check, panics,
};

const CLIENT: &str = "X-Forwarded-For: 203.0.113.7";

/// Every route, with the methods that it answers.
const ROUTES: [(Service, &str, &[&str]); 10] = [
    (Api, "/applications", &["GET", "POST"]),
    (Api, "/applications/{no}", &["GET", "PUT", "PATCH"]),
    (Api, "/applications/{no}/chats", &["GET"]),
    (Api, "/applications/{no}/chats/1", &["GET", "PUT", "PATCH"]),
    (Api, "/applications/{no}/chats/1/messages", &["GET"]),
    (Api, "/applications/{no}/chats/1/messages/1", &["GET", "PUT", "PATCH"]),
    (Api, "/applications/{no}/chats/1/messages/search?query=x", &["GET"]),
    (Ingest, "/applications/{no}/chats", &["POST"]),
    (Ingest, "/applications/{no}/chats/1/messages", &["POST"]),
    (Ingest, "/applications/{no}/chats/1/messages:batch", &["POST"]),
];

const OLDER: [(Service, &str, &[&str]); 3] = [
    (Ingest, "/chats/{no}", &["POST"]),
    (Ingest, "/chats/1/messages", &["POST"]),
    (Api, "/chats/1/messages/search?query=x", &["GET"]),
];

/// Bad in their own right, but not answered as such.
const BODIES: [&str; 3] = [r#"{"name":"x","body":"x","messages":[{"body":"x"}]}"#, "{", "[\"\"]"];

fn cases(world: &World) -> Vec<Case> {
    let families = ROUTES.iter().flat_map(|route| FAMILIES.map(|family| (family, route)));
    let older = OLDER.iter().map(|route| ("", route));
    let mut cases = Vec::new();
    for (family, (service, path, methods)) in families.chain(older) {
        for method in *methods {
            let request = || Request::new(*service, method, world.path(&format!("{family}{path}"))).line(CLIENT);
            cases.push(request());
            cases.push(request().line("Idempotency-Key: not a key").line("If-Match: \"").line("If-None-Match: garbage"));
            if *method != "GET" {
                cases.extend(BODIES.map(|body| request().json(body)));
                cases.push(request().line("Content-Type: text/plain").body("x"));
            }
        }
    }
    cases.into_iter().map(|request| request.refused(429, "rate_limited")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_beyond_the_limit_is_answered_429() {
    let panics = panics::watch();
    let system = System::builder()
        .set("RATE_LIMIT_PER_MINUTE", 1)
        .set("CHAT__RATE_LIMIT__TRUSTED_PROXIES", "127.0.0.0/8")
        .set("CHAT__RATE_LIMIT__TIMEOUT_MS", 2000)
        .start()
        .await;
    let world = World { token: NOBODY.replace('0', "f") };
    let cases = cases(&world);
    let distinct: HashSet<_> = cases.iter().map(|case| (case.service == Api, &case.bytes)).collect();
    assert_eq!(distinct.len(), cases.len(), "a case stands twice in the table");
    let (began, mut passed, mut wrong) = (Instant::now(), 0, Vec::new());
    for case in &cases {
        // The first request passes, and then one a minute: the next one does not.
        if check(&system, &world, case).await.is_err() {
            passed += 1;
            wrong.extend(check(&system, &world, case).await.err());
        }
    }
    println!("{} requests beyond the limit", cases.len());
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(passed <= 2 + began.elapsed().as_secs() / 60, "{passed} requests passed");
    assert_eq!(panics.seen(), Vec::<String>::new());
}
