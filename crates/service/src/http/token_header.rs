//! The header `X-Application-Token`, in which older clients name their application where a path has no place for it.

use actix_web::http::header::HeaderMap;

use crate::problem::Problem;

/// Carries the application's token.
pub const TOKEN_HEADER: &str = "X-Application-Token";

/// What the header holds; empty where that is no text.
///
/// # Errors
/// 400 without it, or with two of them: a client that means two applications must not be given one of them by chance.
pub fn token_header(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(TOKEN_HEADER);
    match (values.next(), values.next()) {
        (None, _) => Err(Problem::missing_header(TOKEN_HEADER)),
        (Some(token), None) => Ok(token.to_str().unwrap_or_default()),
        (Some(_), Some(_)) => Err(Problem::malformed_request(format!("The header {TOKEN_HEADER} must be given once."))),
    }
}
