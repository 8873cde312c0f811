//! How often one client address may ask: counted in Redis, for all replicas of a service and for all services together.
//!
//! A request passes through in this order: `client` finds whose it is, `policy` which limit holds for it, `bucket` takes it out
//! of that client's bucket by the `script` in Redis, and `middleware` lets it through or answers 429. Where creates ask Redis for
//! numbers anyway, `deferred` leaves that step to them. The algorithm is `gcra`'s. The crate stands above `service` as the
//! protocols do: it joins Redis and HTTP. It must never hold a request up for longer than its deadline, nor know what the routes
//! do.

mod bucket;
mod client;
mod deferred;
mod error;
mod fields;
mod limits;
mod middleware;
mod networks;
mod policy;
mod refused;
mod script;
mod settings;

pub use deferred::Deferred;
pub use error::Error;
pub use middleware::RateLimit;
pub use networks::Networks;
pub use settings::{OnOutage, ProxyHeader, Settings};
