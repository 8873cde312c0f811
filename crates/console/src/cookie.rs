//! The one cookie of the console: `HttpOnly`, so that no script reads it, and `SameSite=Strict`, so that no page of another site
//! has it sent.

use actix_web::http::header::{COOKIE, HeaderMap, ORIGIN};

use crate::session::LASTS;

const NAME: &str = "chat_console";

/// Its value in a request.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(COOKIE).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find_map(|(name, value)| (name == NAME).then_some(value))
}

/// The value of `Set-Cookie` that has the browser keep it. Where the page came over TLS it is never sent without.
pub(crate) fn set(session: &str, request: &HeaderMap) -> String {
    with_attributes(session, LASTS.as_secs(), request)
}

/// The value of `Set-Cookie` that has the browser forget it.
pub(crate) fn removed(request: &HeaderMap) -> String {
    with_attributes("", 0, request)
}

fn with_attributes(value: &str, seconds: u64, request: &HeaderMap) -> String {
    // Behind a proxy that ends TLS, only the browser knows of it; it says so in what it sends with every form.
    let tls = request.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let secure = if tls { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn it_is_found_among_others() {
        let request = |cookie: &str| TestRequest::get().insert_header((COOKIE, cookie)).to_http_request();
        assert_eq!(of(request("a=1; chat_console=x.y=; b=2").headers()), Some("x.y="));
        assert_eq!(of(request("xchat_console=1; chat_consoles=2").headers()), None);
        assert_eq!(of(TestRequest::get().to_http_request().headers()), None);
    }

    #[test]
    fn it_is_kept_from_scripts_other_sites_and_plain_connections() {
        let over = |origin: &str| set("x", TestRequest::post().insert_header((ORIGIN, origin)).to_http_request().headers());
        assert_eq!(over("http://localhost:3000"), "chat_console=x; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict");
        assert!(over("https://chat.example").ends_with("; SameSite=Strict; Secure"));
    }
}
