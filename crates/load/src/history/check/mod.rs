//! Compares a history with what is stored, once all is quiet.
//!
//! `numbers`, `gaps` and `registers` hold calls against rows, `index` and `counts` what was derived from the rows, `api` what is
//! shown of them; these take plain values and judge. `quiet` and `stored` wait and read. A chat is read and judged at a time, so
//! memory holds the history and the largest chat.

mod api;
mod counts;
mod evidence;
mod gaps;
mod index;
mod numbers;
mod quiet;
mod registers;
mod stored;
mod stores;
#[cfg(test)]
mod tests;

use std::time::Duration;

use domain::ApplicationId;

pub(crate) use self::stores::{INDEX, Stores};
use self::{
    api::Api,
    evidence::Evidence,
    index::Sample,
    stored::{Application, Chat, Row},
};
use super::{
    record::{History, Outcome, Place, Series},
    report::{Figures, Kind, Report},
    text::Words,
};

/// How long all may take to come to rest: to store what is in the queues, and to index it.
const QUIET_WITHIN: Duration = Duration::from_secs(300);
/// Messages of a chat that are searched, among them as many updated ones as there are.
const SAMPLES: usize = 8;
/// Pages of a chat that are read through the api, spread over all of it.
const PAGES: usize = 20;

/// Waits until all is quiet, brings the counts up to date, and compares.
///
/// # Errors
/// When a server or the api cannot be asked. What it answers is part of the report.
pub(crate) async fn check(history: &History, stores: &Stores) -> anyhow::Result<Report> {
    let mut report = Report::of(figures(history));
    for oddity in &history.record.oddities {
        report.violation(Kind::OddAnswer, &oddity.what, [oddity.span]);
    }
    (0..history.record.more_oddities).for_each(|_| report.violation(Kind::OddAnswer, "further ones", None::<&str>));
    quiet::wait(history, &stores.mysql, QUIET_WITHIN, &mut report).await?;
    counts::bring_up_to_date(&stores.mysql).await?;
    stores.elasticsearch.refresh().await?;

    let mut epochs = stored::epochs(&stores.mysql, history.clock).await?;
    epochs.extend(&history.misdated);
    let evidence = Evidence::of(history, &epochs);
    numbers::check_keys(&evidence, &mut report);
    let mut ids = Vec::new();
    for (index, token) in (0..).zip(&history.applications) {
        let application = stored::application(&stores.mysql, *token).await?;
        ids.push(application.id);
        let checker = Checker { evidence: &evidence, stores, api: Api::new(&stores.api, *token)?, application, index };
        checker.check(&mut report).await?;
    }
    let letters = stored::dead_letters(&stores.mysql, &ids).await?;
    stored::check_dead_letters(&letters, &history.rivals, &mut report);
    Ok(report)
}

fn figures(history: &History) -> Figures {
    let record = &history.record;
    Figures {
        acknowledged: history.acknowledged(),
        unsure_creates: record.creates.iter().filter(|create| create.outcome.is_unsure()).count() as u64,
        updates: record.updates.iter().filter(|update| matches!(update.outcome, Outcome::Acknowledged(_))).count() as u64,
        unsure_updates: record.updates.iter().filter(|update| update.outcome.is_unsure()).count() as u64,
        reads: record.reads.len() as u64,
        calls: record.tally.clone(),
        ..Figures::default()
    }
}

/// One application, as the history and the stores know it.
struct Checker<'a> {
    evidence: &'a Evidence<'a>,
    stores: &'a Stores,
    api: Api,
    application: Application,
    index: u16,
}

impl Checker<'_> {
    async fn check(&self, report: &mut Report) -> anyhow::Result<()> {
        let Application { chats_count, chats, .. } = &self.application;
        let series = Series::chats_of(self.index);
        let rows: Vec<Row> = chats.iter().map(|chat| Row { number: chat.number.get(), words: chat.name }).collect();
        numbers::check(self.evidence, series, &rows, report);
        self.check_count(series, *chats_count, rows.len(), report).await?;
        for chat in chats {
            self.check_chat(chat, report).await?;
        }
        Ok(())
    }

    async fn check_chat(&self, chat: &Chat, report: &mut Report) -> anyhow::Result<()> {
        let Stores { mysql, elasticsearch, .. } = self.stores;
        let id: ApplicationId = self.application.id;
        let series = Series { application: self.index, chat: u32::try_from(chat.number.get())? };
        let rows = stored::messages(mysql, id, chat.number).await?;
        numbers::check(self.evidence, series, &rows, report);
        registers::check(self.evidence, series, &rows, report);
        index::check_all(series, &rows, &index::all(elasticsearch, id, chat.number).await?, report);
        for sample in samples(self.evidence, series, &rows) {
            index::check_sample(&sample, "the index", &index::find(elasticsearch, id, chat.number, &sample).await?, report);
            index::check_sample(&sample, "the api", &self.api.find(&sample).await?, report);
        }
        let step = rows.len().div_ceil(PAGES).max(100);
        for start in (0..rows.len()).step_by(step) {
            self.api.check_page(series, &rows, start, report).await?;
        }
        self.check_count(series, chat.messages_count, rows.len(), report).await
    }

    async fn check_count(&self, series: Series, count: u64, rows: usize, report: &mut Report) -> anyhow::Result<()> {
        counts::check(series, "MySQL", count, rows, report);
        counts::check(series, "the api", self.api.count(series, count).await?, rows, report);
        Ok(())
    }
}

/// Some of a chat's messages: updated ones, by the texts that they had, and others spread over all of the chat, by those that
/// they have.
fn samples(evidence: &Evidence<'_>, series: Series, rows: &[Row]) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut updated: Vec<Place> = evidence.updates(series).iter().map(|update| update.place).collect();
    updated.dedup();
    for place in updated.into_iter().take(SAMPLES / 2) {
        let texts = evidence.claims_of(place).iter().map(|claim| claim.text);
        let earlier = texts.chain(evidence.updates_of(place).iter().map(|update| update.text)).take(2);
        samples.extend(earlier.map(|text| Sample::of(place, text, rows)));
    }
    let step = rows.len().div_ceil(SAMPLES).max(1);
    let others = rows.iter().step_by(step).filter_map(|row| match row.words {
        Words::Ours(text) => Some(Sample::of(Place { series, number: row.number }, text, rows)),
        Words::Foreign => None,
    });
    samples.extend(others);
    samples
}
