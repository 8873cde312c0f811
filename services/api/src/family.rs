//! The two families of routes over the same handlers: unversioned (`/…`) and `/api/v1/…`. They differ in the shape of lists.

use actix_web::HttpRequest;

/// Which family a request came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Bare arrays; paging in the header `Link` alone.
    Unversioned,
    /// Objects with the list and its `pagination`, and the header too.
    V1,
}

/// What the paths of `/api/v1` begin with.
pub(crate) const V1_PREFIX: &str = "/api/v1";

impl Family {
    /// By the path as the router took it: as it came it may spell the same in other ways (`/%61pi/v1`).
    pub(crate) fn of(request: &HttpRequest) -> Self {
        if request.match_info().as_str().starts_with(V1_PREFIX) { Self::V1 } else { Self::Unversioned }
    }
}
