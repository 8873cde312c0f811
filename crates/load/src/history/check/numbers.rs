//! Creates against what is stored: nothing acknowledged is lost or changed, no number is given twice, nothing is there that
//! nobody asked for, and [no number is missing](gaps) that no failed call can have burnt.

use std::collections::{BTreeMap, HashMap};

use super::{
    evidence::{Calls, Claim, Evidence},
    gaps,
    stored::Row,
};
use crate::history::{
    record::{Create, Place, Series},
    report::{Kind, Report},
    text::{CallId, TextId, Words},
};

/// Numbers that are named in one sentence.
const NAMED: usize = 10;

/// Compares all that was said of a series with its rows, which come by number.
pub(crate) fn check(evidence: &Evidence<'_>, series: Series, rows: &[Row], report: &mut Report) {
    for claims in evidence.claims(series).chunk_by(|one, other| one.place == other.place) {
        shared(claims, report);
        match stored(rows, claims[0].place.number) {
            None => report.violation(Kind::Lost, claims[0].place.to_string(), claims.iter().map(|claim| claim.create)),
            Some(row) if is_own(evidence, claims, row.words) => {}
            Some(row) => {
                let what = format!("{} holds {}, and not {}", claims[0].place, row.words, claims[0].text);
                report.violation(Kind::Changed, what, claims.iter().map(|claim| claim.create));
            }
        }
    }
    let unacknowledged = unclaimed(evidence, series, rows, report);
    gaps::check(evidence, series, rows, &unacknowledged, report);
    report.figures.stored += rows.len() as u64;
    report.figures.unacknowledged += unacknowledged.values().sum::<u64>();
}

/// Attempts under one key are told one number, unless the key may have been forgotten.
pub(crate) fn check_keys(evidence: &Evidence<'_>, report: &mut Report) {
    for attempts in evidence.calls().all() {
        report.figures.retried += u64::from(attempts.len() > 1);
        let told = Calls::told(attempts);
        if told.len() > 1 + evidence.repetitions(attempts) {
            let what = format!("{}: {} numbers", attempts[0].call, told.len());
            report.violation(Kind::KeyTwice, what, attempts);
        }
    }
}

fn stored(rows: &[Row], number: u64) -> Option<&Row> {
    rows.binary_search_by_key(&number, |row| row.number).ok().map(|index| &rows[index])
}

fn shared(claims: &[Claim<'_>], report: &mut Report) {
    if claims.iter().any(|claim| claim.text != claims[0].text) {
        let mut creates: Vec<&Create> = claims.iter().map(|claim| claim.create).collect();
        creates.dedup_by_key(|create| create.call);
        report.violation(Kind::SharedNumber, claims[0].place.to_string(), creates);
    }
}

/// Whether a row has the text that it was created with, or one that it was updated to.
fn is_own(evidence: &Evidence<'_>, claims: &[Claim<'_>], words: Words) -> bool {
    let Words::Ours(text) = words else { return false };
    claims.iter().any(|claim| claim.text == text) || evidence.updates_of(claims[0].place).iter().any(|update| update.text == text)
}

/// Rows of which nobody was told. Returns how many are explained by which calls without an answer.
fn unclaimed(evidence: &Evidence<'_>, series: Series, rows: &[Row], report: &mut Report) -> HashMap<CallId, u64> {
    let mut copies: BTreeMap<TextId, Vec<u64>> = BTreeMap::new();
    for row in rows {
        let place = Place { series, number: row.number };
        if !evidence.claims_of(place).is_empty() {
            continue;
        }
        match row.words {
            Words::Ours(text) if evidence.calls().created(text, series) => copies.entry(text).or_default().push(row.number),
            words => report.violation(Kind::Unexplained, format!("{place}: {words}"), evidence.updates_of(place)),
        }
    }
    let mut explained = HashMap::new();
    for (text, numbers) in copies {
        let attempts = evidence.calls().attempts(text.call());
        let told = Calls::told(attempts).len();
        if told + numbers.len() > 1 + evidence.repetitions(attempts) {
            let what = format!("{text} of {series}: told {told} times, and stored as {} too", named(&numbers));
            report.violation(Kind::StoredTwice, what, attempts);
        } else {
            *explained.entry(text.call()).or_default() += numbers.len() as u64;
        }
    }
    explained
}

fn named(numbers: &[u64]) -> String {
    let first: Vec<String> = numbers.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if numbers.len() > NAMED { " …" } else { "" };
    format!("{}{more}", first.join(", "))
}
