//! `POST …/messages:batch`: creates up to 500 messages at once, for who brings a history along. All of them are accepted, under
//! numbers that follow one another, or none is.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use domain::{Field, Invalid, MessageBody, Rule};
use numbering::{MAX_BATCH, NewMessages};
use problems::of_numbering;
use ratelimit::Deferred;
use serde_json::Value;
use service::{
    http::{Body, Family, path},
    problem::{FieldError, Problem},
};

use crate::{answers, key::Key, messages::text, origin::Origin, state::State};

/// The largest body of a request here. A batch goes to the broker as one message of about this size, beside up to a megabyte of
/// others (which JSON may write in six), and RabbitMQ takes 16 MiB.
pub(crate) const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Entries that are told of, of those that break a rule.
const MAX_TOLD: usize = 20;

/// Of both families.
pub(crate) async fn create(
    state: Data<State>,
    request: HttpRequest,
    key: Key,
    body: Body,
    charge: Deferred,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    let deadline = Instant::now() + state.settings.create_timeout();
    let (token, chat) = (path::application(&request)?, path::chat(&request)?);
    let bodies = bodies(body.object(None)?.remove(Field::Messages.as_str()))?;
    let new = NewMessages {
        token,
        chat,
        bodies,
        key: key.0,
        charge: charge.0,
        request_id: origin.request_id(),
        trace: origin.trace.clone(),
    };
    let accepted = state.numbering.create_messages(&new, deadline).await.map_err(of_numbering)?;
    Ok(answers::messages(Family::of(&request), accepted, new.bodies.len()))
}

/// Every entry's text, or which entries break which rules.
fn bodies(messages: Option<Value>) -> Result<Vec<MessageBody>, Problem> {
    let entries = match messages {
        None | Some(Value::Null) => return Err(Problem::required(Field::Messages)),
        Some(Value::Array(entries)) if (1..=MAX_BATCH).contains(&entries.len()) => entries,
        Some(_) => return Err(Invalid::new(Field::Messages, Rule::Entries(MAX_BATCH)).into()),
    };
    let mut bodies = Vec::with_capacity(entries.len());
    let mut broken = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let told = match entry {
            Value::Object(mut fields) => text(&mut fields).map_err(|rule| FieldError::of_entry(Field::Messages, index, rule)),
            _ => Err(FieldError::entry(Field::Messages, index, Rule::Object)),
        };
        match told {
            Ok(body) => bodies.push(body),
            Err(error) => broken.push(error),
        }
    }
    broken.truncate(MAX_TOLD);
    if broken.is_empty() { Ok(bodies) } else { Err(Problem::invalid_fields(broken)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(messages: Value) -> Vec<(String, &'static str)> {
        let problem = bodies(Some(messages)).unwrap_err();
        problem.errors().iter().map(|error| (error.field.to_string(), error.code)).collect()
    }

    #[test]
    fn entries_that_break_rules_are_told_by_their_place() {
        let broken = json!([{ "body": "a" }, {}, { "body": "" }, "text", { "body": 1 }, { "body": "b" }]);
        let expected = [
            ("messages[1].body", "required"),
            ("messages[2].body", "empty"),
            ("messages[3]", "not_an_object"),
            ("messages[4].body", "not_a_string"),
        ];
        assert_eq!(fields(broken), expected.map(|(field, code)| (field.to_owned(), code)));
        assert_eq!(fields(json!(vec![0; 500])).len(), MAX_TOLD);
    }

    #[test]
    fn a_batch_has_one_to_five_hundred_entries() {
        for wrong in [json!([]), json!({}), json!("x"), json!(1), json!(vec![json!({ "body": "x" }); 501])] {
            assert_eq!(fields(wrong), [("messages".to_owned(), "wrong_length")]);
        }
        assert_eq!(fields(Value::Null), [("messages".to_owned(), "required")]);
        assert!(bodies(None).is_err());
        let bodies = bodies(Some(json!(vec![json!({ "body": "x" }); 500]))).unwrap();
        assert_eq!(bodies.len(), 500);
    }
}
