//! The answer to a request that does not pass.

use actix_web::{HttpRequest, HttpResponse, body::BoxBody, dev::ServiceResponse};
use service::problem::Problem;

/// Answers a request with a problem. `into_response` would lose it, and the request's id is still to be added to it.
pub(crate) fn refused(request: HttpRequest, problem: Problem) -> ServiceResponse<BoxBody> {
    ServiceResponse::new(request, HttpResponse::from_error(problem))
}
