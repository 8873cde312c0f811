//! Concurrent creates of messages while something happens to the system, and what their clients were told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{Chat, Report, eventually, report::Told};

/// Keeps the number of messages, which are all compared in the end, to some thousands.
const PAUSE: Duration = Duration::from_millis(8);
/// As a well-behaved client does while it is told to come again later.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(60);

/// Writers that post messages until they are told to stop. Every body is posted once.
pub struct Load {
    chats: Vec<Chat>,
    stop: CancellationToken,
    accepted: Arc<AtomicU64>,
    writers: Vec<JoinHandle<Vec<Told>>>,
}

impl Load {
    /// Starts this many writers, which take the chats in turn.
    pub fn start(chats: &[Chat], writers: usize) -> Self {
        let (stop, accepted) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
        let writers =
            (0..writers).map(|writer| tokio::spawn(write(chats.to_vec(), writer, stop.clone(), accepted.clone()))).collect();
        Self { chats: chats.to_vec(), stop, accepted, writers }
    }

    /// Waits until so many more messages are accepted, and returns after how long they were.
    pub async fn accepts(&self, more: u64, within: Duration) -> Duration {
        let wanted = self.accepted.load(Ordering::Relaxed) + more;
        eventually("creates are accepted", within, async || self.accepted.load(Ordering::Relaxed) >= wanted).await
    }

    /// Stops the writers and returns what they were told.
    pub async fn finish(self) -> Report {
        self.stop.cancel();
        let mut told = Vec::new();
        for writer in self.writers {
            told.extend(writer.await.expect("a writer does not panic"));
        }
        Report { chats: self.chats, told }
    }
}

async fn write(chats: Vec<Chat>, writer: usize, stop: CancellationToken, accepted: Arc<AtomicU64>) -> Vec<Told> {
    let mut told = Vec::new();
    while !stop.is_cancelled() {
        let chat = (writer + told.len()) % chats.len();
        let body = format!("speech {} of writer {writer}", told.len());
        let answer = chats[chat].attempt_post(&body).attempt().await;
        let pause = match &answer {
            Ok(answer) if answer.status == 201 => {
                accepted.fetch_add(1, Ordering::Relaxed);
                PAUSE
            }
            _ => PAUSE_AFTER_REFUSAL,
        };
        told.push(Told { chat, body, answer });
        sleep(pause).await;
    }
    told
}
