//! Requests whose bounds cannot be told, or may be told in two ways; and what is no HTTP at all.

use testkit::Service::{self, Api, Ingest};

use super::case::{
    Case,
    Expected::{Bare, Problem},
    Request, World,
};

pub(super) fn cases(world: &World) -> Vec<Case> {
    let post = Request::new(Ingest, "POST", world.path("/applications/{app}/chats/1/messages"));
    let put = Request::new(Api, "PUT", world.path("/applications/{app}/chats/1/messages/1"));
    let mut cases: Vec<Case> = [post, put].iter().flat_map(|request| [lengths(request), chunks(request)]).flatten().collect();
    cases.extend([Api, Ingest].into_iter().flat_map(no_http));
    cases
}

/// Lengths that are none, or more than one.
fn lengths(request: &Request) -> Vec<Case> {
    let body = "{\"body\":\"smuggled\"}";
    let lines: [&[&str]; 14] = [
        &["Content-Length: 19", "Content-Length: 19"],
        &["Content-Length: 19", "Content-Length: 0"],
        &["Content-Length: 19, 19"],
        &["Content-Length: 19", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: chunked", "Content-Length: 19"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        &["Transfer-Encoding: chunked, chunked"],
        &["Transfer-Encoding: xchunked"],
        &["Content-Length: -1"],
        &["Content-Length: +19"],
        &["Content-Length: 0x13"],
        &["Content-Length: 19.0"],
        &["Content-Length: 18446744073709551616"],
    ];
    lines.map(|lines| lines.iter().fold(request.clone(), Request::line).tail(body).cut_off(400)).into()
}

/// Chunks that are wrongly framed: the head was good, so the service itself refuses.
fn chunks(request: &Request) -> Vec<Case> {
    let tails = [
        "zz\r\n",
        "-1\r\nx\r\n0\r\n\r\n",
        "+1\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        "\r\nx\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\nx",
        "1\r\nxy\r\n0\r\n\r\n",
        "1\nx\n0\n\n",
        "1;\x01\n\r\nx\r\n0\r\n\r\n",
    ];
    let chunked = request.clone().line("Transfer-Encoding: chunked");
    tails.map(|tail| chunked.clone().tail(tail).refused(400, "malformed_request")).into()
}

fn no_http(service: Service) -> Vec<Case> {
    let long = format!("GET /{} HTTP/1.1\r\nHost: chat\r\n\r\n", "x".repeat(70_000));
    let longer = format!("GET /{} HTTP/1.1\r\nHost: chat\r\n\r\n", "x".repeat(200_000));
    let method = format!("{} / HTTP/1.1\r\nHost: chat\r\n\r\n", "X".repeat(200_000));
    let bare: [(&[u8], u16); 18] = [
        (b"what is this?\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400), // the beginning of TLS
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /applications HTTP/3.0\r\nHost: chat\r\n\r\n", 400),
        (b"GET /applications HTTP/1.2\r\nHost: chat\r\n\r\n", 400),
        (b"GET /applications http/1.1\r\nHost: chat\r\n\r\n", 400),
        (b"GET /applications\r\n\r\n", 400),
        (b"GET  /applications HTTP/1.1\r\nHost: chat\r\n\r\n", 400),
        (b"GET /appli cations HTTP/1.1\r\nHost: chat\r\n\r\n", 400),
        (b"GET /appli\0cations HTTP/1.1\r\nHost: chat\r\n\r\n", 400),
        (b"GET /applications HTTP/1.1\r\n\r\n", 400), // no host
        (b"G\xc3\x89T /applications HTTP/1.1\r\nHost: chat\r\n\r\n", 400),
        ("GET /applications/é HTTP/1.1\r\nHost: chat\r\n\r\n".as_bytes(), 400),
        (b"GET /applications/\x80\xff HTTP/1.1\r\nHost: chat\r\n\r\n", 400),
        (b"POST /chats/1/messages HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (long.as_bytes(), 400),
        (longer.as_bytes(), 431),
        (method.as_bytes(), 431),
    ];
    let mut cases: Vec<Case> = bare.iter().map(|(bytes, status)| Case::raw(service, *bytes, Bare(*status))).collect();
    // Well formed, and no path of ours.
    for line in ["OPTIONS *", "CONNECT chat:80", "GET applications", "GET http://chat/", "GET //chat/applications"] {
        let head = format!("{line} HTTP/1.1\r\nHost: chat\r\nConnection: close\r\n\r\n");
        cases.push(Case::raw(service, head, Problem(404, "route_not_found")));
    }
    cases
}
