//! What the api shows at the end against the rows: lists, searches, counts.

use std::time::Duration;

use anyhow::{Context, ensure};
use client::{Client, SearchSource};
use domain::ApplicationToken;
use tokio::time::{Instant, sleep};
use url::Url;

use super::{index::Sample, stored::Row};
use crate::history::{
    record::Series,
    report::{Kind, Report},
    text::Words,
};

/// Entries of a page.
const PAGE: u64 = 100;
/// Counts may be kept in a cache for ten seconds.
const COUNTS_SHOW_WITHIN: Duration = Duration::from_secs(15);
/// A search that takes the index longer than 1.5 s is answered without it.
const INDEX_ANSWERS_WITHIN: Duration = Duration::from_secs(60);
/// A page ends before a missing number that may still come: where clocks are wrong, until so long after it was first seen, and
/// with an api under load a while longer.
const GAPS_PASSED_WITHIN: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

/// Holds a page of the list behind a number against the rows that it must show.
pub(super) fn compare(series: Series, after: u64, shown: &[Row], expected: &[Row], report: &mut Report) {
    report.figures.listed += shown.len() as u64;
    if shown != expected {
        let place = shown.iter().zip(expected).position(|(one, other)| one != other).unwrap_or(shown.len().min(expected.len()));
        let tell = |rows: &[Row]| rows.get(place).map_or("nothing".to_owned(), |row| format!("{} {}", row.number, row.words));
        let what = format!("{series}: the list behind {after} differs");
        report.violation(Kind::WrongInApi, what, [format!("shown: {}", tell(shown)), format!("stored: {}", tell(expected))]);
    }
}

/// Asks the api of one application.
pub(crate) struct Api {
    client: Client,
    token: String,
}

impl Api {
    pub(crate) fn new(url: &Url, token: ApplicationToken) -> anyhow::Result<Self> {
        let client = Client::new(url.as_str(), url.as_str(), client::Options::default())?;
        Ok(Self { client, token: token.to_string() })
    }

    /// Reads a page of messages from the rows' `index`-th on, and holds it against the rows; waits for one that ends before a
    /// missing number.
    pub(crate) async fn check_page(&self, series: Series, rows: &[Row], index: usize, report: &mut Report) -> anyhow::Result<()> {
        let after = index.checked_sub(1).map_or(0, |before| rows[before].number);
        let list = || self.client.messages(&self.token, series.chat.into()).after(after).limit(PAGE);
        let expected = &rows[index..rows.len().min(index + PAGE as usize)];
        let deadline = Instant::now() + GAPS_PASSED_WITHIN;
        loop {
            let page = list().page().await?.stored().context("a chat that is stored is answered 202")?;
            let shown: Vec<Row> =
                page.entries.iter().map(|message| Row { number: message.number, words: Words::of_body(&message.body) }).collect();
            if shown.len() >= expected.len() || Instant::now() >= deadline {
                compare(series, after, &shown, expected, report);
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    }

    /// Where the api finds the fragment, by the index; waits for an index that is too slow to be asked.
    pub(crate) async fn find(&self, sample: &Sample) -> anyhow::Result<Vec<u64>> {
        let chat = sample.place.series.chat.into();
        let deadline = Instant::now() + INDEX_ANSWERS_WITHIN;
        loop {
            let found = self.client.search(&self.token, chat, &sample.fragment).all().await?;
            if found.source == Some(SearchSource::Index) {
                return Ok(found.entries.into_iter().map(|message| message.number).collect());
            }
            ensure!(Instant::now() < deadline, "the api does not reach the index");
            sleep(PAUSE).await;
        }
    }

    /// How many messages a chat, or chats the application, is shown to have; waits for the cache to catch up with `expected`.
    pub(crate) async fn count(&self, series: Series, expected: u64) -> anyhow::Result<u64> {
        let deadline = Instant::now() + COUNTS_SHOW_WITHIN;
        loop {
            let count = if series.is_of_chats() {
                self.client.application(&self.token).await?.chats_count
            } else {
                let chat = self.client.chat(&self.token, series.chat.into()).await?;
                chat.stored().context("a chat that is stored is answered 202")?.messages_count
            };
            if count == expected || Instant::now() >= deadline {
                return Ok(count);
            }
            sleep(PAUSE).await;
        }
    }
}
