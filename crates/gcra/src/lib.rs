//! How many requests may pass, by the generic cell rate algorithm: its text in Lua, and the charge of one request.
//!
//! The text is a function for scripts of Redis. `ratelimit` calls it in a script of its own, `sequencer` in those that give
//! numbers: a request whose number is asked for is counted by the same call. A request is counted once, by whichever call is made
//! first on its way: its [`Charge`] sees to that. The crate does no input or output, and must never know whose request it is or
//! what for.

mod bucket;
mod charge;

pub use bucket::{Bucket, Verdict};
pub use charge::{Charge, Claim, Standing};

/// Lua that defines the local function `take(key, interval, burst)`; what it takes and returns is told there. It makes no call of
/// Redis before it is called itself.
pub const TAKE: &str = include_str!("take.lua");
