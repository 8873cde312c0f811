//! Who may list and create applications: everyone, or only who bears the administrator's token when one is configured.
//!
//! All else needs no more than an application's own token, which stands in the path.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use service::problem::Problem;

use crate::state::State;

/// A request that may do what administrators may. Ask for it as a handler's first argument: without it the answer is 401, before
/// the body is read.
pub(crate) struct Administrator;

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(state) = request.app_data::<Data<State>>() else {
            return ready(Err(Problem::internal("a request was judged outside the service")));
        };
        let token = state.settings.admin_token.as_ref();
        let allowed = token.is_none_or(|token| token.is_borne_by(request.headers()));
        ready(if allowed { Ok(Self) } else { Err(Problem::unauthorized()) })
    }
}
