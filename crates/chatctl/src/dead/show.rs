//! `chatctl dead show`: all that is known of one letter, its text included; for a conflict, what is stored beside it.

use anyhow::{Context, Result};
use consumer::rivals::{self, Rival};
use say::say;
use serde_json::{Value, json};
use store::dead_letters::{self, Reason, Stored};

use super::{connect, resolution};
use crate::text::{harmless, table};

/// How wide a column of a comparison is, in characters.
const COLUMN: usize = 56;
/// Bytes of a line in hexadecimal.
const BYTES_A_LINE: usize = 32;

/// Which letter, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The letter's id, as `dead list` shows it
    id: u64,
    /// Write the payload to standard output, byte for byte, and nothing else
    #[arg(long)]
    raw: bool,
    /// Print a JSON object
    #[arg(long, conflicts_with = "raw")]
    json: bool,
}

pub(super) async fn run(options: &Options) -> Result<()> {
    let mut connection = connect().await?;
    let found = dead_letters::find(&mut connection, options.id).await?;
    let letter = found.with_context(|| format!("there is no dead letter {}", options.id))?;
    if options.raw {
        return Ok(say::bytes(&letter.letter.payload)?);
    }
    let rival = match letter.letter.reason {
        Reason::Conflict => rivals::stored(&mut connection, &letter).await?,
        _ => None,
    };
    if options.json {
        say!("{:#}", to_json(&letter, rival.as_ref()));
    } else {
        say::text(format_args!("{}", to_text(&letter, rival.as_ref())))?;
    }
    Ok(())
}

fn to_text(letter: &Stored, rival: Option<&Rival>) -> String {
    let (Stored { id, letter: dead, resolved }, identity) = (letter, &letter.letter.identity);
    let mut rows = vec![
        ("dead letter", Some(id.to_string())),
        ("reason", Some(dead.reason.as_str().to_owned())),
        ("detail", Some(dead.detail.clone())),
        ("event", identity.event_id.map(|event| event.to_string())),
        ("application", identity.application_id.map(|id| id.get().to_string())),
        ("chat", identity.chat.map(|number| number.to_string())),
        ("message", identity.message.map(|number| number.to_string())),
        ("given up at", Some(dead.created_at.to_string())),
        ("resolution", Some(resolved.map_or_else(|| "none yet".to_owned(), |resolved| resolution(Some(resolved))))),
    ];
    rows.push(("payload", Some(format!("{} bytes", dead.payload.len()))));
    let rows: Vec<_> = rows.into_iter().filter_map(|(label, text)| Some(vec![label.to_owned(), harmless(&text?)])).collect();
    let mut text = table(&rows);
    text.push_str(&payload(&dead.payload));
    if dead.reason == Reason::Conflict {
        text.push('\n');
        text.push_str(&comparison(rival, rivals::own(letter).as_ref()));
    }
    text
}

/// As text if it is JSON, else in hexadecimal.
fn payload(bytes: &[u8]) -> String {
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    match std::str::from_utf8(bytes) {
        Ok(text) if is_json => format!("{}\n", harmless(text)),
        _ => bytes.chunks(BYTES_A_LINE).map(|line| format!("{}\n", hex(line))).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is stored on the left, the letter on the right.
fn comparison(stored: Option<&Rival>, letter: Option<&Rival>) -> String {
    let mut rows = vec![vec![String::new(), "stored".to_owned(), "dead letter".to_owned()]];
    let mut compare = |label: &str, read: &dyn Fn(&Rival) -> String| {
        let cell = |version: Option<&Rival>, none: &str| wrapped(&version.map_or_else(|| none.to_owned(), read));
        let (left, right) = (cell(stored, "(nothing)"), cell(letter, "(unreadable)"));
        for line in 0..left.len().max(right.len()) {
            let at = |lines: &[String]| lines.get(line).cloned().unwrap_or_default();
            rows.push(vec![if line == 0 { label.to_owned() } else { String::new() }, at(&left), at(&right)]);
        }
    };
    compare("event", &|version| version.event.to_string());
    compare("created at", &|version| version.created_at.to_string());
    compare("version", &|version| version.version.to_string());
    compare("text", &|version| version.text.clone().unwrap_or_else(|| "(none)".to_owned()));
    table(&rows)
}

fn wrapped(text: &str) -> Vec<String> {
    let text = harmless(text);
    text.split('\n')
        .flat_map(|line| {
            let line: Vec<char> = line.chars().collect();
            let parts: Vec<String> = line.chunks(COLUMN).map(|part| part.iter().collect()).collect();
            if parts.is_empty() { vec![String::new()] } else { parts }
        })
        .collect()
}

fn to_json(letter: &Stored, rival: Option<&Rival>) -> Value {
    let (dead, identity) = (&letter.letter, &letter.letter.identity);
    let as_json: Option<Value> = serde_json::from_slice(&dead.payload).ok();
    let version = |version: &Rival| json!({ "event_id": version.event, "created_at": version.created_at, "version": version.version, "text": version.text });
    let mut shown = json!({
        "id": letter.id,
        "reason": dead.reason.as_str(),
        "detail": dead.detail,
        "application_id": identity.application_id,
        "chat": identity.chat,
        "message": identity.message,
        "event_id": identity.event_id,
        "created_at": dead.created_at,
        "resolution": letter.resolved.map(|resolved| resolved.resolution.as_str()),
        "resolved_at": letter.resolved.map(|resolved| resolved.at),
        "payload_bytes": dead.payload.len(),
    });
    if dead.reason == Reason::Conflict {
        shown["stored"] = rival.map(version).into();
    }
    match as_json {
        Some(payload) => shown["payload"] = payload,
        None => shown["payload_hex"] = hex(&dead.payload).into(),
    }
    shown
}
