//! What the clients of a load were told, held against what the system has in the end.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{Answer, Chat};

/// How long the consumer may take to store what the load has left in the queues, and the index to show it.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// In every body of a load.
const COMMON_TEXT: &str = "SPEECH";

pub(crate) struct Told {
    /// Which of the load's chats.
    pub(crate) chat: usize,
    pub(crate) body: String,
    pub(crate) answer: Result<Answer, reqwest::Error>,
}

/// What the clients of a load were told.
pub struct Report {
    pub(crate) chats: Vec<Chat>,
    pub(crate) told: Vec<Told>,
}

impl Report {
    /// How many messages were accepted.
    pub fn accepted(&self) -> usize {
        self.answers().filter(|answer| answer.status == 201).count()
    }

    /// How many were refused with an answer.
    pub fn refused(&self) -> usize {
        self.answers().filter(|answer| answer.status != 201).count()
    }

    /// Nobody waited longer than this for an answer, everybody got one, and a refusal was a 503 in form.
    pub fn assert_answered_within(&self, limit: Duration) {
        for told in &self.told {
            let answer = told.answer.as_ref().unwrap_or_else(|error| panic!("no answer: {error:?}"));
            assert!(answer.took <= limit, "an answer took {:?}: {} {}", answer.took, answer.status, answer.text());
            assert_in_form(answer);
        }
    }

    /// Where services were stopped: every answer was in form, some requests may have got none.
    pub fn assert_answers_in_form(&self) {
        self.answers().for_each(assert_in_form);
    }

    fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.told.iter().filter_map(|told| told.answer.as_ref().ok())
    }

    /// Waits until all that was accepted is stored, then checks that each number was given once and holds its own message, and
    /// that no message is stored twice. What was refused may be stored, as its answer said, or not.
    pub async fn assert_stored(&self) {
        for (index, chat) in self.chats.iter().enumerate() {
            let accepted = self.accepted_in(index);
            let began = Instant::now();
            let stored = loop {
                let stored = chat.messages().await.into_iter().collect::<HashMap<u64, String>>();
                let missing: BTreeSet<_> = accepted.keys().filter(|number| !stored.contains_key(number)).collect();
                if missing.is_empty() {
                    break stored;
                }
                assert!(began.elapsed() < SETTLED_WITHIN, "accepted and not stored in chat {}: {missing:?}", chat.number);
                sleep(PAUSE).await;
            };
            for (number, body) in &accepted {
                assert_eq!(stored.get(number).map(String::as_str), Some(*body), "message {number} of chat {}", chat.number);
            }
            let distinct: HashSet<&String> = stored.values().collect();
            assert_eq!(distinct.len(), stored.len(), "a message is stored twice in chat {}", chat.number);
        }
    }

    /// What was accepted in a chat, by number.
    fn accepted_in(&self, index: usize) -> HashMap<u64, &str> {
        let mut accepted = HashMap::new();
        for told in self.told.iter().filter(|told| told.chat == index) {
            let Some(answer) = told.answer.as_ref().ok().filter(|answer| answer.status == 201) else { continue };
            let number = answer.json()["number"].as_u64().expect("a number");
            let other = accepted.insert(number, told.body.as_str());
            assert_eq!(other, None, "number {number} was given twice");
        }
        accepted
    }

    /// Waits until a search finds all that is stored.
    pub async fn assert_found(&self) {
        for chat in &self.chats {
            let stored: Vec<u64> = chat.messages().await.into_iter().map(|(number, _)| number).collect();
            chat.await_found(COMMON_TEXT, &stored, SETTLED_WITHIN).await;
        }
    }

    /// The next message's number follows the last one stored, in every chat.
    pub async fn assert_numbers_go_on(&self) {
        for chat in &self.chats {
            let last = chat.messages().await.last().map_or(0, |(number, _)| *number);
            assert_eq!(chat.post("the next one").await, last + 1, "the next number of chat {}", chat.number);
        }
    }
}

fn assert_in_form(answer: &Answer) {
    if answer.status != 201 {
        let code = answer.json()["code"].as_str().expect("a code").to_owned();
        answer.problem(503, &code);
    }
}
