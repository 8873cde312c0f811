//! What answers say about themselves: to browsers, to caches, and when they are compressed.

use std::io::Read;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, ETAG, VARY};
use actix_web::web::ServiceConfig;
use flate2::read::GzDecoder;
use service::http::endpoint;

use crate::support::Server;

fn routes(config: &mut ServiceConfig) {
    let page = async || HttpResponse::Ok().insert_header((CONTENT_SECURITY_POLICY, "default-src 'self'")).body("<p>");
    let large = async || HttpResponse::Ok().insert_header((ETAG, "\"1\"")).insert_header((VARY, "X-Other")).body(body(200_000));
    let bound = async || body(1024);
    let below = async || body(1023);
    config
        .service(endpoint("/page").get(page))
        .service(endpoint("/plain").get(bound))
        .service(endpoint("/large").get(large).compressed())
        .service(endpoint("/bound").get(bound).compressed())
        .service(endpoint("/below").get(below).compressed());
}

/// Text that shrinks, and of which every part is another.
fn body(bytes: usize) -> String {
    (0..).flat_map(|number: u32| number.to_string().into_bytes()).take(bytes).map(char::from).collect()
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> (Vec<(String, String)>, Vec<u8>) {
    let response = server.get(path, headers).await;
    let heads = response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (heads, response.bytes().await.unwrap().to_vec())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

#[actix_web::test]
async fn a_handlers_own_header_wins() {
    let server = Server::start(routes).await;
    let (page, _) = get(&server, "/page", &[]).await;
    assert_eq!(header(&page, "content-security-policy"), Some("default-src 'self'"));
    assert_eq!(header(&page, "referrer-policy"), Some("no-referrer"));
    let (plain, _) = get(&server, "/plain", &[]).await;
    assert_eq!(header(&plain, "content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"));
    assert_eq!(header(&plain, "cache-control"), Some("private, no-cache"));
}

#[actix_web::test]
async fn only_what_is_large_is_compressed_and_only_where_it_was_asked_for() {
    let server = Server::start(routes).await;
    for (path, bytes, packed, vary) in [
        ("/large", 200_000, true, Some("X-Other, Accept-Encoding")),
        ("/bound", 1024, true, Some("Accept-Encoding")),
        ("/below", 1023, false, Some("Accept-Encoding")),
        ("/plain", 1024, false, None),
    ] {
        let (headers, content) = get(&server, path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(header(&headers, "content-encoding"), packed.then_some("gzip"), "{path}");
        assert_eq!(header(&headers, "content-length"), Some(content.len().to_string().as_str()), "{path}");
        assert_eq!(header(&headers, "vary"), vary, "{path}");
        let mut text = String::new();
        match packed {
            true => GzDecoder::new(content.as_slice()).read_to_string(&mut text).unwrap(),
            false => content.as_slice().read_to_string(&mut text).unwrap(),
        };
        assert!(text == body(bytes), "{path}");
        assert!(!packed || content.len() < bytes * 3 / 4, "{path}: {}", content.len());
    }
    // Other bytes under a strong tag would be a lie.
    let (packed, _) = get(&server, "/large", &[("accept-encoding", "gzip")]).await;
    let (plain, _) = get(&server, "/large", &[]).await;
    assert_eq!((header(&packed, "etag"), header(&plain, "etag")), (Some("W/\"1\""), Some("\"1\"")));
}

#[actix_web::test]
async fn without_origins_no_request_is_looked_at_for_its_origin() {
    let asking = [("origin", "https://chat.example")];
    let (headers, _) = get(&Server::start(routes).await, "/page", &asking).await;
    assert!(headers.iter().all(|(name, _)| !name.starts_with("access-control") && name != "vary"), "{headers:?}");
    let origins = [("CHAT__HTTP__CORS_ORIGINS", "https://chat.example")];
    let (headers, _) = get(&Server::start_with(&origins, routes).await, "/page", &asking).await;
    assert_eq!(header(&headers, "access-control-allow-origin"), Some("https://chat.example"));
}
