//! Signing in with the administrator's token, and out. The token comes in a form once, and never goes into a cookie.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE},
    web::Data,
};
use serde::Deserialize;
use service::{http::Body, problem::Problem};

use crate::{
    access::{AccessControl, comes_from_elsewhere},
    cookie,
};

#[derive(Deserialize)]
struct Form {
    token: String,
}

/// `POST /console/sign-in`, a form with the field `token`. Leads to the page, or back with `#refused`.
pub(crate) async fn sign_in(request: HttpRequest, access: Data<AccessControl>, body: Body) -> Result<HttpResponse, Problem> {
    if comes_from_elsewhere(request.headers()) {
        return Err(Problem::unauthorized());
    }
    let form: Form = serde_urlencoded::from_bytes(body.bytes())
        .map_err(|_| Problem::malformed_request("A form with the field token is expected here."))?;
    if !access.opens(form.token.trim().as_bytes()) {
        tracing::warn!("somebody tried to sign in to the console with a wrong token");
        return Ok(leading("sign-in#refused", None));
    }
    let session = cookie::set(&access.sessions.open(), request.headers());
    Ok(leading("./", Some(session)))
}

/// `POST /console/sign-out`: has the browser forget the session. Leads to where one signs in.
pub(crate) async fn sign_out(request: HttpRequest) -> Result<HttpResponse, Problem> {
    if comes_from_elsewhere(request.headers()) {
        return Err(Problem::unauthorized());
    }
    Ok(leading("sign-in", Some(cookie::removed(request.headers()))))
}

/// To an address relative to the form's, as a GET.
fn leading(to: &'static str, cookie: Option<String>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((LOCATION, to)).insert_header((CACHE_CONTROL, "no-store"));
    if let Some(cookie) = cookie {
        answer.insert_header((SET_COOKIE, cookie));
    }
    answer.finish()
}
