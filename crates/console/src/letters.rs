//! Dead letters: one with all that is known of it, and what may be done to it, by the same code as `chatctl dead`.
//!
//! What clients wrote leaves here for operators alone, as text inside JSON; it is never logged.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::header::CACHE_CONTROL,
    rt::spawn,
    web::{Data, Path},
};
use consumer::{
    discard::discard,
    retry::retry,
    rivals::{self, Rival},
};
use problems::of_store;
use serde_json::{Value, json};
use service::problem::Problem;
use store::dead_letters::{self, Reason, Stored};
use tokio::time::timeout;

use crate::{Shared, access::Operator, errors::of_retry};

/// Answers come within this, as all of the api's.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_800);
/// Of a payload so many bytes are shown; `chatctl dead show --raw` has all.
const SHOWN: usize = 64 * 1024;

/// `GET /console/letters/{id}`
pub(crate) async fn show(_: Operator, shared: Data<Shared>, id: Path<u64>) -> Result<HttpResponse, Problem> {
    let look = async {
        let mut connection = shared.store.acquire().await?;
        let Some(letter) = dead_letters::find(&mut connection, *id).await? else { return Ok(None) };
        let stored = match letter.letter.reason {
            Reason::Conflict => rivals::stored(&mut connection, &letter).await?,
            _ => None,
        };
        Ok(Some((letter, stored)))
    };
    let found = timeout(ANSWER_WITHIN, look).await.map_err(|_| Problem::timeout())?.map_err(of_store)?;
    let (letter, stored) = found.ok_or_else(Problem::route_not_found)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(shown(&letter, stored.as_ref())))
}

/// `POST /console/letters/{id}/retry`: stores what it holds, if that can be stored by now. It goes on when nobody waits for it
/// any more: broken off behind the raising of a counter, the next try could not tell whose the number is, and would make the item
/// a conflict.
pub(crate) async fn try_again(_: Operator, shared: Data<Shared>, id: Path<u64>) -> Result<HttpResponse, Problem> {
    let (store, sequencer, letter) = (shared.store.clone(), shared.sequencer.clone(), *id);
    let trying = spawn(async move {
        let tried = retry(&store, &sequencer, letter).await;
        if let Ok(retried) = &tried {
            tracing::info!(letter, stored = retried.is_stored(), "an operator tried a dead letter again");
        }
        tried
    });
    // Without an outcome it ends only with its worker.
    let tried = timeout(ANSWER_WITHIN, trying).await.map_err(|_| Problem::timeout())?.map_err(|_| Problem::timeout())?;
    let retried = tried.map_err(of_retry)?;
    Ok(told(&shared, retried.is_stored(), &retried.to_string()))
}

/// `POST /console/letters/{id}/discard`: lets it go. Its payload stays.
pub(crate) async fn let_go(_: Operator, shared: Data<Shared>, id: Path<u64>) -> Result<HttpResponse, Problem> {
    let tried = timeout(ANSWER_WITHIN, discard(&shared.store, *id, false)).await;
    let discarded = tried.map_err(|_| Problem::timeout())?.map_err(of_store)?;
    tracing::info!(letter = *id, discarded = discarded.is_done(), "an operator let a dead letter go");
    Ok(told(&shared, discarded.is_done(), &discarded.to_string()))
}

/// What came of it, in words.
fn told(shared: &Shared, is_done: bool, sentence: &str) -> HttpResponse {
    shared.watch.changed();
    HttpResponse::Ok().json(json!({ "is_done": is_done, "told": sentence }))
}

fn shown(letter: &Stored, stored: Option<&Rival>) -> Value {
    let (dead, identity) = (&letter.letter, &letter.letter.identity);
    let payload = &dead.payload[..dead.payload.len().min(SHOWN)];
    let rival = |rival: &Rival| {
        json!({
            "event": rival.event, "created_at": rival.created_at, "version": rival.version, "text": rival.text,
        })
    };
    json!({
        "id": letter.id,
        "reason": dead.reason.as_str(),
        "detail": dead.detail,
        "application": identity.application_id,
        "chat": identity.chat,
        "message": identity.message,
        "event": identity.event_id,
        "at": dead.created_at,
        "resolution": letter.resolved.map(|resolved| resolved.resolution.as_str()),
        "resolved_at": letter.resolved.map(|resolved| resolved.at),
        "bytes": dead.payload.len(),
        "is_cut": payload.len() < dead.payload.len(),
        "is_text": std::str::from_utf8(&dead.payload).is_ok(),
        "payload": text_of(payload),
        "own": rivals::own(letter).as_ref().map(rival),
        "stored": stored.map(rival),
    })
}

/// As text where it is text, perhaps cut within a character, else in hexadecimal.
fn text_of(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&payload[..error.valid_up_to()]).into_owned(),
        Err(_) => payload.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_text_where_it_can_be() {
        assert_eq!(text_of("né".as_bytes()), "né");
        assert_eq!(text_of(&"né".as_bytes()[..2]), "n");
        assert_eq!(text_of(&[0xff, 0x00, b'a']), "ff0061");
    }
}
