//! What one client does, call after call: creates, with and without a key, patiently and not; updates; reads.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use rand::Rng;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    board::{Board, Chat},
    calls::{Caller, PATIENCE},
    clock::Span,
    options::Options,
    record::{Outcome, Record, Series},
    text::{CallId, OPENING},
};

/// Attempts of a call with a key: over some 90 s, longer than a server takes to be back on a busy machine.
const ATTEMPTS: u32 = 40;
/// So many calls with a key are made once more although they were answered.
const ONCE_MORE: f64 = 0.05;
/// So many attempts are given up before an answer can well have come.
const IMPATIENT: f64 = 0.04;
/// So many creates of messages with a key are not made again at once when they fail, but by and by, among other calls, and once
/// more when everything else is done: by then what they left half done has had time to become another's.
const LATE: f64 = 0.5;
/// When such a create is made again, in seconds after its last attempt.
const LATE_BY: std::ops::Range<f64> = 4.0..16.0;
/// Such creates that a client keeps in mind.
const MOST_LATE: usize = 16;
/// The pause behind an attempt that failed, in milliseconds, doubled each time up to so many times.
const PAUSE_MS: u64 = 20;
const DOUBLED: u32 = 7;

/// A client at its work.
pub(crate) struct Customer {
    pub(crate) caller: Caller,
    pub(crate) board: Arc<Board>,
    pub(crate) options: Options,
    pub(crate) stop: CancellationToken,
    pub(crate) sequence: u32,
    /// In the order in which they failed.
    pub(crate) late: VecDeque<Late>,
}

/// A create of messages with a key that has failed, and that its client will come back to.
pub(crate) struct Late {
    chat: Arc<Chat>,
    call: CallId,
    items: u16,
    due: Instant,
}

impl Customer {
    /// Works until `stop`; the call under way is finished, and what is late is made once more.
    pub(crate) async fn run(mut self) -> Record {
        while !self.stop.is_cancelled() {
            self.act().await;
            sleep(self.options.pause).await;
        }
        for late in std::mem::take(&mut self.late) {
            self.come_back(late).await;
        }
        self.caller.record
    }

    async fn act(&mut self) {
        if let Some(late) = self.late.pop_front_if(|late| late.due <= Instant::now()) {
            return self.come_back(late).await;
        }
        let random = &mut self.caller.random;
        let action = random.random_range(0..100);
        let Some(chat) = self.board.pick(random) else { return self.create_chat().await };
        match action {
            0..2 if self.board.len() < self.options.most_chats => self.create_chat().await,
            0..40 => self.create_messages(&chat, 1).await,
            40..43 => {
                let many = if self.caller.random.random_bool(0.05) { 500 } else { 20 };
                let items = self.caller.random.random_range(2..=many);
                self.create_messages(&chat, items).await;
            }
            43..63 => {
                let Some(place) = chat.hot(&mut self.caller.random) else { return };
                let call = self.next_call();
                let outcome = self.caller.update(place, call).await;
                self.rest_after(&outcome, 0).await;
            }
            63..90 => {
                let place = chat.any(&mut self.caller.random);
                self.caller.read(place).await;
            }
            90..96 => {
                let place = chat.any(&mut self.caller.random);
                let page = self.caller.random.random_bool(0.5).then_some((place.number - 1, 10));
                self.caller.list(chat.messages, page).await;
            }
            _ => self.search(&chat).await,
        }
    }

    /// Creates a chat in any application.
    pub(crate) async fn create_chat(&mut self) {
        let application = self.caller.random.random_range(0..self.options.applications);
        let keyed = self.caller.random.random_bool(0.5);
        let attempts = if keyed { ATTEMPTS } else { 1 };
        let call = self.next_call();
        if let Outcome::Acknowledged(number) = self.create(call, Series::chats_of(application), 1, keyed, attempts).await {
            // A number that is no chat of ours shows in the check.
            self.board.add(application, u32::try_from(number).unwrap_or(u32::MAX));
        }
    }

    async fn create_messages(&mut self, chat: &Arc<Chat>, items: u16) {
        let keyed = self.caller.random.random_bool(0.4);
        let call = self.next_call();
        if keyed && self.late.len() < MOST_LATE && self.caller.random.random_bool(LATE) {
            let late = Late { chat: chat.clone(), call, items, due: Instant::now() };
            return self.come_back(late).await;
        }
        let attempts = if keyed { ATTEMPTS } else { 1 };
        if let Outcome::Acknowledged(first) = self.create(call, chat.messages, items, keyed, attempts).await {
            chat.acknowledged(first, items);
        }
    }

    /// One attempt; if it fails, the next one is for later.
    async fn come_back(&mut self, late: Late) {
        let outcome = self.create(late.call, late.chat.messages, late.items, true, 1).await;
        match outcome {
            Outcome::Acknowledged(first) => late.chat.acknowledged(first, late.items),
            Outcome::Refused(_) => {}
            Outcome::Failed(_) | Outcome::Unanswered => {
                let due = Instant::now() + Duration::from_secs_f64(self.caller.random.random_range(LATE_BY));
                self.late.push_back(Late { due, ..late });
            }
        }
    }

    /// Creates until it is answered, in so many attempts at most, which without a key must be one. What was told first or, if
    /// nothing was, what came of the last attempt.
    async fn create(&mut self, call: CallId, series: Series, items: u16, keyed: bool, attempts: u32) -> Outcome<u64> {
        let mut told = Outcome::Unanswered;
        for attempt in 0..attempts {
            let patience = self.patience();
            let outcome = self.caller.create(call, series, items, keyed, patience).await;
            if !matches!(told, Outcome::Acknowledged(_)) {
                told = outcome;
            }
            match outcome {
                Outcome::Acknowledged(_) => {
                    if !self.caller.random.random_bool(ONCE_MORE) {
                        break;
                    }
                }
                Outcome::Refused(_) => break,
                Outcome::Failed(_) | Outcome::Unanswered => self.rest_after(&outcome, attempt).await,
            }
            if self.stop.is_cancelled() {
                break;
            }
        }
        told
    }

    /// The last create of all in a chat, which is made until it is acknowledged: in the queue it stands behind all others.
    pub(crate) async fn create_last(&mut self, series: Series, within: Duration) {
        let (call, begun) = (self.next_call(), self.caller.clock.now());
        for attempt in 0.. {
            let outcome = self.caller.create(call, series, 1, true, PATIENCE).await;
            let now = self.caller.clock.now();
            if matches!(outcome, Outcome::Acknowledged(_)) {
                return;
            }
            if now > begun.after(within) {
                let span = Span { start: begun, end: now };
                return self.caller.record.odd(span, format!("{series}: no last create was acknowledged: {outcome}"));
            }
            self.rest_after(&outcome, attempt).await;
        }
    }

    /// A search for what all texts have, or for one that this client has created.
    async fn search(&mut self, chat: &Chat) {
        let after = chat.any(&mut self.caller.random).number - 1;
        let own = self.caller.record.creates.last().filter(|create| !create.series.is_of_chats());
        match own.copied().filter(|_| self.caller.random.random_bool(0.5)) {
            Some(create) => {
                let part = create.call.text(0).fragment(self.caller.random.random_range(0..8));
                self.caller.search(create.series, &part, 0).await;
            }
            None => self.caller.search(chat.messages, OPENING, after).await,
        }
    }

    fn next_call(&mut self) -> CallId {
        self.sequence += 1;
        CallId::new(self.caller.id, self.sequence)
    }

    fn patience(&mut self) -> Duration {
        let random = &mut self.caller.random;
        if random.random_bool(IMPATIENT) { Duration::from_millis(random.random_range(1..40)) } else { PATIENCE }
    }

    /// Whoever was refused or heard nothing does not ask again at once.
    async fn rest_after<T>(&mut self, outcome: &Outcome<T>, attempt: u32) {
        if outcome.is_unsure() {
            let pause = Duration::from_millis(PAUSE_MS << attempt.min(DOUBLED));
            sleep(pause.mul_f64(self.caller.random.random_range(0.5..1.5))).await;
        }
    }
}
