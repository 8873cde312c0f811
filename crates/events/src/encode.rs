//! Writes envelopes: JSON, so that a payload can be read in the broker's management UI.

use serde::Serialize;

use crate::{ENVELOPE_VERSION, Epoch, Item};

#[derive(Serialize)]
struct ItemsEnvelope<'a> {
    v: u16,
    kind: &'static str,
    epoch: Epoch,
    items: &'a [Item],
}

#[derive(Serialize)]
struct FenceEnvelope {
    v: u16,
    kind: &'static str,
    epoch: Epoch,
}

/// The payload that carries `items`, whose numbers were taken in `epoch`.
///
/// # Errors
/// None in practice: every part has a JSON form.
pub fn encode_items(epoch: Epoch, items: &[Item]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&ItemsEnvelope { v: ENVELOPE_VERSION, kind: "items", epoch, items })
}

/// The payload of a fence: its answer (to the AMQP property `reply-to`, with the same `correlation-id`) says that all that stood
/// before it in the queue is committed.
///
/// # Errors
/// None in practice.
pub fn encode_fence(epoch: Epoch) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&FenceEnvelope { v: ENVELOPE_VERSION, kind: "fence", epoch })
}
