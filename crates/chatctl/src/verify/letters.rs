//! Dead letters that nobody has dealt with: creates that were acknowledged and are not stored.

use anyhow::Result;
use store::dead_letters::{self, MAX_UNRESOLVED, Reason};

use super::{findings::Fault, pass::Pass};
use crate::patience::patiently;

impl Pass<'_> {
    pub(super) async fn letters(&mut self) -> Result<()> {
        let (store, scope) = (self.store, self.scope);
        for reason in Reason::ALL {
            let letters =
                patiently(async || Ok(dead_letters::unresolved(&mut *store.acquire().await?, reason, scope).await?)).await?;
            let fault = if reason == Reason::Conflict { Fault::Conflict } else { Fault::Letter };
            let at_least = if letters == MAX_UNRESOLVED { "at least " } else { "" };
            self.findings.add(fault, letters, || {
                format!("{}: {at_least}{letters}: see `chatctl dead list --reason {0}`", reason.as_str())
            });
        }
        Ok(())
    }
}
