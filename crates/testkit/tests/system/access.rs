//! Who may do what, and what answers tell browsers: the administrator's token, CORS, security headers, compression.

use serde_json::json;
use testkit::{Answer, Ask, Service, System};

const ADMIN_TOKEN: &str = "k3Zb0x1q-Vw9.8u_tY7~s6+R5/d4E3c2B1A=";

fn listed(header: Option<&str>) -> Vec<String> {
    header
        .unwrap_or_default()
        .split(',')
        .map(|entry| entry.trim().to_ascii_lowercase())
        .filter(|entry| !entry.is_empty())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_admin_token_only_who_bears_it_lists_and_creates_applications() {
    let system = System::builder().set("ADMIN_TOKEN", ADMIN_TOKEN).start().await;
    let bearing = |method: &str, path: &str, value: &str| system.api(method, path).header("Authorization", value);
    let right = format!("Bearer {ADMIN_TOKEN}");
    for prefix in ["", "/api/v1"] {
        let path = format!("{prefix}/applications");
        let name = json!({ "name": "Globe" });
        let created = bearing("POST", &path, &right).json(name.clone()).send().await.expect(201);
        bearing("GET", &path, &right).send().await.expect(200);
        let token = created["token"].as_str().unwrap();
        let refused: Vec<Ask> = [
            format!("Bearer {}", &ADMIN_TOKEN[1..]),
            format!("Bearer {ADMIN_TOKEN}x"),
            format!("Basic {ADMIN_TOKEN}"),
            format!("Bearer {token}"),
            "Bearer".to_owned(),
        ]
        .iter()
        .flat_map(|value| [bearing("POST", &path, value), bearing("GET", &path, value)])
        .chain([system.api("POST", &path), system.api("GET", &path)])
        .chain([bearing("GET", &path, &right).header("Authorization", &right)])
        .collect();
        for ask in refused {
            // Nothing is said of the body before it is known who asks.
            let answer = ask.json(json!([])).send().await;
            answer.problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"administration\""));
            assert!(!answer.text().contains(ADMIN_TOKEN));
        }
        assert_eq!(system.api("HEAD", &path).send().await.status, 401);
        assert_eq!(system.api("OPTIONS", &path).send().await.status, 204);
        // An application's own token is all that its clients need.
        let path = format!("{path}/{token}");
        system.api("GET", &path).send().await.expect(200);
        system.api("PATCH", &path).json(name).send().await.expect(200);
        let created = system.ingest("POST", &format!("{path}/chats")).send().await;
        assert!(matches!(created.status, 201 | 202), "{}", created.text());
        system.api("GET", &format!("{path}/chats")).send().await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_token_that_can_be_guessed_is_refused_at_the_start_and_not_repeated() {
    let system = System::start().await;
    let weak = "hunter2hunter2hunter2";
    let refused = system.try_launch(Service::Api, &[("ADMIN_TOKEN", weak)]).await.unwrap_err();
    assert!(refused.contains("ADMIN_TOKEN") && refused.contains("at least 32 characters"), "{refused}");
    assert!(!refused.contains(weak), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_tells_browsers_and_caches_to_be_careful() {
    let system = System::start().await;
    let application = system.create_application("Globe").await;
    let careful = |answer: &Answer| {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{} {}", answer.status, answer.text());
        }
        assert_eq!(answer.header("access-control-allow-origin"), None);
        answer.header("cache-control").map(str::to_owned)
    };
    let read = Some("private, no-cache".to_owned());
    let error = Some("no-store".to_owned());
    assert_eq!(careful(&application.read().await), read);
    assert_eq!(careful(&system.api("HEAD", &application.path()).send().await), read);
    assert_eq!(careful(&system.api("GET", "/api/v1/applications").send().await), read);
    assert_eq!(careful(&system.api("GET", "/nowhere").header("Origin", "https://chat.example").send().await), error);
    assert_eq!(careful(&system.api("DELETE", "/applications").send().await), error);
    assert_eq!(careful(&system.api("GET", "/healthz").send().await), error);
    assert_eq!(careful(&application.attempt_chat().send().await), None);
    assert_eq!(careful(&system.ingest("POST", "/chats/x").send().await), error);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_the_configured_origins_may_call_and_read() {
    let page = "https://chat.example";
    let origins = "http://localhost:5173, https://Chat.Example";
    // Even who has used up a limit, and who is refused, can read why.
    let system = System::builder().set("CHAT__HTTP__CORS_ORIGINS", origins).set("RATE_LIMIT_PER_MINUTE", 1000).start().await;
    let application = system.create_application("Globe").await;
    let chats = format!("{}/chats", application.path());
    let exposed = [
        "etag",
        "idempotency-replayed",
        "link",
        "location",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "x-request-id",
        "x-search-source",
        "x-unknown-parameters",
    ];
    for (service, method, path, status) in [
        (Service::Api, "GET", chats.as_str(), 200),
        (Service::Ingest, "POST", &chats, 201),
        (Service::Api, "GET", "/nowhere", 404),
        (Service::Api, "GET", "/healthz", 200),
    ] {
        let preflight =
            system.ask(service, "OPTIONS", path).header("Origin", page).header("Access-Control-Request-Method", "PATCH");
        let preflight = preflight.header("Access-Control-Request-Headers", "content-type,idempotency-key,if-match").send().await;
        assert_eq!(preflight.status, 200, "{}", preflight.text());
        assert_eq!(preflight.header("access-control-allow-origin"), Some(page));
        assert!(listed(preflight.header("access-control-allow-methods")).contains(&"patch".to_owned()));
        assert!(listed(preflight.header("access-control-allow-headers")).contains(&"idempotency-key".to_owned()));
        assert_eq!((preflight.header("access-control-max-age"), preflight.header("ratelimit")), (Some("7200"), None));
        assert!(preflight.header("x-request-id").is_some());

        let answer = system.ask(service, method, path).header("Origin", page).send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("access-control-allow-origin"), Some(page), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let mut shown = listed(answer.header("access-control-expose-headers"));
        shown.sort();
        assert_eq!(shown, exposed);
        assert!(listed(answer.header("vary")).contains(&"origin".to_owned()), "{:?}", answer.header("vary"));

        // A page of another origin gets no leave; what it asks is answered, because it may be no page at all.
        let other = system.ask(service, method, path).header("Origin", "https://evil.example").send().await;
        assert_eq!((other.status, other.header("access-control-allow-origin")), (status, None), "{path}");
    }
    let refused =
        system.api("OPTIONS", &chats).header("Origin", "https://evil.example").header("Access-Control-Request-Method", "GET");
    let refused = refused.send().await;
    refused.problem(400, "malformed_request");
    assert_eq!(refused.header("access-control-allow-origin"), None);
    // OPTIONS of who is no page answers as ever.
    let options = system.api("OPTIONS", &chats).send().await;
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_page_may_call_when_all_origins_are_allowed() {
    let system = System::builder().set("CHAT__HTTP__CORS_ORIGINS", "*").start().await;
    for path in ["/applications", "/nowhere"] {
        let answer = system.api("GET", path).header("Origin", "https://chat.example").send().await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    let wrong = system.try_launch(Service::Ingest, &[("CHAT__HTTP__CORS_ORIGINS", "chat.example")]).await.unwrap_err();
    assert!(wrong.contains("http.cors_origins") && wrong.contains("chat.example"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_lists_are_compressed_for_clients_that_accept_it_and_nothing_else_is() {
    let system = System::start().await;
    let application = system.create_application("Globe").await;
    let chat = application.create_chat().await;
    let speech = "Shall I compare thee to a summer's day? ".repeat(30);
    for _ in 0..3 {
        chat.post(&speech).await;
    }
    chat.await_found("summer", &[1, 2, 3], super::search::SOME_TIME).await;
    application.create_chat().await;

    let messages = format!("{}/messages", chat.path());
    let get = |method: &str, path: &str, accepts: &str| system.api(method, path).header("Accept-Encoding", accepts).send();
    for path in [messages.clone(), format!("/api/v1{messages}"), format!("{messages}/search?query=summer")] {
        let plain = get("GET", &path, "identity").await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
        assert!(plain.body.len() > 3 * speech.len());
        for accepts in ["gzip", "br, gzip;q=0.8", "gzip, deflate, br, zstd"] {
            let packed = get("GET", &path, accepts).await;
            assert_eq!((packed.status, packed.header("content-encoding")), (200, Some("gzip")), "{accepts}");
            assert_eq!(unpacked(&packed), plain.body, "{accepts}");
            assert_eq!(packed.header("content-length"), Some(packed.body.len().to_string().as_str()));
            assert!(packed.body.len() < plain.body.len() / 4, "{} of {}", packed.body.len(), plain.body.len());
            let head = get("HEAD", &path, accepts).await;
            assert_eq!(head.header("content-length"), packed.header("content-length"));
        }
        for accepts in ["", "*", "br", "gzip;q=0", "identity;q=1, gzip;q=0.5", "nonsense", "identity;q=0, br"] {
            let answer = get("GET", &path, accepts).await;
            assert_eq!((answer.status, answer.header("content-encoding")), (200, None), "{accepts:?}");
            assert_eq!(answer.body, plain.body, "{accepts:?}");
        }
        for answer in [&plain, &get("GET", &path, "gzip").await] {
            assert!(listed(answer.header("vary")).contains(&"accept-encoding".to_owned()), "{:?}", answer.header("vary"));
        }
    }
    // Small lists, single objects, errors and creates go out as they are.
    for path in
        [format!("{}/chats", application.path()), format!("{messages}/1"), format!("{messages}?limit=0"), "/metrics".into()]
    {
        assert_eq!(get("GET", &path, "gzip").await.header("content-encoding"), None, "{path}");
    }
    let created = chat.attempt_post(&speech).header("Accept-Encoding", "gzip").send().await;
    assert_eq!((created.status, created.header("content-encoding"), created.header("vary")), (201, None, None));
}

fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(answer.body.as_slice()), &mut plain).unwrap();
    plain
}
