//! Bodies that are no JSON, no object, of another type, too large, or whose fields break a rule: on every route that takes a
//! body.

use testkit::Service::{self, Api, Ingest};

use super::case::{Case, FAMILIES, Request, World};

/// A route that takes a body.
#[derive(Clone)]
struct Route {
    service: Service,
    method: &'static str,
    path: String,
    /// A further header that the route needs.
    header: Option<String>,
    wrapper: &'static str,
    field: &'static str,
    /// The longest text of the field.
    max_chars: usize,
    /// What the field may be besides a text.
    absent: bool,
    null: bool,
    /// The body may be left out.
    optional: bool,
}

fn routes(world: &World) -> Vec<Route> {
    let route = |service, method, path: String, wrapper, absent, null| Route {
        service,
        method,
        path: world.path(&path),
        header: None,
        wrapper,
        field: if wrapper == "message" { "body" } else { "name" },
        max_chars: if wrapper == "message" { 10_000 } else { 255 },
        absent,
        null,
        optional: false,
    };
    let mut routes = Vec::new();
    for family in FAMILIES {
        let application = format!("{family}/applications/{{app}}");
        routes.extend([
            route(Api, "POST", format!("{family}/applications"), "application", false, false),
            route(Api, "PUT", application.clone(), "application", false, false),
            route(Api, "PATCH", application.clone(), "application", true, false),
            route(Api, "PUT", format!("{application}/chats/1"), "chat", true, true),
            route(Api, "PATCH", format!("{application}/chats/1"), "chat", true, true),
            route(Api, "PUT", format!("{application}/chats/1/messages/1"), "message", false, false),
            route(Api, "PATCH", format!("{application}/chats/1/messages/1"), "message", true, false),
            Route { optional: true, ..route(Ingest, "POST", format!("{application}/chats"), "chat", true, true) },
            route(Ingest, "POST", format!("{application}/chats/1/messages"), "message", false, false),
        ]);
    }
    routes.push(Route { optional: true, ..route(Ingest, "POST", "/chats/{app}".to_owned(), "chat", true, true) });
    routes.push(Route {
        header: Some(format!("X-Application-Token: {}", world.token)),
        ..route(Ingest, "POST", "/chats/1/messages".to_owned(), "message", false, false)
    });
    routes
}

impl Route {
    fn request(&self) -> Request {
        let request = Request::new(self.service, self.method, &self.path);
        self.header.iter().fold(request, Request::line)
    }

    /// A body in which the field has this value.
    fn with(&self, value: &str) -> String {
        format!("{{\"{}\":{value}}}", self.field)
    }
}

pub(super) fn cases(world: &World) -> Vec<Case> {
    routes(world)
        .iter()
        .flat_map(|route| [malformed(route), invalid(route), foreign(route), too_large(route)])
        .flatten()
        .collect()
}

/// Not JSON, or no object.
fn malformed(route: &Route) -> Vec<Case> {
    let Route { wrapper, field, .. } = route;
    let texts = [
        "{".to_owned(),
        "}".to_owned(),
        "[]".to_owned(),
        "[{}]".to_owned(),
        "\"x\"".to_owned(),
        "5".to_owned(),
        "true".to_owned(),
        "null".to_owned(),
        "undefined".to_owned(),
        "<xml/>".to_owned(),
        format!("{field}=x"),
        format!("{{{field}:\"x\"}}"),
        format!("{{'{field}':'x'}}"),
        format!("{{\"{field}\":\"x\",}}"),
        format!("{{\"{field}\":\"x\"}} x"),
        format!("{{\"{field}\":\"x\"}}{{}}"),
        format!("{{\"{field}\" \"x\"}}"),
        format!("{{\"{field}\":\"x"),
        format!("{{\"{field}\":}}"),
        format!("{{\"{field}\":\"x\" /* comment */}}"),
        route.with("NaN"),
        route.with("-Infinity"),
        route.with("1e400"),
        route.with("01"),
        route.with("+1"),
        route.with("0x10"),
        route.with(".5"),
        route.with("True"),
        route.with(r#""\ud800""#),
        route.with(r#""\udc00\ud800""#),
        route.with(r#""\u12""#),
        route.with(r#""\x41""#),
        route.with("\"a\nb\""),
        route.with("\"a\0b\""),
        format!("\0{}", route.with("\"x\"")),
        format!("\u{feff}{}", route.with("\"x\"")),
        // A key twice: as a field, in the wrapper, the wrapper itself, spelt in two ways, far from what is read.
        format!("{{\"{field}\":\"x\",\"{field}\":\"y\"}}"),
        format!("{{\"{field}\":\"x\",\"{field}\":null}}"),
        format!("{{\"{wrapper}\":{{\"{field}\":\"x\",\"{field}\":\"y\"}}}}"),
        format!("{{\"{wrapper}\":{{\"{field}\":\"x\"}},\"{wrapper}\":{{}}}}"),
        format!("{{\"{field}\":\"x\",\"\\u{:04x}{}\":\"y\"}}", u32::from(field.as_bytes()[0]), &field[1..]),
        format!("{{\"{field}\":\"x\",\"other\":[{{\"a\":1,\"a\":2}}]}}"),
        // Wrapped in what is no object.
        format!("{{\"{wrapper}\":null}}"),
        format!("{{\"{wrapper}\":\"x\"}}"),
        format!("{{\"{wrapper}\":1}}"),
        format!("{{\"{wrapper}\":[{{\"{field}\":\"x\"}}]}}"),
        // Deep nesting.
        format!("{{\"{field}\":\"x\",\"a\":{}{}}}", "[".repeat(200), "]".repeat(200)),
        format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000)),
        "[".repeat(60_000),
    ];
    let bytes: [&[u8]; 7] = [
        b"\xff\xfe{\0}\0",                                                // UTF-16 with its mark
        b"\0{\0}",                                                        // UTF-16
        b"{\"name\":\"\xff\",\"body\":\"\xff\"}",                         // no UTF-8 at all
        b"{\"name\":\"\xc0\x80\",\"body\":\"\xc0\x80\"}",                 // overlong
        b"{\"name\":\"\xed\xa0\x80\",\"body\":\"\xed\xa0\x80\"}",         // a surrogate
        b"{\"name\":\"\xf4\x90\x80\x80\",\"body\":\"\xf4\x90\x80\x80\"}", // beyond Unicode
        b"{\"name\":\"\xe2\x82\",\"body\":\"\xe2\x82\"}",                 // cut off
    ];
    let texts = texts.iter().map(|text| text.as_bytes().to_vec());
    let all = texts.chain(bytes.iter().map(|bytes| bytes.to_vec()));
    let cases = all.map(|body| route.request().json(body).refused(400, "malformed_json"));
    // Where a body may be left out, white space is one that was.
    let empty = ["", " \r\n\t"].map(|body| route.request().json(body).refused(400, "malformed_json"));
    let none = route.request().refused(400, "malformed_json");
    cases.chain(empty.into_iter().chain([none]).filter(|_| !route.optional)).collect()
}

/// JSON objects whose field breaks a rule.
fn invalid(route: &Route) -> Vec<Case> {
    let Route { wrapper, max_chars, .. } = route;
    let long = |character: &str| format!("\"{}\"", character.repeat(max_chars + 1));
    let mut values: Vec<String> =
        ["1", "-0", "1e300", "18446744073709551616", "true", "false", "[]", "[\"x\"]", "{}", "\"\""].map(str::to_owned).into();
    values.push(format!("[{}0]", "0,".repeat(10_000)));
    values.extend([long("a"), long("é"), long("🦀"), long("\\u0000")].into_iter().filter(|value| value.len() < 65_000));
    values.extend((!route.null).then(|| "null".to_owned()));
    let mut bodies: Vec<String> =
        values.iter().flat_map(|value| [route.with(value), format!("{{\"{wrapper}\":{}}}", route.with(value))]).collect();
    if !route.absent {
        bodies.extend(["{}".to_owned(), format!("{{\"{wrapper}\":{{}}}}"), "{\"Name\":\"x\",\"BODY\":\"x\"}".to_owned()]);
        // Beside a wrapper the flat field does not count.
        bodies.push(format!("{{\"{wrapper}\":{{}},\"{}\":\"x\"}}", route.field));
    }
    bodies.into_iter().map(|body| route.request().json(body).refused(422, "invalid_field")).collect()
}

/// Bodies of another type, and encoded ones.
fn foreign(route: &Route) -> Vec<Case> {
    let body = route.with("\"x\"");
    let lines: [&[u8]; 13] = [
        b"Content-Type: text/plain",
        b"Content-Type: text/json",
        b"Content-Type: application/x-www-form-urlencoded",
        b"Content-Type: multipart/form-data; boundary=x",
        b"Content-Type: application/octet-stream",
        b"Content-Type: application/jsonp",
        b"Content-Type: application/json-seq",
        b"Content-Type: json",
        b"Content-Type:",
        b"Content-Type: \xff",
        b"Content-Encoding: gzip",
        b"Content-Encoding: br, gzip",
        b"Content-Encoding: nonsense",
    ];
    lines.map(|line| route.request().line(line).body(&body).refused(415, "unsupported_media_type")).into()
}

/// More than 64 KiB, sent or announced.
fn too_large(route: &Route) -> Vec<Case> {
    let large = "x".repeat(65_537);
    let chunk = format!("10001\r\n{large}\r\n0\r\n\r\n");
    let small_chunks = format!("{}0\r\n\r\n", format!("400\r\n{}\r\n", "x".repeat(1_024)).repeat(65));
    let chunked = route.request().line("Transfer-Encoding: chunked");
    vec![
        route.request().json(&large).refused(413, "payload_too_large"),
        route.request().json(" ".repeat(100_000)).refused(413, "payload_too_large"),
        route.request().line("Content-Length: 65537").refused(413, "payload_too_large"),
        route.request().line("Content-Length: 18446744073709551615").refused(413, "payload_too_large"),
        route.request().line("Expect: 100-continue").line("Content-Length: 999999").refused(413, "payload_too_large"),
        chunked.clone().tail(chunk).refused(413, "payload_too_large"),
        chunked.tail(small_chunks).refused(413, "payload_too_large"),
    ]
}
