//! The search index against the rows: each message is in it once, with the text that it has now and with none that it had.

use domain::{ApplicationId, ChatNumber, MAX_NUMBER};
use search::{Cursor, Query, SearchIndex};

use super::stored::Row;
use crate::history::{
    record::{Place, Series},
    report::{Kind, Report},
    text::{OPENING, TextId, Words},
};

/// Numbers asked for at once.
const PAGE: u64 = 2_000;
/// More than any fragment can have.
const FEW: u64 = 10;

/// A search for something that the index must find in these messages and in no other.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) place: Place,
    pub(crate) fragment: String,
    pub(crate) expected: Vec<u64>,
}

impl Sample {
    /// A part of a text that a message has or had, in upper or lower case: it is found where the text is now, and nowhere else.
    pub(crate) fn of(place: Place, text: TextId, rows: &[Row]) -> Self {
        let fragment = text.fragment((place.number % 9) as usize);
        // What of it is ASCII folds back to the same.
        let fragment = if place.number.is_multiple_of(2) { fragment } else { fragment.to_ascii_uppercase() };
        let expected = rows.iter().filter(|row| row.words == Words::Ours(text)).map(|row| row.number).collect();
        Self { place, fragment, expected }
    }
}

/// The chat's messages that the index holds with any of our texts, by number.
pub(crate) async fn all(index: &SearchIndex, application: ApplicationId, chat: ChatNumber) -> anyhow::Result<Vec<u64>> {
    let query = Query::parse(OPENING)?;
    let mut numbers: Vec<u64> = Vec::new();
    loop {
        let cursor = Cursor::After(numbers.last().copied().unwrap_or(0));
        let found = index.search(application, chat, &query, cursor, MAX_NUMBER, PAGE).await?;
        if found.is_empty() {
            return Ok(numbers);
        }
        numbers.extend(found.into_iter().map(|hit| hit.number.get()));
    }
}

/// Where the index finds the fragment.
pub(crate) async fn find(
    index: &SearchIndex,
    application: ApplicationId,
    chat: ChatNumber,
    sample: &Sample,
) -> anyhow::Result<Vec<u64>> {
    let query = Query::parse(&sample.fragment)?;
    let found = index.search(application, chat, &query, Cursor::After(0), MAX_NUMBER, FEW).await?;
    Ok(found.into_iter().map(|hit| hit.number.get()).collect())
}

/// Holds all that is in the index against all that is stored.
pub(crate) fn check_all(series: Series, rows: &[Row], indexed: &[u64], report: &mut Report) {
    report.figures.indexed += indexed.len() as u64;
    let stored: Vec<u64> = rows.iter().filter(|row| row.words != Words::Foreign).map(|row| row.number).collect();
    compare(series, "", &stored, indexed, report);
}

/// Holds what a search has found against what it must find.
pub(crate) fn check_sample(sample: &Sample, by: &str, found: &[u64], report: &mut Report) {
    report.figures.searches += 1;
    let what = format!(", for {:?} by {by} (of number {})", sample.fragment, sample.place.number);
    compare(sample.place.series, &what, &sample.expected, found, report);
}

fn compare(series: Series, what: &str, stored: &[u64], found: &[u64], report: &mut Report) {
    let without = |these: &[u64], others: &[u64]| -> Vec<u64> {
        these.iter().copied().filter(|number| others.binary_search(number).is_err()).collect()
    };
    for (kind, numbers) in [(Kind::MissingInIndex, without(stored, found)), (Kind::ExtraInIndex, without(found, stored))] {
        for number in numbers {
            report.violation(kind, format!("{series} number {number}{what}"), None::<&str>);
        }
    }
}
