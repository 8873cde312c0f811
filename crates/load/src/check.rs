//! Compares what was acknowledged with what is stored, row by row.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use store::{Store, applications, messages};

use crate::{
    run::Acknowledged,
    scenario::{Scenario, text},
};

/// Rows read at a time.
const CHUNK: u32 = 5_000;

/// What the comparison found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) acknowledged: usize,
    pub(crate) stored: usize,
    /// Acknowledged, and not stored under the number.
    pub(crate) lost: usize,
    /// Two creates were acknowledged with one number.
    pub(crate) doubled: usize,
    /// Stored under the number, with another text.
    pub(crate) changed: usize,
}

impl Findings {
    pub(crate) fn differences(&self) -> usize {
        self.lost + self.doubled + self.changed
    }

    pub(crate) fn add(&mut self, other: &Findings) {
        self.acknowledged += other.acknowledged;
        self.stored += other.stored;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.changed += other.changed;
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Findings { acknowledged, stored, lost, doubled, changed } = self;
        write!(f, "{acknowledged} acknowledged, {stored} stored: {lost} lost, {doubled} doubled, {changed} changed")
    }
}

/// Waits until the scenario's acknowledged creates are stored, at most `limit`, then compares.
pub(crate) async fn check(
    store: &Store,
    scenario: &Scenario,
    acknowledged: &[Acknowledged],
    limit: Duration,
) -> anyhow::Result<Findings> {
    let deadline = Instant::now() + limit;
    loop {
        let findings = compare(store, scenario, acknowledged).await?;
        if findings.lost == 0 || Instant::now() >= deadline {
            return Ok(findings);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn compare(store: &Store, scenario: &Scenario, acknowledged: &[Acknowledged]) -> anyhow::Result<Findings> {
    let mut findings = Findings { acknowledged: acknowledged.len(), ..Findings::default() };
    let mut expected: Vec<HashMap<u64, String>> = vec![HashMap::new(); scenario.chats.len()];
    for create in acknowledged {
        let text = text(create.sender, create.sequence);
        if expected[create.chat].insert(create.number, text).is_some() {
            findings.doubled += 1;
        }
    }
    let mut conn = store.acquire().await?;
    let Some(application) = applications::id_of(&mut conn, scenario.token).await? else { bail!("the application is gone") };
    for (chat, mut expected) in scenario.chats.iter().zip(expected) {
        let mut after = 0;
        loop {
            let rows = messages::scan(&mut conn, application, *chat, after, CHUNK).await?;
            let Some(last) = rows.last() else { break };
            after = last.number.get();
            findings.stored += rows.len();
            for row in &rows {
                match expected.remove(&row.number.get()) {
                    Some(text) if text != row.body.as_str() => findings.changed += 1,
                    _ => {}
                }
            }
        }
        findings.lost += expected.len();
    }
    Ok(findings)
}

/// Fails when there is a difference.
pub(crate) fn verdict(findings: &Findings) -> anyhow::Result<()> {
    (findings.differences() == 0)
        .then_some(())
        .with_context(|| format!("what is stored differs from what was acknowledged: {findings}"))
}
