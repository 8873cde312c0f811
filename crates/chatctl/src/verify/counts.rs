//! Counts against rows. What a walk has counted is only a hint, for others write meanwhile: what differs is counted anew, beside
//! its count, as of one moment.

use std::{collections::HashMap, time::Duration};

use anyhow::Result;
use domain::{ApplicationId, ChatNumber, Timestamp};
use store::{
    applications,
    counts::{self, Audit, ChatCount, Mark},
};

use super::{findings::Fault, keys::ChatKey, pass::Pass};
use crate::patience::patiently;

/// Applications, or marks, that are read at once.
const PAGE: u32 = 500;
/// No mark is held against the count job before it is so old, however often the job runs.
const OLD: Duration = Duration::from_secs(2 * 60 * 60);

/// The age from which on the job has left a mark out: it has run since, or should have.
pub(super) fn too_old(interval: Duration) -> Duration {
    OLD.max(2 * interval)
}

impl Pass<'_> {
    /// Compares the chats' counts with the messages that were found.
    pub(super) async fn message_counts(&mut self, chats: &[ChatCount], rows: &HashMap<ChatKey, u64>) -> Result<()> {
        let store = self.store;
        for &ChatCount { application_id, chat, messages } in chats {
            let key = (application_id.get(), chat.get());
            if rows.get(&key) == Some(&messages) {
                continue;
            }
            let audit = patiently(async || Ok(counts::audit_chat(&mut *store.acquire().await?, application_id, chat).await?));
            let Some(audit) = audit.await?.filter(|audit| !audit.is_right()) else { continue };
            self.findings.add(Fault::Count, 1, || format!("{}/{} {}", key.0, key.1, told(audit, "messages")));
            if self.repair {
                self.recount_chat(application_id, chat).await?;
            }
        }
        Ok(())
    }

    async fn recount_chat(&mut self, application: ApplicationId, chat: ChatNumber) -> Result<()> {
        let store = self.store;
        patiently(async || Ok(counts::recount_chat(&mut *store.acquire().await?, application, chat, Timestamp::now()).await?))
            .await?;
        self.mended.add(Fault::Count, 1);
        Ok(())
    }

    /// Compares the applications' counts with the chats that were found.
    pub(super) async fn applications(&mut self) -> Result<()> {
        let (store, scope) = (self.store, self.scope);
        let mut after = 0;
        loop {
            let page =
                patiently(async || Ok(counts::applications_behind(&mut *store.acquire().await?, after, scope, PAGE).await?))
                    .await?;
            self.findings.checked.applications += page.len() as u64;
            for application in &page {
                let id = application.application_id;
                after = id.get();
                if self.chats.remove(&after).unwrap_or(0) != application.chats {
                    self.chat_count(id).await?;
                }
            }
            if page.len() < PAGE as usize {
                break;
            }
            self.pace.after(page.len() as u64).await;
        }
        self.strayed_chats().await
    }

    async fn chat_count(&mut self, application: ApplicationId) -> Result<()> {
        let store = self.store;
        let audit = patiently(async || Ok(counts::audit_application(&mut *store.acquire().await?, application).await?)).await?;
        let Some(audit) = audit.filter(|audit| !audit.is_right()) else { return Ok(()) };
        self.findings.add(Fault::Count, 1, || format!("{} {}", application.get(), told(audit, "chats")));
        if self.repair {
            patiently(async || {
                Ok(counts::recount_application(&mut *store.acquire().await?, application, Timestamp::now()).await?)
            })
            .await?;
            self.mended.add(Fault::Count, 1);
        }
        Ok(())
    }

    /// Chats whose application did not come by.
    async fn strayed_chats(&mut self) -> Result<()> {
        let store = self.store;
        let mut left: Vec<(u64, u64)> = self.chats.drain().collect();
        left.sort_unstable();
        for (application, chats) in left {
            let id = [ApplicationId::new(application)];
            let found = patiently(async || Ok(applications::find_by_ids(&mut *store.acquire().await?, &id).await?));
            if found.await?.is_empty() {
                self.findings.add(Fault::OrphanedChat, chats, || application.to_string());
            }
        }
        Ok(())
    }

    /// Marks that the count job should have taken; it takes them now, if they are to be mended.
    pub(super) async fn marks(&mut self) -> Result<()> {
        let old = self.old_marks().await?;
        for mark in &old {
            let chat = mark.chat.map(|chat| format!("/{chat}")).unwrap_or_default();
            self.findings.add(Fault::Mark, 1, || format!("{}{chat} since {}", mark.application_id.get(), mark.since));
        }
        if self.repair && !old.is_empty() {
            let store = self.store;
            patiently(async || Ok(consumer::counts::run(store).await?)).await?;
            self.mended.add(Fault::Mark, old.len() as u64);
        }
        Ok(())
    }

    async fn old_marks(&mut self) -> Result<Vec<Mark>> {
        let (store, limit) = (self.store, Timestamp::from(Timestamp::now().to_datetime() - self.too_old));
        let (mut old, mut application, mut chat) = (Vec::new(), 0, (0, 0));
        loop {
            let mut page =
                patiently(async || Ok(counts::application_marks_behind(&mut *store.acquire().await?, application, PAGE).await?))
                    .await?;
            let chats =
                patiently(async || Ok(counts::chat_marks_behind(&mut *store.acquire().await?, chat, PAGE).await?)).await?;
            application = page.last().map_or(application, |mark| mark.application_id.get());
            chat = chats.last().map_or(chat, |mark| (mark.application_id.get(), mark.chat.unwrap_or(0)));
            let was_last = page.len().max(chats.len()) < PAGE as usize;
            page.extend(chats);
            let scope = self.scope;
            let is_old = |mark: &Mark| mark.since < limit && scope.is_none_or(|scope| scope == mark.application_id);
            old.extend(page.into_iter().filter(is_old));
            if was_last {
                return Ok(old);
            }
            self.pace.after(u64::from(PAGE)).await;
        }
    }
}

fn told(audit: Audit, of: &str) -> String {
    format!("{} {of} counted, {} to be added, {} stored", audit.shown, audit.pending, audit.rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_old_when_the_job_should_have_run_twice() {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        assert_eq!([hours(0), hours(1), hours(3), hours(24)].map(too_old), [hours(2), hours(2), hours(6), hours(48)]);
    }
}
