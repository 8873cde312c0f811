//! Who may see what, and who may change something. Where an administrator's token is configured, only who bears it, in the header
//! `Authorization` or as a [session](crate::session)'s cookie.
//!
//! Where none is, everybody may look at the figures, as everybody may list applications then. What clients wrote, and all that
//! changes something, is for who sits at the machine itself: the connection comes from it, through no proxy, and the page was
//! asked for under a name of the machine itself (another's name that leads here would be a page of another's).
//!
//! Whatever else they have, requests that a page of another origin makes a browser send are refused: by the headers in which
//! browsers tell of it, and what changes something by a CSRF token (the "HMAC-based token pattern" of OWASP's cheat sheet).

use std::{
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{
        Method, Version,
        header::{HOST, HeaderMap, ORIGIN},
    },
    web::Data,
};
use service::{AdminToken, problem::Problem};

use crate::{cookie, session::Sessions};

/// Where our page sends its CSRF token, which only it can know.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";
/// Who sits at the machine has no session; this is in its place.
const AT_THE_MACHINE: &str = "at the machine";

/// What decides.
pub(crate) struct AccessControl {
    token: Option<AdminToken>,
    pub(crate) sessions: Sessions,
}

/// How a request comes.
enum Way {
    /// With the token itself, which no browser sends by itself.
    Token,
    /// With a session, or from the machine itself; what the CSRF token is made of.
    Page(String),
    /// Without anything, where everybody may look.
    Visit,
}

impl AccessControl {
    pub(crate) fn new(token: Option<AdminToken>) -> Self {
        let sessions = Sessions::new(token.as_ref());
        Self { token, sessions }
    }

    /// Whether there is a token to sign in with, and this is it.
    pub(crate) fn opens(&self, token: &[u8]) -> bool {
        self.token.as_ref().is_some_and(|right| right.is(token))
    }

    pub(crate) fn asks_for_a_token(&self) -> bool {
        self.token.is_some()
    }

    fn way(&self, request: &HttpRequest) -> Result<Way, Problem> {
        let headers = request.headers();
        let Some(token) = &self.token else {
            let at_the_machine = is_at_the_machine(request);
            return Ok(if at_the_machine { Way::Page(AT_THE_MACHINE.to_owned()) } else { Way::Visit });
        };
        if token.is_borne_by(headers) {
            return Ok(Way::Token);
        }
        let session = cookie::of(headers).filter(|session| self.sessions.is_open(session));
        session.map(|session| Way::Page(session.to_owned())).ok_or_else(Problem::unauthorized)
    }

    fn judge(&self, request: &HttpRequest) -> Result<Observer, Problem> {
        if comes_from_elsewhere(request.headers()) {
            return Err(Problem::unauthorized());
        }
        let way = self.way(request)?;
        Ok(match way {
            Way::Token => Observer { may_act: true, csrf_token: None },
            Way::Page(session) => Observer { may_act: true, csrf_token: Some(self.sessions.csrf_token(&session)) },
            Way::Visit => Observer { may_act: false, csrf_token: None },
        })
    }

    fn judge_operator(&self, request: &HttpRequest) -> Result<Operator, Problem> {
        let observer = self.judge(request)?;
        if !observer.may_act {
            return Err(Problem::unauthorized());
        }
        if let (Some(_), false) = (&observer.csrf_token, *request.method() == Method::GET || *request.method() == Method::HEAD) {
            let sent = request.headers().get(CSRF_HEADER).ok_or_else(|| Problem::missing_header(CSRF_HEADER))?;
            let right = match self.way(request)? {
                Way::Page(session) => self.sessions.is_csrf_token(&session, sent.as_bytes()),
                Way::Token | Way::Visit => false,
            };
            if !right {
                return Err(Problem::unauthorized());
            }
        }
        Ok(Operator)
    }
}

/// A request that may see the figures.
pub(crate) struct Observer {
    /// Whether it may do more than look.
    pub(crate) may_act: bool,
    /// What its page must send back when it changes something.
    pub(crate) csrf_token: Option<String>,
}

/// A request that may see what clients wrote, and change something.
pub(crate) struct Operator;

impl FromRequest for Observer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(access(request).and_then(|access| access.judge(request)))
    }
}

impl FromRequest for Operator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(access(request).and_then(|access| access.judge_operator(request)))
    }
}

fn access(request: &HttpRequest) -> Result<&Data<AccessControl>, Problem> {
    request.app_data::<Data<AccessControl>>().ok_or_else(|| Problem::internal("a request was judged outside the console"))
}

/// Whether a browser says that a page of another origin has made it send this. Programs that are no browsers say nothing.
pub(crate) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    // Browsers say only this where the page came without TLS.
    text(ORIGIN.as_str()).is_some_and(|origin| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_none() || authority != text(HOST.as_str())
    })
}

fn is_at_the_machine(request: &HttpRequest) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let is_local = peer.is_some_and(|peer| peer.to_canonical().is_loopback()) && host.is_some_and(names_the_machine);
    is_local && !came_through_a_proxy(request)
}

/// Whether the request shows that a proxy has passed it on. One that adds nothing cannot be told from a client: with such a one,
/// or with a tunnel, only a token keeps others out.
fn came_through_a_proxy(request: &HttpRequest) -> bool {
    const MARKS: [&str; 10] =
        ["forwarded", "via", "x-forwarded", "x-real-", "x-client-", "x-original-", "x-envoy-", "x-proxy", "cf-", "true-client-"];
    // What speaks 1.0 today is a proxy: nginx does unless it is told otherwise.
    let speaks_as_one = request.version() < Version::HTTP_11;
    speaks_as_one || request.headers().keys().any(|name| MARKS.iter().any(|mark| name.as_str().starts_with(mark)))
}

/// `localhost`, `127.0.0.1:3000`, `[::1]:3000`.
fn names_the_machine(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or_default(),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    if !(port.is_empty() || port.starts_with(':')) {
        return false;
    }
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn request(headers: &[(&'static str, &str)]) -> TestRequest {
        let local = TestRequest::post().peer_addr(([127, 0, 0, 1], 1).into()).insert_header(("host", "localhost:3000"));
        headers.iter().fold(local, |request, (name, value)| request.insert_header((*name, HeaderValue::from_str(value).unwrap())))
    }

    fn open() -> AccessControl {
        AccessControl::new(None)
    }

    fn guarded() -> AccessControl {
        AccessControl::new(Some(AdminToken::try_from(TOKEN.to_owned()).unwrap()))
    }

    #[test]
    fn without_a_token_everybody_looks_and_the_machine_itself_acts() {
        let access = open();
        let code = access.sessions.csrf_token(AT_THE_MACHINE);
        let at_home = request(&[(CSRF_HEADER, &code)]).to_http_request();
        assert!(access.judge(&at_home).unwrap().may_act && access.judge_operator(&at_home).is_ok());
        let others = [
            request(&[(CSRF_HEADER, &code)]).peer_addr(([192, 0, 2, 7], 1).into()),
            request(&[(CSRF_HEADER, &code), ("host", "chat.example")]),
            request(&[(CSRF_HEADER, &code), ("host", "127.0.0.1.example")]),
            request(&[(CSRF_HEADER, &code), ("x-forwarded-for", "127.0.0.1")]),
            request(&[(CSRF_HEADER, &code), ("forwarded", "for=127.0.0.1")]),
            request(&[(CSRF_HEADER, &code), ("via", "1.1 proxy")]),
            request(&[(CSRF_HEADER, &code), ("x-real-ip", "192.0.2.7")]),
            request(&[(CSRF_HEADER, &code), ("x-forwarded-proto", "https")]),
            request(&[(CSRF_HEADER, &code), ("x-envoy-external-address", "192.0.2.7")]),
            request(&[(CSRF_HEADER, &code), ("cf-connecting-ip", "192.0.2.7")]),
            request(&[(CSRF_HEADER, &code)]).version(Version::HTTP_10),
        ];
        for other in others.map(TestRequest::to_http_request) {
            let observer = access.judge(&other).unwrap();
            assert!(!observer.may_act && observer.csrf_token.is_none(), "{other:?}");
            assert!(access.judge_operator(&other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn with_a_token_nobody_sees_anything_without_it() {
        let access = guarded();
        assert!(access.judge(&request(&[]).to_http_request()).is_err());
        let bearing = request(&[("authorization", &format!("Bearer {TOKEN}"))]).to_http_request();
        assert!(access.judge_operator(&bearing).is_ok());
        let session = access.sessions.open();
        let signed_in = |code: &str| request(&[("cookie", &format!("a=b; chat_console={session}; c=d")), (CSRF_HEADER, code)]);
        assert!(access.judge_operator(&signed_in(&access.sessions.csrf_token(&session)).to_http_request()).is_ok());
        for code in ["", "x", &access.sessions.csrf_token(AT_THE_MACHINE), &access.sessions.csrf_token(&access.sessions.open())] {
            let wrong = signed_in(code).to_http_request();
            assert!(access.judge(&wrong).is_ok() && access.judge_operator(&wrong).is_err(), "{code}");
        }
        let without = request(&[("cookie", &format!("chat_console={session}"))]);
        assert_eq!(access.judge_operator(&without.to_http_request()).err().map(|problem| problem.status().as_u16()), Some(400));
        let reading = TestRequest::get().insert_header(("cookie", format!("chat_console={session}")));
        assert!(access.judge_operator(&reading.to_http_request()).is_ok());
        assert!(access.judge(&request(&[("cookie", "chat_console=1.2.3")]).to_http_request()).is_err());
    }

    #[test]
    fn what_a_page_of_another_origin_has_sent_is_refused() {
        for (access, bearer) in [(open(), None), (guarded(), Some(format!("Bearer {TOKEN}")))] {
            let sent = |headers: &[(&'static str, &str)]| {
                let request = request(headers);
                let bearer = bearer.iter().map(|value| ("authorization", value.as_str()));
                bearer.fold(request, |request, header| request.insert_header(header)).to_http_request()
            };
            for ours in [
                vec![],
                vec![("origin", "http://localhost:3000")],
                vec![("origin", "https://localhost:3000"), ("sec-fetch-site", "same-origin")],
                vec![("sec-fetch-site", "none")],
            ] {
                assert!(access.judge(&sent(&ours)).is_ok(), "{ours:?}");
            }
            for theirs in [
                vec![("origin", "http://localhost:8080")],
                vec![("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
                vec![("origin", "null")],
                vec![("sec-fetch-site", "same-site")],
                vec![("sec-fetch-site", "cross-site")],
            ] {
                assert!(access.judge(&sent(&theirs)).is_err(), "{theirs:?}");
            }
        }
    }

    #[test]
    fn the_machine_has_few_names() {
        for name in ["localhost", "LocalHost:3000", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:3000"] {
            assert!(names_the_machine(name), "{name}");
        }
        for name in [
            "",
            "localhost.example",
            "127.0.0.1.example",
            "chat.example:3000",
            "[2001:db8::1]:3000",
            "0.0.0.0",
            "::1",
            "[::1]evil",
            "[::1",
        ] {
            assert!(!names_the_machine(name), "{name}");
        }
    }
}
