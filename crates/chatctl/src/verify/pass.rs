//! One comparison of everything: chats in the order of their keys, and with each piece of chats its messages.

use std::{collections::HashMap, collections::VecDeque, ops::RangeInclusive, time::Duration};

use anyhow::Result;
use domain::ApplicationId;
use search::SearchIndex;
use store::{
    Store,
    counts::{self, ChatCount},
    messages::{self, Place},
};

use super::{
    findings::{Fault, Findings, Mended},
    keys::ChatKey,
    look::Look,
    numbers::Run,
    pace::Pace,
};
use crate::{patience::patiently, progress::Progress};

/// Chats that are compared together.
const CHATS: u32 = 500;
/// Messages that are read at once.
const PIECE: u32 = 1_000;

/// A comparison under way.
pub(super) struct Pass<'a> {
    pub(super) store: &'a Store,
    pub(super) search: &'a SearchIndex,
    /// Only this application.
    pub(super) scope: Option<ApplicationId>,
    pub(super) repair: bool,
    pub(super) pace: Pace,
    /// How old a mark must be to be held against the count job.
    pub(super) too_old: Duration,
    pub(super) findings: Findings,
    pub(super) mended: Mended,
    /// What looked wrong and is to be looked at again, the oldest first.
    pub(super) looks: VecDeque<Look>,
    /// Whether the outbox has been waited for in vain.
    pub(super) outbox_is_stuck: bool,
    /// Chats by application.
    pub(super) chats: HashMap<u64, u64>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        store: &'a Store,
        search: &'a SearchIndex,
        scope: Option<ApplicationId>,
        rate: u32,
        too_old: Duration,
        repair: bool,
    ) -> Self {
        Self {
            store,
            search,
            scope,
            repair,
            pace: Pace::new(rate),
            too_old,
            findings: Findings::default(),
            mended: Mended::default(),
            looks: VecDeque::new(),
            outbox_is_stuck: false,
            chats: HashMap::new(),
        }
    }

    /// Compares everything. What was mended, if that was asked for.
    pub(super) async fn run(mut self) -> Result<(Findings, Option<Mended>)> {
        self.letters().await?;
        self.marks().await?;
        self.stored().await?;
        self.applications().await?;
        self.documents().await?;
        self.look_again_at_all().await?;
        let mended = self.repair.then_some(self.mended);
        Ok((self.findings, mended))
    }

    /// Walks over chats and messages.
    async fn stored(&mut self) -> Result<()> {
        let store = self.store;
        let estimate = match self.scope {
            Some(_) => 0,
            None => patiently(async || Ok(messages::estimate(&mut *store.acquire().await?).await?)).await?,
        };
        let progress = Progress::new("messages compared", estimate as usize);
        let application = self.scope.map_or(0, ApplicationId::get);
        let end = (self.scope.map_or(u64::MAX, ApplicationId::get), u64::MAX);
        let (mut chat, mut place) = ((application, 0), (application, 0, 0));
        let mut numbers = Run::default();
        loop {
            let scope = self.scope;
            let chats =
                patiently(async || Ok(counts::chats_behind(&mut *store.acquire().await?, chat, scope, CHATS).await?)).await?;
            let is_last = chats.len() < CHATS as usize;
            if let Some(last) = chats.last() {
                chat = (last.application_id.get(), last.chat.get());
            }
            let gaps: Vec<_> =
                chats.iter().filter_map(|chat| numbers.gap_before((chat.application_id.get(), 0), chat.chat.get())).collect();
            self.look_later(Look::chat_gaps(gaps)).await?;
            for chat in &chats {
                *self.chats.entry(chat.application_id.get()).or_default() += 1;
            }
            self.findings.checked.chats += chats.len() as u64;
            let rows = self.messages(&mut place, if is_last { end } else { chat }, &chats, &progress).await?;
            self.message_counts(&chats, &rows).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Compares the messages behind `place`, up to those of the chat `until`, and counts them by chat.
    async fn messages(
        &mut self,
        place: &mut Place,
        until: ChatKey,
        chats: &[ChatCount],
        progress: &Progress,
    ) -> Result<HashMap<ChatKey, u64>> {
        let mut rows: HashMap<ChatKey, u64> =
            chats.iter().map(|chat| ((chat.application_id.get(), chat.chat.get()), 0)).collect();
        let (store, mut numbers) = (self.store, Run::default());
        loop {
            let piece =
                patiently(async || Ok(messages::walk_versions(&mut *store.acquire().await?, *place, until, PIECE).await?))
                    .await?;
            let Some(&((application, chat, number), _)) = piece.last() else { return Ok(rows) };
            *place = (application.get(), chat.get(), number.get());
            let mut look = Look::chat_gaps(Vec::new());
            for &((application, chat, number), _) in &piece {
                let room = (application.get(), chat.get());
                look.message_gaps.extend(numbers.gap_before(room, number.get()));
                match rows.get_mut(&room) {
                    Some(rows) => *rows += 1,
                    None => *look.orphans.entry(room).or_default() += 1,
                }
            }
            self.compare_with_index(&piece, &mut look).await?;
            self.look_later(look).await?;
            self.findings.checked.messages += piece.len() as u64;
            progress.advance_by(piece.len() as u64);
            self.pace.after(piece.len() as u64).await;
            if piece.len() < PIECE as usize {
                return Ok(rows);
            }
        }
    }

    pub(super) fn gap(&mut self, room: ChatKey, numbers: &RangeInclusive<u64>) {
        let (first, last) = (numbers.start(), numbers.end());
        let place = |(application, chat): ChatKey| match chat {
            0 => application.to_string(),
            chat => format!("{application}/{chat}"),
        };
        self.findings.add(Fault::Gap, last - first + 1, || match first == last {
            true => format!("{}/{first}", place(room)),
            false => format!("{}/{first}-{last}", place(room)),
        });
    }
}
