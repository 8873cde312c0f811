//! What goes on, to who may look: one snapshot, or all of them as server-sent events (HTML Living Standard, section 9.2).

use std::{convert::Infallible, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header::CACHE_CONTROL},
    web::{Bytes, Data},
};
use futures_util::stream;
use serde_json::json;
use service::problem::{Dependency, Problem};
use tokio::time::timeout;

use crate::{Shared, access::Observer, access::Operator, errors::of_roster, watch::Viewer};

/// A snapshot is made once a second, of answers that may take two.
const SNAPSHOT_WITHIN: Duration = Duration::from_millis(2_800);
/// A page that has lost the stream comes again after so many milliseconds.
const COMES_AGAIN: &str = "retry: 1000\n\n";

/// `GET /console/session`: what the page may do, and what it must send for that.
pub(crate) async fn session(observer: Observer, shared: Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({
        "may_act": observer.may_act,
        "csrf_token": observer.csrf_token,
        "can_sign_out": shared.asks_for_a_token,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// `GET /console/snapshot`
pub(crate) async fn snapshot(_: Observer, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    let mut viewer = shared.watch.enter()?;
    let next = timeout(SNAPSHOT_WITHIN, viewer.next()).await.map_err(|_| Problem::timeout())?;
    let snapshot = next.ok_or_else(Problem::overloaded)?;
    let answer =
        HttpResponse::Ok().content_type("application/json").insert_header((CACHE_CONTROL, "no-store")).body(snapshot.to_string());
    Ok(answer)
}

/// `GET /console/events`: a snapshot a second as an event `snapshot`, for ten minutes at most.
pub(crate) async fn events(_: Observer, shared: Data<Shared>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("text/event-stream")
        // A proxy must pass on each event as it comes.
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        .insert_header(("x-accel-buffering", "no"));
    // The server would run through the stream that it does not send: a seat taken for nobody, on a connection that answers
    // nothing else meanwhile.
    if request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let viewer = shared.watch.enter()?;
    let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(COMES_AGAIN.as_bytes()))]);
    let snapshots = stream::unfold(viewer, async |mut viewer: Viewer| {
        let snapshot = viewer.next().await?;
        Some((Ok(event(&snapshot)), viewer))
    });
    Ok(answer.streaming(stream::StreamExt::chain(first, snapshots)))
}

/// JSON has no line feeds but between its tokens, and ours has none there.
fn event(snapshot: &Arc<str>) -> Bytes {
    format!("event: snapshot\ndata: {snapshot}\n\n").into()
}

/// `POST /console/counts/run`: has a consumer bring the counts up to date.
pub(crate) async fn count(_: Operator, shared: Data<Shared>) -> Result<HttpResponse, Problem> {
    let seen = shared.roster.look().await.map_err(of_roster)?;
    if !seen.replicas.iter().any(|alive| alive.status.service == "consumer") {
        return Err(Problem::dependency_unavailable(Dependency::Consumer));
    }
    shared.roster.ask_to_count().await.map_err(of_roster)?;
    tracing::info!("an operator asked for the counts");
    shared.watch.changed();
    Ok(HttpResponse::Accepted().json(json!({ "is_done": true, "told": "a consumer has been asked" })))
}
