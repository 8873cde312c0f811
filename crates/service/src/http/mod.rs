//! The HTTP server of every service.
//!
//! [`bind`] takes the port, [`serve`] opens it and answers until the shutdown token is cancelled. A service declares its routes
//! with [`endpoint`]; its handlers read a [`Body`], learn the [`RequestId`] and return a [`Problem`](crate::problem::Problem)
//! as their error. All else stands in the middleware: request ids, access log, metrics, panics, and errors of the framework.
//!
//! One thing is beyond its reach: a request whose head cannot be parsed, is too large or too slow is answered by the framework's
//! connection code with a bare 400, 431 or 408.

mod body;
mod compress;
mod conditions;
mod cors;
mod endpoint;
mod family;
mod in_flight;
mod latencies;
mod middleware;
pub mod path;
mod port;
mod query;
mod request_id;
mod security;
mod server;
mod settings;
mod timed;
mod token_header;
mod traced;
mod unknown_parameters;
mod unread;

pub use body::Body;
pub use conditions::Conditions;
pub use cors::CorsOrigins;
pub use endpoint::{Endpoint, endpoint};
pub use family::Family;
pub use port::{Port, bind};
pub use query::Query;
pub use request_id::RequestId;
pub use server::{Running, serve};
pub use settings::Settings;
pub use token_header::{TOKEN_HEADER, token_header};

pub(crate) use server::Draining;
