//! `chatctl dead list`: one line a letter, never a text of a client's.

use anyhow::Result;
use say::say;
use serde_json::{Value, json};
use store::dead_letters::{self, Filter, Reason, Summary};

use super::{connect, resolution};
use crate::text::table;

/// Which letters to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only those of this reason: conflict, chat_missing, undecodable_item, undecodable_payload, rejected
    #[arg(long, value_parser = super::reason)]
    reason: Option<Reason>,
    /// Also those that were stored or discarded
    #[arg(long)]
    all: bool,
    /// Only those behind the one with this id
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: u64,
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: &Options) -> Result<()> {
    let filter = Filter { reason: options.reason, resolved_too: options.all, after: options.after, limit: options.limit };
    let letters = dead_letters::summaries(&mut *connect().await?, &filter).await?;
    if options.json {
        say!("{:#}", letters.iter().map(to_json).collect::<Value>());
        return Ok(());
    }
    if letters.is_empty() {
        say!("no dead letters");
        return Ok(());
    }
    let head = ["id", "reason", "at", "application", "chat", "message", "event", "bytes", "resolution", "detail"];
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec()).chain(letters.iter().map(cells)).collect();
    say::text(format_args!("{}", table(&rows)))?;
    if letters.len() == filter.limit as usize
        && let Some(last) = letters.last()
    {
        say!("there may be more: --after {}", last.id);
    }
    Ok(())
}

fn cells(letter: &Summary) -> Vec<String> {
    let identity = &letter.identity;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        letter.id.to_string(),
        letter.reason.as_str().to_owned(),
        letter.created_at.to_string(),
        or_dash(identity.application_id.map(|id| id.get().to_string())),
        or_dash(identity.chat.map(|number| number.to_string())),
        or_dash(identity.message.map(|number| number.to_string())),
        or_dash(identity.event_id.map(|event| event.to_string())),
        letter.payload_bytes.to_string(),
        or_dash(letter.resolved.map(|resolved| resolution(Some(resolved)))),
        letter.detail.clone(),
    ]
}

fn to_json(letter: &Summary) -> Value {
    let identity = &letter.identity;
    json!({
        "id": letter.id,
        "reason": letter.reason.as_str(),
        "detail": letter.detail,
        "application_id": identity.application_id,
        "chat": identity.chat,
        "message": identity.message,
        "event_id": identity.event_id,
        "payload_bytes": letter.payload_bytes,
        "created_at": letter.created_at,
        "resolution": letter.resolved.map(|resolved| resolved.resolution.as_str()),
        "resolved_at": letter.resolved.map(|resolved| resolved.at),
    })
}
