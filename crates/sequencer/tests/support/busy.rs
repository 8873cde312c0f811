//! A Redis that may be harmed, and an application whose chats are busy.

use std::{sync::Arc, time::Instant};

use domain::{ApplicationToken, ChatNumber};
use sequencer::{Adopted, Coalescer, Error, MessageIssue, Sequencer};
use tokio::task::{JoinHandle, yield_now};

use super::{Private, application, chat, open, token};

/// Who asks for a chat's numbers while another's call is under way waits for the next.
pub(crate) struct Busy {
    pub(crate) redis: Private,
    pub(crate) sequencer: Sequencer,
    pub(crate) coalescer: Coalescer,
    pub(crate) adopted: Arc<Adopted>,
    pub(crate) token: ApplicationToken,
}

impl Busy {
    /// With so many chats, whose last messages are 5, 10, 15…
    pub(crate) async fn start(chats: u64) -> Self {
        let busy = Self::bare(chats).await;
        for number in 1..=chats {
            busy.seed(number).await;
        }
        busy
    }

    /// With so many chats, none of whose counters is known.
    pub(crate) async fn bare(chats: u64) -> Self {
        let redis = Private::start().await;
        let sequencer = redis.sequencer();
        let adopted = Arc::new(open(&sequencer, 1).await);
        let token = token();
        sequencer.seed_application(&adopted, token, application(), chats).await.unwrap();
        let coalescer = Coalescer::new(sequencer.clone());
        Self { redis, sequencer, coalescer, adopted, token }
    }

    pub(crate) async fn seed(&self, number: u64) {
        self.sequencer.seed_chat(&self.adopted, self.token, chat(number), 5 * number).await.unwrap();
    }

    /// What comes of asking, whoever awaits it.
    pub(crate) fn asking(&self, number: u64, count: u16) -> impl Future<Output = Result<MessageIssue, Error>> + Send + use<> {
        self.asking_in(self.token, chat(number), count)
    }

    pub(crate) fn asking_in(
        &self,
        token: ApplicationToken,
        chat: ChatNumber,
        count: u16,
    ) -> impl Future<Output = Result<MessageIssue, Error>> + Send + use<> {
        let (coalescer, adopted) = (self.coalescer.clone(), self.adopted.clone());
        async move {
            let (issue, began) = coalescer.issue_messages(&adopted, token, chat, count).await?;
            assert!(began <= Instant::now());
            Ok(issue)
        }
    }

    /// A caller that has asked, or waits for its turn.
    pub(crate) async fn ask(&self, number: u64, count: u16) -> JoinHandle<Result<MessageIssue, Error>> {
        let asking = tokio::spawn(self.asking(number, count));
        yield_now().await;
        asking
    }

    /// The next numbers of a chat: the first.
    pub(crate) async fn next(&self, number: u64, count: u16) -> u64 {
        first(self.asking(number, count).await)
    }

    /// How often Redis was asked for anything that concerns a counter.
    pub(crate) fn calls(&self) -> u64 {
        let stats: String = self.redis.operate(&["INFO", "commandstats"]);
        let calls = |line: &str| line.strip_prefix("cmdstat_evalsha:calls=")?.split(',').next()?.parse().ok();
        stats.lines().find_map(calls).unwrap_or(0)
    }

    pub(crate) fn counter(&self, number: u64) -> String {
        format!("chat:{{{}}}:1:{number}", self.token)
    }
}

/// The number that was given, of several the first.
pub(crate) fn first(issue: Result<MessageIssue, Error>) -> u64 {
    match issue.unwrap() {
        MessageIssue::Issued { application_id, number } => {
            assert_eq!(application_id, application());
            number.get()
        }
        other => panic!("{other:?}"),
    }
}
