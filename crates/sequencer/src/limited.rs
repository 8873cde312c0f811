//! Calls the scripts that give numbers, and has a request whose client is limited charged by the very same call.
//!
//! The charge is made behind the guard and before all else: a request beyond its limit takes no number, and the record of its
//! idempotency key is neither read nor written. An epoch that no longer holds charges nobody. A request is charged once: when its
//! call comes to no number, because a counter is missing, those that follow find the charge made.

use std::time::Duration;

use deadpool_redis::redis::Value;
use gcra::{Charge, Standing, Verdict};

use crate::{
    Adopted, Error, Sequencer,
    reply::{number, unexpected},
    scripts::Issuing,
};

/// What came of a call.
pub(crate) enum Judged {
    /// The script's own answer.
    Passed(Value),
    /// The request is beyond its limit.
    Limited(Verdict),
}

impl Sequencer {
    /// As [`Sequencer::run_with`], for scripts that give numbers, with the charge of the request if its client is limited.
    pub(crate) async fn issue(
        &self,
        adopted: &Adopted,
        script: &Issuing,
        keys: &[&str],
        arguments: &[u64],
        texts: &[String],
        charge: Option<&Charge>,
    ) -> Result<Judged, Error> {
        let claim = match charge.map(Charge::claim) {
            Some(Standing::Due(claim)) => claim,
            Some(Standing::Judged(verdict)) if !verdict.passes => return Ok(Judged::Limited(verdict)),
            _ => return Ok(Judged::Passed(self.run_with(adopted, &script.plain, keys, arguments, texts).await?)),
        };
        let bucket = claim.bucket();
        let keys = [keys, &[&bucket.key]].concat();
        let texts = [texts, &[bucket.interval_us.to_string(), bucket.burst.to_string()]].concat();
        match self.run_with(adopted, &script.limited, &keys, arguments, &texts).await {
            Ok(answer) => {
                let (verdict, own) = read(answer)?;
                claim.judged(verdict);
                Ok(own.map_or(Judged::Limited(verdict), Judged::Passed))
            }
            Err(Error::Stale) => {
                claim.undone();
                Err(Error::Stale)
            }
            Err(error) => Err(error),
        }
    }
}

/// What was judged, and what the script that gives numbers has answered: it was called if the request passes.
fn read(answer: Value) -> Result<(Verdict, Option<Value>), Error> {
    let Value::Array(mut parts) = answer else { return Err(unexpected()) };
    let own = if parts.len() == 3 { parts.pop() } else { None };
    let [remaining, next_us] = parts.as_slice() else { return Err(unexpected()) };
    let (remaining, next) = (number(remaining)?, Duration::from_micros(number(next_us)?));
    Ok((Verdict { passes: own.is_some(), remaining, next }, own))
}
