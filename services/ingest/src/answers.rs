//! How an accepted create is answered in each family.

use actix_web::HttpResponse;
use serde::Serialize;

#[derive(Serialize)]
struct Created {
    number: u64,
    status: &'static str,
}

#[derive(Serialize)]
struct Accepted {
    number: u64,
}

/// 201, as clients of the unversioned family expect it.
pub(crate) fn created(number: u64, status: &'static str) -> HttpResponse {
    HttpResponse::Created().json(Created { number, status })
}

/// 202, as clients of `/api/v1` expect it.
pub(crate) fn accepted(number: u64) -> HttpResponse {
    HttpResponse::Accepted().json(Accepted { number })
}
