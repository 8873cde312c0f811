//! Where a create comes from: its request, by id and by trace.

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use service::http::RequestId;
use trace::Parent;

/// What is kept with a create so that it can be found again. Handlers can ask for it as an argument.
pub(crate) struct Origin {
    pub(crate) id: Option<RequestId>,
    pub(crate) trace: Parent,
}

impl Origin {
    /// The request's id as text.
    pub(crate) fn request_id(&self) -> String {
        self.id.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

impl FromRequest for Origin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let trace = extensions.get::<Parent>().cloned().unwrap_or_default();
        ready(Ok(Self { id: extensions.get::<RequestId>().cloned(), trace }))
    }
}
