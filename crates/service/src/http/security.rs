//! Headers that tell browsers and caches to be careful with an answer, where its handler has not said otherwise.

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Paths hold tokens, so no page may pass them on.
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
/// Data is no page: a browser that is made to show it must load nothing for it, nor show it inside another page.
const DATA_ONLY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The same for browsers that do not know `frame-ancestors`.
const DENY: HeaderValue = HeaderValue::from_static("DENY");
/// A client may keep what it has read, and must ask whether it still holds before it uses it again.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Adds what is missing to an answer to a request of this method.
pub(super) fn complete<B>(method: &Method, answer: &mut HttpResponse<B>) {
    let read = *method == Method::GET || *method == Method::HEAD;
    let headers = answer.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    unless_set(headers, REFERRER_POLICY, NO_REFERRER);
    unless_set(headers, CONTENT_SECURITY_POLICY, DATA_ONLY);
    unless_set(headers, X_FRAME_OPTIONS, DENY);
    if read {
        // An error has said `no-store` already.
        unless_set(headers, CACHE_CONTROL, REVALIDATE);
    }
}

fn unless_set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value);
    }
}
