//! The two families of routes over the same handlers: unversioned (`/…`) and `/api/v1/…`. They differ in how the same is
//! answered, which is said where it is answered.

use actix_web::HttpRequest;

/// Which family a request came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Lists are bare arrays, and creates of chats and messages are answered 201, with a sentence.
    Unversioned,
    /// Lists are objects, with their `pagination`, and such creates are answered 202.
    V1,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Unversioned, Self::V1];

    /// What its paths begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Unversioned => "",
            Self::V1 => "/api/v1",
        }
    }

    /// By the path as the router took it: as it came it may spell the same in other ways (`/%61pi/v1`).
    pub fn of(request: &HttpRequest) -> Self {
        if request.match_info().as_str().starts_with(Self::V1.prefix()) { Self::V1 } else { Self::Unversioned }
    }
}
