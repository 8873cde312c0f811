//! Who may look, and who may act.

use testkit::{Service, System};

use super::{csrf_token, header, keep, message, request, snapshot};

const ADMIN_TOKEN: &str = "k3Zb0x1q-Vw9.8u_tY7~s6+R5/d4E3c2B1A=";
/// All that shows or changes something of the system.
const GUARDED: [(&str, &str); 7] = [
    ("GET", "/session"),
    ("GET", "/snapshot"),
    ("GET", "/events"),
    ("GET", "/letters/1"),
    ("POST", "/letters/1/retry"),
    ("POST", "/letters/1/discard"),
    ("POST", "/counts/run"),
];

/// A form's field, encoded as far as a token needs it.
fn form_of(token: &str) -> String {
    format!("token={}", token.replace('+', "%2B").replace('=', "%3D"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_there_for_all_and_nothing_else_without_the_token() {
    let system = System::builder().set("ADMIN_TOKEN", ADMIN_TOKEN).start().await;
    let root = request(&system, "GET", "").send().await.unwrap();
    assert_eq!((root.status().as_u16(), header(&root, "location")), (308, Some("console/")));
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/sign-in", "text/html; charset=utf-8"),
        ("/files/app.js", "text/javascript; charset=utf-8"),
        ("/files/console.css", "text/css; charset=utf-8"),
        ("/files/icon.svg", "image/svg+xml"),
    ] {
        let file = request(&system, "GET", path).send().await.unwrap();
        assert_eq!((file.status().as_u16(), header(&file, "content-type")), (200, Some(kind)), "{path}");
        let policy = header(&file, "content-security-policy").unwrap();
        for part in
            ["default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "trusted-types 'none'"]
        {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert_eq!(header(&file, "x-content-type-options"), Some("nosniff"));
        assert!(!file.text().await.unwrap().contains(ADMIN_TOKEN));
    }
    system.api("GET", "/console/files/nothing.js").send().await.problem(404, "route_not_found");
    system.api("DELETE", "/console/snapshot").send().await.problem(405, "method_not_allowed");
    for (method, path) in GUARDED {
        let path = format!("/console{path}");
        system.api(method, &path).send().await.problem(401, "unauthorized");
        system.api(method, &path).header("cookie", "chat_console=1.2.3").send().await.problem(401, "unauthorized");
        let wrong = format!("Bearer {}", &ADMIN_TOKEN[1..]);
        system.api(method, &path).header("authorization", &wrong).send().await.problem(401, "unauthorized");
    }
    // Who bears the token itself needs nothing else: no browser sends it unasked.
    let right = format!("Bearer {ADMIN_TOKEN}");
    let session = system.api("GET", "/console/session").header("authorization", &right).send().await.expect(200);
    assert_eq!((&session["may_act"], &session["csrf_token"]), (&true.into(), &serde_json::Value::Null));
    let retried = system.api("POST", "/console/letters/99/retry").header("authorization", &right).send().await.expect(200);
    assert_eq!((&retried["is_done"], &retried["told"]), (&false.into(), &"there is no such letter".into()));
    system.api("GET", "/console/letters/99").header("authorization", &right).send().await.problem(404, "route_not_found");
    system.api("GET", "/console/letters/x").header("authorization", &right).send().await.problem(404, "route_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_acts_from_our_page_alone_on_every_replica() {
    let system = System::builder().set("ADMIN_TOKEN", ADMIN_TOKEN).replicas(Service::Api, 2).start().await;
    let sign_in = |token: &str| {
        let form = request(&system, "POST", "/sign-in").header("content-type", "application/x-www-form-urlencoded");
        form.body(form_of(token))
    };
    for wrong in ["", "x", &ADMIN_TOKEN[1..], &format!("{ADMIN_TOKEN}0")] {
        let refused = sign_in(wrong).send().await.unwrap();
        assert_eq!((refused.status().as_u16(), header(&refused, "location")), (303, Some("sign-in#refused")), "{wrong}");
        assert_eq!(header(&refused, "set-cookie"), None, "{wrong}");
    }
    let no_form = request(&system, "POST", "/sign-in").body("x=1").send().await.unwrap();
    assert_eq!(no_form.status().as_u16(), 400);
    let elsewhere = sign_in(ADMIN_TOKEN).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 401);

    let signed_in = sign_in(ADMIN_TOKEN).send().await.unwrap();
    assert_eq!((signed_in.status().as_u16(), header(&signed_in, "location")), (303, Some("./")));
    let set = header(&signed_in, "set-cookie").unwrap().to_owned();
    assert!(set.contains("; Path=/console;") && set.contains("; HttpOnly;") && set.ends_with("; SameSite=Strict"), "{set}");
    assert!(!set.contains(ADMIN_TOKEN));
    let cookie = set.split(';').next().unwrap().to_owned();
    // The two replicas take turns.
    let mut codes = Vec::new();
    for _ in 0..2 {
        let session = system.api("GET", "/console/session").header("cookie", &cookie).send().await.expect(200);
        assert_eq!((&session["may_act"], &session["can_sign_out"]), (&true.into(), &true.into()));
        codes.push(session["csrf_token"].as_str().unwrap().to_owned());
    }
    assert_eq!(codes[0], codes[1]);
    let retry = |code: &str| {
        let retry = system.api("POST", "/console/letters/99/retry").header("cookie", &cookie);
        if code.is_empty() { retry } else { retry.header("x-csrf-token", code) }
    };
    retry("").send().await.problem(400, "missing_header");
    retry("0").send().await.problem(401, "unauthorized");
    for _ in 0..2 {
        retry(&codes[0]).send().await.expect(200);
        retry(&codes[0]).header("sec-fetch-site", "same-origin").send().await.expect(200);
        retry(&codes[0]).header("sec-fetch-site", "cross-site").send().await.problem(401, "unauthorized");
        retry(&codes[0]).header("origin", "https://evil.example").send().await.problem(401, "unauthorized");
    }
    let out = request(&system, "POST", "/sign-out").header("cookie", &cookie).send().await.unwrap();
    assert_eq!((out.status().as_u16(), header(&out, "location")), (303, Some("sign-in")));
    assert!(header(&out, "set-cookie").unwrap().starts_with("chat_console=; Path=/console; Max-Age=0;"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_all_may_look_and_who_sits_at_the_machine_may_act() {
    let system = System::start().await;
    let id = super::id_of(&system, &system.create_application("console").await).await;
    keep(&system, store::dead_letters::Reason::Rejected, &message(id, 7, "what a client wrote")).await;
    let code = csrf_token(&system).await;
    let shown = system.api("GET", "/console/letters/1").send().await.expect(200);
    assert!(shown["payload"].as_str().unwrap().contains("what a client wrote"), "{shown}");
    system.api("POST", "/console/letters/1/retry").send().await.problem(400, "missing_header");
    system.api("POST", "/console/letters/1/retry").header("x-csrf-token", "0").send().await.problem(401, "unauthorized");
    for (name, value) in [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1"), ("host", "chat.example")] {
        let ask = |method: &str, path: &str| request(&system, method, path).header(name, value).header("x-csrf-token", &code);
        let session: serde_json::Value = ask("GET", "/session").send().await.unwrap().json().await.unwrap();
        assert_eq!((&session["may_act"], &session["csrf_token"]), (&false.into(), &serde_json::Value::Null), "{name}");
        assert_eq!(ask("GET", "/snapshot").send().await.unwrap().status().as_u16(), 200, "{name}");
        for (method, path) in GUARDED.iter().filter(|(_, path)| path.starts_with("/letters") || path.starts_with("/counts")) {
            assert_eq!(ask(method, path).send().await.unwrap().status().as_u16(), 401, "{name} {path}");
        }
    }
    // The figures show where a letter is, and nothing of what its client wrote.
    let figures = snapshot(&system).await;
    assert_eq!(figures["letters"]["list"][0]["message"], 7);
    assert!(!figures.to_string().contains("what a client wrote"));
    for path in ["/session", "/snapshot", "/letters/1"] {
        let theirs = request(&system, "GET", path).header("origin", "https://evil.example").send().await.unwrap();
        assert_eq!(theirs.status().as_u16(), 401, "{path}");
    }
}
