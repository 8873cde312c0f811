//! Messages against documents, and documents against messages.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, Result};
use search::Held;
use store::messages::{self, Version};

use super::{
    keys::{document, document_id},
    look::Look,
    pass::Pass,
};
use crate::{patience::patiently, progress::Progress};

/// Documents that are read at once, and how long a page may take at a slow pace: the search server keeps a walk that is not gone
/// on with for two minutes, of which a second look may wait for the outbox for one.
const PAGE: u64 = 1_000;
const PAGE_TIME: Duration = Duration::from_secs(30);

impl Pass<'_> {
    /// Puts the messages that the index lacks, or has in another version, into `look`.
    pub(super) async fn compare_with_index(&mut self, piece: &[Version], look: &mut Look) -> Result<()> {
        let (store, search) = (self.store, self.search);
        let last = patiently(async || Ok(store::outbox::ends(&mut *store.acquire().await?).await?)).await?;
        look.outbox = last.map(|(_, last)| last);
        let ids: Vec<_> = piece.iter().map(document).collect();
        let held = patiently(async || Ok(search.versions(&ids).await?)).await.context("the index cannot be looked at")?;
        let differs = piece.iter().zip(held).filter(|((_, version), held)| *held != Some(*version));
        look.messages = differs.map(|(message, _)| *message).collect();
        Ok(())
    }

    /// Walks over the index, for documents that stand for nothing.
    pub(super) async fn documents(&mut self) -> Result<()> {
        let search = self.search;
        search.refresh().await.context("the index cannot be looked at")?;
        let (scope, page) = (self.scope, self.pace.within(PAGE_TIME, PAGE));
        let mut scan = patiently(async || Ok(search.scan(scope, page).await?)).await?;
        let progress = Progress::new("documents compared", scan.total() as usize);
        loop {
            // Not repeated: what was answered and lost would be passed over.
            let page = scan.next().await.context("the walk over the index was broken off")?;
            if page.is_empty() {
                scan.close().await;
                return Ok(());
            }
            let read = page.len() as u64;
            let strangers = self.strangers(page).await?;
            self.look_later(Look::strangers(strangers)).await?;
            self.findings.checked.documents += read;
            progress.advance_by(read);
            self.pace.after(read).await;
        }
    }

    /// Those of the documents that stand for no stored message, or lie where no search would find them.
    pub(super) async fn strangers(&self, mut page: Vec<Held>) -> Result<Vec<Held>> {
        let store = self.store;
        let keys: Vec<_> = page.iter().filter_map(document_id).map(|id| (id.application_id, id.chat, id.number)).collect();
        let stored = patiently(async || Ok(messages::stored_events(&mut *store.acquire().await?, &keys).await?)).await?;
        let stored: HashSet<_> = stored.into_iter().map(|(key, _)| key).collect();
        page.retain(|held| !document_id(held).is_some_and(|id| stored.contains(&(id.application_id, id.chat, id.number))));
        Ok(page)
    }
}
