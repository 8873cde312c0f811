//! The calls that a client can make: each is sent once, and written down with its answer.

use std::time::Duration;

use bytes::Bytes;
use domain::ApplicationToken;
use hyper::{Method, Response, StatusCode};
use rand::{Rng, rngs::StdRng};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    clock::{Clock, Span},
    http::{Call, Http, Service},
    record::{Create, Outcome, Place, Read, Record, Seen, Series, Update},
    tally::Action,
    text::{CallId, Words},
};

/// How long a patient client waits: far longer than the 3 s within which services answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// One client: what it sends with, and what it has written down.
pub(crate) struct Caller {
    pub(crate) id: u16,
    pub(crate) applications: Vec<ApplicationToken>,
    pub(crate) clock: Clock,
    pub(crate) http: Http,
    pub(crate) random: StdRng,
    pub(crate) record: Record,
    /// Tells the run's keys from those of another run.
    pub(crate) run: u64,
}

#[derive(Deserialize)]
struct Numbers {
    number: Option<u64>,
    numbers: Option<Vec<u64>>,
}

#[derive(Deserialize)]
struct Shown {
    number: u64,
    body: String,
}

#[derive(Deserialize)]
struct Listed {
    messages: Vec<Shown>,
}

/// An answer as it came, or none, and when.
struct Exchange {
    answer: Option<Response<Bytes>>,
    span: Span,
}

impl Caller {
    /// Creates a chat or, of a chat's messages, `items` at once. An attempt of `call`, with its key if it is to have one.
    pub(crate) async fn create(
        &mut self,
        call: CallId,
        series: Series,
        items: u16,
        keyed: bool,
        patience: Duration,
    ) -> Outcome<u64> {
        let (action, tail, body) = match (series.is_of_chats(), items) {
            (true, _) => (Action::CreateChat, String::new(), json!({ "name": call.text(0).name() })),
            (false, 1) => (Action::CreateMessage, format!("/{}/messages", series.chat), json!({ "body": call.text(0).body() })),
            (false, _) => {
                let messages: Vec<Value> = (0..items).map(|item| json!({ "body": call.text(item).body() })).collect();
                (Action::CreateMessages, format!("/{}/messages:batch", series.chat), json!({ "messages": messages }))
            }
        };
        let path = self.path(series.application, &tail);
        let key = keyed.then(|| format!("{:x} {call}", self.run).replace(' ', "-"));
        let (key, body) = (key.as_deref(), body.to_string().into());
        let request = Call { service: Service::Ingest, method: Method::POST, path: &path, body, key, patience };
        let Exchange { answer, span } = self.exchange(action, request).await;
        let outcome = self.outcome(answer.as_ref(), span, &path).map(|answer| {
            let first = first_number(answer.body(), items);
            if first.is_none() {
                self.record.odd(span, format!("{call}: {items} created, and answered {}", text(&answer)));
            }
            first.unwrap_or_default()
        });
        self.record.creates.push(Create { call, series, items, keyed, span, outcome });
        outcome
    }

    /// Gives a message the text of this call.
    pub(crate) async fn update(&mut self, place: Place, call: CallId) -> Outcome<&'static str> {
        let text = call.text(0);
        let path = self.path(place.series.application, &format!("/{}/messages/{}", place.series.chat, place.number));
        let method = if self.random.random_bool(0.5) { Method::PUT } else { Method::PATCH };
        let body = json!({ "body": text.body() }).to_string().into();
        let request = Call { service: Service::Api, method, path: &path, body, key: None, patience: PATIENCE };
        let Exchange { answer, span } = self.exchange(Action::Update, request).await;
        let outcome = self.outcome(answer.as_ref(), span, &path).map(|answer| {
            if shown(answer.body()) != Some((place.number, Words::Ours(text))) {
                self.record.odd(span, format!("update of {place} to {text} answered with another text"));
            }
            ""
        });
        if matches!(outcome, Outcome::Refused(status) if status != 409) {
            self.record.odd(span, format!("update of {place}, which is acknowledged: {outcome}"));
        }
        self.record.updates.push(Update { place, text, span, outcome });
        outcome
    }

    /// Reads a message by its number.
    pub(crate) async fn read(&mut self, place: Place) {
        let path = self.path(place.series.application, &format!("/{}/messages/{}", place.series.chat, place.number));
        let Exchange { answer, span } = self.get(Action::Read, &path).await;
        let Some(answer) = self.readable(answer, span, &path) else { return };
        let seen = match answer.status() {
            StatusCode::OK => match shown(answer.body()) {
                Some((number, words)) if number == place.number => Seen::Text(words),
                _ => return self.record.odd(span, format!("read of {place} answered with another message")),
            },
            StatusCode::ACCEPTED => Seen::Pending,
            StatusCode::NOT_FOUND => Seen::Absent,
            status => return self.record.odd(span, format!("read of {place} answered {status}")),
        };
        self.record.reads.push(Read { client: self.id, place, span, seen });
    }

    /// Reads the page of a chat's messages behind a number; `None` is the first page, of the usual length.
    pub(crate) async fn list(&mut self, series: Series, page: Option<(u64, u64)>) {
        let query = page.map_or_else(String::new, |(after, limit)| format!("?after={after}&limit={limit}"));
        let messages = self.messages(Action::List, series, &format!("{}/messages{query}", series.chat)).await;
        let Some((entries, span)) = messages else { return };
        let mut expected = page.map_or(1, |(after, _)| after + 1);
        for Shown { number, body } in entries {
            if number < expected {
                return self.record.odd(span, format!("{series}: a list is not in order, or begins too early, at {number}"));
            }
            let unlisted = (expected..number).map(|number| (number, Seen::Unlisted));
            let seen = unlisted.chain([(number, Seen::Text(Words::of_body(&body)))]);
            let read = seen.map(|(number, seen)| Read { client: self.id, place: Place { series, number }, span, seen });
            self.record.reads.extend(read);
            expected = number + 1;
        }
    }

    /// Searches for a part of our texts: what is found has it.
    pub(crate) async fn search(&mut self, series: Series, part: &str, after: u64) {
        let query = serde_urlencoded::to_string([("query", part), ("after", &after.to_string()), ("limit", "20")]);
        let Ok(query) = query else { return };
        let hits = self.messages(Action::Search, series, &format!("{}/messages/search?{query}", series.chat)).await;
        let Some((hits, span)) = hits else { return };
        for Shown { number, body } in hits {
            if !body.contains(part) || number <= after {
                self.record.odd(span, format!("{series}: a search behind {after} found {number}, which does not match"));
            }
            let seen = Seen::Text(Words::of_body(&body));
            self.record.reads.push(Read { client: self.id, place: Place { series, number }, span, seen });
        }
    }

    async fn messages(&mut self, action: Action, series: Series, tail: &str) -> Option<(Vec<Shown>, Span)> {
        let path = format!("/api/v1/applications/{}/chats/{tail}", self.applications[usize::from(series.application)]);
        let Exchange { answer, span } = self.get(action, &path).await;
        let answer = self.readable(answer, span, &path)?;
        match (answer.status(), serde_json::from_slice::<Listed>(answer.body())) {
            (StatusCode::OK, Ok(listed)) => return Some((listed.messages, span)),
            // The chat is accepted and not stored yet.
            (StatusCode::ACCEPTED, _) => {}
            (status, _) => self.record.odd(span, format!("{series}, whose chat is acknowledged: answered {status}")),
        }
        None
    }

    /// In either family of routes.
    fn path(&mut self, application: u16, tail: &str) -> String {
        let family = if self.random.random_bool(0.5) { "" } else { "/api/v1" };
        format!("{family}/applications/{}/chats{tail}", self.applications[usize::from(application)])
    }

    async fn get(&mut self, action: Action, path: &str) -> Exchange {
        let (service, method, patience) = (Service::Api, Method::GET, PATIENCE);
        self.exchange(action, Call { service, method, path, body: Bytes::new(), key: None, patience }).await
    }

    async fn exchange(&mut self, action: Action, call: Call<'_>) -> Exchange {
        let start = self.clock.now();
        let answer = self.http.send(call, &mut self.random).await.ok();
        self.record.tally.count(action, answer.as_ref().map(|answer| answer.status().as_u16()));
        Exchange { answer, span: Span { start, end: self.clock.now() } }
    }

    /// How an attempt to change something ended.
    fn outcome(&mut self, answer: Option<&Response<Bytes>>, span: Span, path: &str) -> Outcome<Response<Bytes>> {
        let Some(answer) = answer else { return Outcome::Unanswered };
        let status = answer.status().as_u16();
        match status {
            200..300 => return Outcome::Acknowledged(answer.clone()),
            500 => self.record.odd(span, format!("{}: 500", hidden(path))),
            404 | 422 => self.record.odd(span, format!("{}: {status}, of what is acknowledged", hidden(path))),
            _ => {}
        }
        if status < 500 { Outcome::Refused(status) } else { Outcome::Failed(status) }
    }

    /// An answer that tells something.
    fn readable(&mut self, answer: Option<Response<Bytes>>, span: Span, path: &str) -> Option<Response<Bytes>> {
        match answer {
            Some(answer) if answer.status().as_u16() < 500 => return Some(answer),
            Some(answer) if answer.status() == 500 => self.record.odd(span, format!("{}: 500", hidden(path))),
            _ => {}
        }
        None
    }
}

impl<T> Outcome<T> {
    fn map<U>(self, told: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Acknowledged(answer) => Outcome::Acknowledged(told(answer)),
            Self::Refused(status) => Outcome::Refused(status),
            Self::Failed(status) => Outcome::Failed(status),
            Self::Unanswered => Outcome::Unanswered,
        }
    }
}

/// The number, or the first of several that must follow one another.
fn first_number(body: &[u8], items: u16) -> Option<u64> {
    let Numbers { number, numbers } = serde_json::from_slice(body).ok()?;
    let numbers = numbers.unwrap_or_else(|| number.into_iter().collect());
    let first = *numbers.first()?;
    (first > 0 && numbers.into_iter().eq((first..).take(items.into()))).then_some(first)
}

fn shown(body: &[u8]) -> Option<(u64, Words)> {
    let Shown { number, body } = serde_json::from_slice(body).ok()?;
    Some((number, Words::of_body(&body)))
}

/// A path without its token.
fn hidden(path: &str) -> &str {
    path.find("/chats").map_or(path, |from| &path[from..])
}

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8_lossy(&answer.body()[..answer.body().len().min(200)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_follow_one_another_are_an_acknowledgement() {
        assert_eq!(first_number(br#"{"number":7,"status":"x"}"#, 1), Some(7));
        assert_eq!(first_number(br#"{"numbers":[7,8,9]}"#, 3), Some(7));
        for (wrong, items) in [(r#"{"number":0}"#, 1), (r#"{"numbers":[7,9]}"#, 2), (r#"{"numbers":[7]}"#, 2), ("{}", 1), ("", 1)]
        {
            assert_eq!(first_number(wrong.as_bytes(), items), None, "{wrong}");
        }
    }
}
