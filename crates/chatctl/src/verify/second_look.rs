//! What looked wrong, looked at again: a little later, and when the outbox has passed it. Only what is still wrong then is a
//! finding, and only that is mended.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use domain::{ApplicationId, ChatNumber, Timestamp};
use search::Held;
use store::{Range, chats, dead_letters, messages, outbox};
use tokio::time::sleep;

use super::{
    findings::Fault,
    keys::{ChatKey, document, document_id, place},
    look::Look,
    numbers::{Gap, without},
    pass::Pass,
};
use crate::patience::patiently;

/// What is under way has come through by then, as a rule.
const SETTLED: Duration = Duration::from_secs(3);
/// How long the outbox is waited for; once in vain is enough.
const OUTBOX_TIME: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const OUTBOX_EVERY: Duration = Duration::from_millis(200);
/// What waits for its second look, in all. Beyond it the walk waits.
const MOST: usize = 20_000;
/// Numbers of a gap that are looked up at once; what is found beyond them is not taken out of it.
const NUMBERS: u32 = 1_000;

impl Pass<'_> {
    /// Keeps what looked wrong for later, and looks at what has waited long enough.
    pub(super) async fn look_later(&mut self, look: Look) -> Result<()> {
        if look.len() > 0 {
            self.looks.push_back(look);
        }
        let is_due = |look: &Look| look.age() >= SETTLED;
        while self.looks.iter().map(Look::len).sum::<usize>() > MOST || self.looks.front().is_some_and(is_due) {
            let Some(look) = self.looks.pop_front() else { break };
            self.look_again(look).await?;
        }
        Ok(())
    }

    pub(super) async fn look_again_at_all(&mut self) -> Result<()> {
        while let Some(look) = self.looks.pop_front() {
            self.look_again(look).await?;
        }
        Ok(())
    }

    async fn look_again(&mut self, look: Look) -> Result<()> {
        sleep(SETTLED.saturating_sub(look.age())).await;
        if !look.messages.is_empty() {
            self.messages_again(&look).await?;
        }
        for gap in &look.message_gaps {
            self.message_gap_again(gap).await?;
        }
        for gap in &look.chat_gaps {
            self.chat_gap_again(gap).await?;
        }
        self.orphans_again(&look.orphans).await?;
        self.strangers_again(look.strangers).await
    }

    async fn messages_again(&mut self, look: &Look) -> Result<()> {
        let (store, search) = (self.store, self.search);
        let passed = self.outbox_has_passed(look).await?;
        let ids: Vec<_> = look.messages.iter().map(document).collect();
        let held = patiently(async || Ok(search.versions(&ids).await?)).await?;
        let mut to_mend = Vec::new();
        for (message, held) in look.messages.iter().zip(held) {
            let &((application, chat, number), version) = message;
            let fault = match held {
                Some(held) if held == version => continue,
                // Edited meanwhile, or what was never stored.
                Some(held) if held > version => {
                    let now =
                        patiently(async || Ok(messages::find(&mut *store.acquire().await?, application, chat, number).await?));
                    if now.await?.is_some_and(|now| now.version >= held) {
                        continue;
                    }
                    Fault::Ahead
                }
                _ if !passed => Fault::Waiting,
                Some(_) => Fault::Stale,
                None => Fault::Missing,
            };
            self.findings.add(fault, 1, || place(message));
            if matches!(fault, Fault::Missing | Fault::Stale) {
                to_mend.push((fault, (application, chat, number)));
            }
        }
        if self.repair && !to_mend.is_empty() {
            let ranges = Range::cover(to_mend.iter().map(|(_, key)| *key));
            let now = Timestamp::now();
            patiently(async || Ok(outbox::add(&mut *store.acquire().await?, &ranges, now, now).await?)).await?;
            to_mend.iter().for_each(|(fault, _)| self.mended.add(*fault, 1));
        }
        Ok(())
    }

    /// Waits until the index has been told of all that was stored when the messages were first looked at.
    async fn outbox_has_passed(&mut self, look: &Look) -> Result<bool> {
        let (store, Some(last)) = (self.store, look.outbox) else { return Ok(true) };
        loop {
            let ends = patiently(async || Ok(outbox::ends(&mut *store.acquire().await?).await?)).await?;
            if ends.is_none_or(|(first, _)| first > last) {
                return Ok(true);
            }
            if self.outbox_is_stuck || look.age() > OUTBOX_TIME {
                self.outbox_is_stuck = true;
                return Ok(false);
            }
            sleep(OUTBOX_EVERY).await;
        }
    }

    async fn message_gap_again(&mut self, gap: &Gap) -> Result<()> {
        let (store, (application, chat)) = (self.store, gap.room);
        let (application_id, chat_number) = (ApplicationId::new(application), ChatNumber::new(chat)?);
        let stored = patiently(async || {
            let before = (application, chat, gap.numbers.start() - 1);
            Ok(messages::walk_versions(&mut *store.acquire().await?, before, gap.room, NUMBERS).await?)
        })
        .await?;
        let stored: Vec<u64> = stored.into_iter().map(|((.., number), _)| number.get()).collect();
        let letters = patiently(async || {
            let connection = &mut *store.acquire().await?;
            Ok(dead_letters::messages_between(connection, application_id, chat_number, &gap.numbers, NUMBERS).await?)
        })
        .await?;
        self.report_gap(gap, stored, letters);
        Ok(())
    }

    async fn chat_gap_again(&mut self, gap: &Gap) -> Result<()> {
        let (store, application) = (self.store, gap.room.0);
        let before = (application, gap.numbers.start() - 1);
        let application = ApplicationId::new(application);
        let stored = patiently(async || {
            Ok(store::counts::chats_behind(&mut *store.acquire().await?, before, Some(application), NUMBERS).await?)
        })
        .await?;
        let stored: Vec<u64> = stored.into_iter().map(|chat| chat.chat.get()).collect();
        let letters = patiently(async || {
            Ok(dead_letters::chats_between(&mut *store.acquire().await?, application, &gap.numbers, NUMBERS).await?)
        })
        .await?;
        self.report_gap(gap, stored, letters);
        Ok(())
    }

    fn report_gap(&mut self, gap: &Gap, stored: Vec<u64>, letters: Vec<u64>) {
        let mut taken = [stored, letters].concat();
        taken.sort_unstable();
        for numbers in without(&gap.numbers, &taken) {
            self.gap(gap.room, &numbers);
        }
    }

    async fn orphans_again(&mut self, orphans: &BTreeMap<ChatKey, u64>) -> Result<()> {
        if orphans.is_empty() {
            return Ok(());
        }
        let store = self.store;
        let key = |&(application, chat): &ChatKey| Some((ApplicationId::new(application), ChatNumber::new(chat).ok()?));
        let keys: Vec<_> = orphans.keys().filter_map(key).collect();
        let stored = patiently(async || Ok(chats::existing(&mut *store.acquire().await?, &keys).await?)).await?;
        for (room, messages) in orphans {
            if !key(room).is_some_and(|key| stored.contains(&key)) {
                self.findings.add(Fault::OrphanedMessage, *messages, || format!("{}/{}", room.0, room.1));
            }
        }
        Ok(())
    }

    async fn strangers_again(&mut self, strangers: Vec<Held>) -> Result<()> {
        if strangers.is_empty() {
            return Ok(());
        }
        let search = self.search;
        let strangers = self.strangers(strangers).await?;
        let ids: Vec<_> = strangers.iter().filter_map(document_id).collect();
        let held = patiently(async || Ok(search.versions(&ids).await?)).await?;
        let gone: Vec<_> = ids.into_iter().zip(held).filter(|(_, held)| held.is_none()).map(|(id, _)| id).collect();
        let found: Vec<_> =
            strangers.into_iter().filter(|held| !document_id(held).is_some_and(|id| gone.contains(&id))).collect();
        for held in &found {
            self.findings.add(Fault::Extra, 1, || held.name.replace('-', "/"));
        }
        if self.repair {
            let removed = patiently(async || Ok(search.remove(&found).await?)).await?;
            self.mended.add(Fault::Extra, removed);
        }
        Ok(())
    }
}
