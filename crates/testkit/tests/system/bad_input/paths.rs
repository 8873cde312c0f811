//! Paths that name nothing: tokens and numbers that cannot be any, and tricks with slashes, dots, percent signs and bytes.

use testkit::Service::{self, Api, Ingest};

use super::case::{Case, FAMILIES, NOBODY, Request, World};

/// What cannot be a token, or is nobody's.
fn tokens(world: &World) -> Vec<String> {
    let token = &world.token;
    // The first character, encoded twice: once it is decoded, and then it is no token.
    let code = format!("{:02x}", token.as_bytes()[0]);
    let [high, low] = [0, 1].map(|digit| code.as_bytes()[digit]);
    Vec::from([
        format!("%%{high:02x}%{low:02x}{}", &token[1..]),
        NOBODY.to_owned(),
        "1".to_owned(),
        "null".to_owned(),
        token.to_uppercase(),
        format!("{token}0"),
        token[1..].to_owned(),
        format!("{token}%00"),
        format!("{token}%0d%0a"),
        format!("%20{token}"),
        format!("{token}%2F"),
        format!("{token};v=1"),
        format!("%252e{token}"),
        "%27%20OR%201=1".to_owned(),
        "..".to_owned(),
        "%2e%2e".to_owned(),
        "..%2f..%2fetc%2fpasswd".to_owned(),
        "%c0%af%c0%ae".to_owned(),
        "%FF%FE".to_owned(),
        "%ed%a0%80".to_owned(),
        "%".to_owned(),
        "%zz".to_owned(),
        "%u0041".to_owned(),
        "*".to_owned(),
        "{token}".to_owned(),
        "$(id)".to_owned(),
        "x".repeat(5_000),
        "%41".repeat(5_000),
        // Thirty-two digits that are no ASCII.
        "%D9%A1".repeat(32),
    ])
}

/// What cannot be a number, or was never given.
const NUMBERS: [&str; 26] = [
    "0",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x1",
    "%201",
    "1%20",
    "1%00",
    "1%2F",
    "1;x",
    "1,1",
    "a",
    "%31a",
    "%2531",
    "%%33%31",
    "*",
    "%",
    "..",
    "%2e",
    "%ff",
    "%D9%A1",
    "9007199254740991",
    "9007199254740992",
    "18446744073709551616",
    "100000000000000000000000000000000000000000000000000000000001",
];

/// A route whose last named part is to be tried, with what it takes otherwise.
struct Place {
    service: Service,
    method: &'static str,
    before: &'static str,
    after: &'static str,
    body: Option<&'static str>,
    /// Whether it is in the unversioned family alone.
    older: bool,
}

const fn place(service: Service, method: &'static str, before: &'static str, after: &'static str) -> Place {
    Place { service, method, before, after, body: None, older: false }
}

const NAME: Option<&str> = Some(r#"{"name":"x"}"#);
const BODY: Option<&str> = Some(r#"{"body":"x"}"#);

const BATCH: Option<&str> = Some(r#"{"messages":[{"body":"x"}]}"#);

const APPLICATIONS: [Place; 13] = [
    place(Api, "GET", "/applications/", ""),
    Place { body: NAME, ..place(Api, "PUT", "/applications/", "") },
    Place { body: NAME, ..place(Api, "PATCH", "/applications/", "") },
    place(Api, "GET", "/applications/", "/chats"),
    place(Api, "GET", "/applications/", "/chats/1"),
    Place { body: NAME, ..place(Api, "PUT", "/applications/", "/chats/1") },
    place(Api, "GET", "/applications/", "/chats/1/messages"),
    place(Api, "GET", "/applications/", "/chats/1/messages/1"),
    place(Api, "GET", "/applications/", "/chats/1/messages/search?query=x"),
    place(Ingest, "POST", "/applications/", "/chats"),
    Place { body: BODY, ..place(Ingest, "POST", "/applications/", "/chats/1/messages") },
    Place { body: BATCH, ..place(Ingest, "POST", "/applications/", "/chats/1/messages:batch") },
    Place { older: true, ..place(Ingest, "POST", "/chats/", "") },
];

const CHATS: [Place; 10] = [
    place(Api, "GET", "/applications/{app}/chats/", ""),
    Place { body: NAME, ..place(Api, "PUT", "/applications/{app}/chats/", "") },
    Place { body: NAME, ..place(Api, "PATCH", "/applications/{app}/chats/", "") },
    place(Api, "GET", "/applications/{app}/chats/", "/messages"),
    place(Api, "GET", "/applications/{app}/chats/", "/messages/1"),
    Place { body: BODY, ..place(Api, "PUT", "/applications/{app}/chats/", "/messages/1") },
    place(Api, "GET", "/applications/{app}/chats/", "/messages/search?query=x"),
    Place { body: BODY, ..place(Ingest, "POST", "/applications/{app}/chats/", "/messages") },
    Place { body: BATCH, ..place(Ingest, "POST", "/applications/{app}/chats/", "/messages:batch") },
    Place { body: BODY, older: true, ..place(Ingest, "POST", "/chats/", "/messages") },
];

const MESSAGES: [Place; 3] = [
    place(Api, "GET", "/applications/{app}/chats/1/messages/", ""),
    Place { body: BODY, ..place(Api, "PUT", "/applications/{app}/chats/1/messages/", "") },
    Place { body: BODY, ..place(Api, "PATCH", "/applications/{app}/chats/1/messages/", "") },
];

impl Place {
    fn cases(&self, world: &World, segment: &str, code: &'static str) -> Vec<Case> {
        let families = if self.older { &FAMILIES[..1] } else { &FAMILIES };
        let request = |family: &&str| {
            let before = world.path(&format!("{family}{}", self.before));
            let request = Request::new(self.service, self.method, format!("{before}{segment}{}", self.after));
            let token = format!("X-Application-Token: {}", world.token);
            let request = if self.older && !self.after.is_empty() { request.line(token) } else { request };
            self.body.iter().fold(request, |request, body| request.json(body)).refused(404, code)
        };
        families.iter().map(request).collect()
    }
}

pub(super) fn cases(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for place in &APPLICATIONS {
        cases.extend(tokens(world).iter().flat_map(|token| place.cases(world, token, "application_not_found")));
    }
    for place in &CHATS {
        cases.extend(NUMBERS.iter().flat_map(|number| place.cases(world, number, "chat_not_found")));
    }
    for place in &MESSAGES {
        cases.extend(NUMBERS.iter().flat_map(|number| place.cases(world, number, "message_not_found")));
    }
    cases.extend(
        NOWHERE.iter().flat_map(|(service, method, path)| {
            [Request::new(*service, method, world.path(path)).refused(404, "route_not_found")]
        }),
    );
    let long = format!("/{}", "a/".repeat(20_000));
    cases.push(Request::new(Api, "GET", &long).refused(404, "route_not_found"));
    cases.push(Request::new(Ingest, "POST", &long).refused(404, "route_not_found"));
    cases
}

/// Paths at which there is nothing.
const NOWHERE: [(Service, &str, &str); 44] = [
    (Api, "GET", "/"),
    (Api, "GET", "//"),
    (Api, "GET", "/%00"),
    (Api, "GET", "/%"),
    (Api, "GET", "/%ff"),
    (Api, "GET", "//applications"),
    (Api, "GET", "/applications/"),
    (Api, "GET", "/applications//"),
    (Api, "GET", "/./applications"),
    (Api, "GET", "/x/../applications"),
    (Api, "GET", "/Applications"),
    (Api, "GET", "/application"),
    (Api, "GET", "/applications.json"),
    (Api, "GET", "/applications;jsessionid=1"),
    (Api, "GET", "/applications%00"),
    (Api, "GET", "/applications%2F{app}"),
    (Api, "GET", "/applications/{app}/"),
    (Api, "GET", "/applications/{app}/chat"),
    (Api, "GET", "/applications/{app}/chats/"),
    (Api, "GET", "/applications/{app}//chats"),
    (Api, "GET", "/applications/{app}/chats/1/"),
    (Api, "GET", "/applications/{app}/chats/../chats/1"),
    (Api, "GET", "/applications/{app}/chats/1/messages/"),
    (Api, "GET", "/applications/{app}/chats/1/messages/1/1"),
    (Api, "GET", "/applications/{app}/chats/1/messages/search/"),
    (Api, "GET", "/applications/{app}/chats/1/search?query=x"),
    (Api, "GET", "/chats/1"),
    (Api, "GET", "/chats/1/messages"),
    (Api, "GET", "/api"),
    (Api, "GET", "/api/v1"),
    (Api, "GET", "/api/v1/"),
    (Api, "GET", "/api/v2/applications"),
    (Api, "GET", "/api/v1/api/v1/applications"),
    (Api, "GET", "/api/v1/chats/1/messages/search?query=x"),
    (Ingest, "POST", "/applications"),
    (Ingest, "POST", "/messages"),
    (Ingest, "POST", "/chats"),
    (Ingest, "POST", "/chats/"),
    (Ingest, "POST", "/api/v1/chats/{app}"),
    (Ingest, "POST", "/api/v1/chats/1/messages"),
    (Ingest, "POST", "/chats/1/messages:batch"),
    (Ingest, "POST", "/applications/{app}/chats:batch"),
    (Ingest, "POST", "/applications/{app}/chats/1/messages:Batch"),
    (Ingest, "POST", "/applications/{app}/chats/1/messages/:batch"),
];
