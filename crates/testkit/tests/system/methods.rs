//! Every route of both services: the methods that it answers and names, HEAD as GET without the body, and the query parameters
//! that it does not know.

use std::time::Duration;

use testkit::{Answer, Ask, Service, System};

use Service::{Api, Ingest};

const SHOWN: &str = "GET, HEAD, OPTIONS";
const LISTED: &[&str] = &["limit", "per_page", "after", "before", "page"];
const SEARCHED: &[&str] = &["query", "q", "highlight", "limit", "per_page", "after", "before", "page"];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

/// A path, what it answers, and the query parameters that its GET reads. `{app}` is an application that exists, with one chat, 1,
/// of one message, 1.
type Route = (Service, &'static str, &'static str, &'static [&'static str]);

/// These exist under `/api/v1` too.
const IN_BOTH_FAMILIES: [Route; 10] = [
    (Api, "/applications", "GET, HEAD, POST, OPTIONS", LISTED),
    (Api, "/applications/{app}", "GET, HEAD, PUT, PATCH, OPTIONS", &[]),
    (Api, "/applications/{app}/chats", SHOWN, LISTED),
    (Api, "/applications/{app}/chats/1", "GET, HEAD, PUT, PATCH, OPTIONS", &[]),
    (Api, "/applications/{app}/chats/1/messages", SHOWN, LISTED),
    (Api, "/applications/{app}/chats/1/messages/1", "GET, HEAD, PUT, PATCH, OPTIONS", &[]),
    (Api, "/applications/{app}/chats/1/messages/search", SHOWN, SEARCHED),
    (Ingest, "/applications/{app}/chats", "POST, OPTIONS", &[]),
    (Ingest, "/applications/{app}/chats/1/messages", "POST, OPTIONS", &[]),
    (Ingest, "/applications/{app}/chats/1/messages:batch", "POST, OPTIONS", &[]),
];

const IN_ONE_SPELLING: [Route; 9] = [
    (Api, "/chats/1/messages/search", SHOWN, SEARCHED),
    (Api, "/healthz", SHOWN, &[]),
    (Api, "/readyz", SHOWN, &[]),
    (Api, "/metrics", SHOWN, &[]),
    (Ingest, "/chats/{app}", "POST, OPTIONS", &[]),
    (Ingest, "/chats/1/messages", "POST, OPTIONS", &[]),
    (Ingest, "/healthz", SHOWN, &[]),
    (Ingest, "/readyz", SHOWN, &[]),
    (Ingest, "/metrics", SHOWN, &[]),
];

fn routes(token: &str) -> Vec<(Service, String, &'static str, &'static [&'static str])> {
    let both = ["", "/api/v1"].into_iter().flat_map(|prefix| IN_BOTH_FAMILIES.into_iter().map(move |route| (prefix, route)));
    let mut routes: Vec<_> = both
        .chain(IN_ONE_SPELLING.into_iter().map(|route| ("", route)))
        .map(|(prefix, (service, path, allow, known))| (service, format!("{prefix}{path}").replace("{app}", token), allow, known))
        .collect();
    // The ingest's come last: what a POST there creates would change the lists.
    routes.sort_by_key(|(service, ..)| *service == Ingest);
    routes
}

async fn filled() -> (System, String) {
    let system = System::start().await;
    let application = system.create_application("routes").await;
    let chat = application.create_chat().await;
    chat.post("text").await;
    chat.await_stored(1).await;
    chat.await_found("tex", &[1], Duration::from_secs(20)).await;
    // Else the count job would change a tag between two requests.
    consumer::counts::run(system.store()).await.unwrap();
    let token = application.token.clone();
    (system, token)
}

/// The headers that must be the same, but for those that tell one answer from another. The texts of `/readyz` and `/metrics`
/// change from one moment to the next, and with them their lengths.
fn head(answer: &Answer, path: &str) -> Vec<(String, String)> {
    let changing = ["/readyz", "/metrics"].contains(&path);
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .map(|(name, value)| if changing && name == "content-length" { (name, "some".to_owned()) } else { (name, value) })
        .collect();
    headers.sort();
    headers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_route_answers_its_methods_and_names_them() {
    let (system, token) = filled().await;
    for (service, path, allow, known) in routes(&token) {
        let query = if known == SEARCHED { "?query=tex" } else { "" };
        let ask = |method: &str| -> Ask {
            system.ask(service, method, &format!("{path}{query}")).header("X-Application-Token", &token)
        };
        let options = ask("OPTIONS").send().await;
        assert_eq!((options.status, options.header("allow")), (204, Some(allow)), "{service:?} {path}");
        assert!(options.body.is_empty() && options.header("content-type").is_none(), "{service:?} {path}");

        for method in METHODS.into_iter().filter(|method| !allow.split(", ").any(|allowed| allowed == *method)) {
            let answer = ask(method).send().await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {service:?} {path}");
            match method {
                "HEAD" => assert!(answer.body.is_empty(), "{service:?} {path}"),
                _ => drop(answer.problem(405, "method_not_allowed")),
            }
        }
        if allow.starts_with("GET") {
            let (get, without_body) = (ask("GET").send().await, ask("HEAD").send().await);
            assert_eq!((get.status, without_body.status), (200, 200), "{service:?} {path}: {}", get.text());
            assert!(!get.body.is_empty() && without_body.body.is_empty(), "{service:?} {path}");
            assert_eq!(get.header("content-length"), Some(get.body.len().to_string().as_str()), "{service:?} {path}");
            assert_eq!(head(&without_body, &path), head(&get, &path), "{service:?} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_tells_a_refusal_as_get_does() {
    let (system, token) = filled().await;
    let unknown = "0123456789abcdef0123456789abcdef";
    for (service, path, status) in [
        (Api, format!("/applications/{unknown}"), 404),
        (Api, format!("/applications/{token}/chats/2"), 404),
        (Api, format!("/applications/{token}/chats/1/messages/2"), 404),
        (Api, format!("/api/v1/applications/{token}/chats?limit=0"), 422),
        (Api, format!("/applications/{token}/chats/1/messages/search"), 422),
        (Api, "/chats/1/messages/search?query=x".to_owned(), 400),
        (Api, "/nowhere".to_owned(), 404),
        (Ingest, "/nowhere".to_owned(), 404),
    ] {
        let (get, without_body) =
            (system.ask(service, "GET", &path).send().await, system.ask(service, "HEAD", &path).send().await);
        assert_eq!((get.status, without_body.status), (status, status), "{path}");
        assert!(without_body.body.is_empty(), "{path}");
        // The answers hold their requests' ids, which have one length.
        assert_eq!(head(&without_body, &path), head(&get, &path), "{path}");
    }
    system.api("OPTIONS", "/nowhere").send().await.problem(404, "route_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_query_parameters_are_named_and_change_nothing() {
    const HEADER: &str = "x-unknown-parameters";
    let (system, token) = filled().await;
    for (service, path, allow, known) in routes(&token) {
        let ask = |method: &str, query: &str| -> Ask {
            system.ask(service, method, &format!("{path}?{query}")).header("X-Application-Token", &token)
        };
        let query = if known == SEARCHED { "query=tex&" } else { "" };
        if allow.starts_with("GET") {
            for method in ["GET", "HEAD"] {
                let plain = ask(method, query).send().await;
                assert_eq!((plain.status, plain.header(HEADER)), (200, None), "{method} {service:?} {path}");
                let other = ask(method, &format!("{query}colour=secret&Limit=1&colour=2")).send().await;
                assert_eq!((other.status, other.header(HEADER)), (200, Some("colour, Limit")), "{method} {service:?} {path}");
                if method == "GET" && !["/readyz", "/metrics"].contains(&path.as_str()) {
                    assert_eq!(other.body, plain.body, "{service:?} {path}");
                }
            }
            // What a route reads, whether or not it can be meant, is not unknown to it; what it does not read is.
            for name in SEARCHED {
                let answer = ask("GET", &format!("{name}=1")).send().await;
                assert_eq!(answer.header(HEADER), (!known.contains(name)).then_some(*name), "{service:?} {path} {name}");
            }
        }
        for method in METHODS.into_iter().filter(|method| !["GET", "HEAD", "TRACE"].contains(method)).chain(["OPTIONS"]) {
            let answer = ask(method, "limit=1&a%20b%0d%0a=2").send().await;
            assert_eq!(answer.header(HEADER), Some("limit, a_b__"), "{method} {service:?} {path}");
        }
    }
}
