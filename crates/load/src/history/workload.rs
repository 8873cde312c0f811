//! Makes a history: many clients at work on applications of their own, until they are stopped, and then a last create in each
//! chat.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anyhow::Context;
use client::Client;
use domain::ApplicationToken;
use futures_util::{StreamExt, stream};
use rand::{SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    board::Board,
    calls::Caller,
    clock::Clock,
    customer::Customer,
    http::Http,
    record::{Create, History, Record},
};
pub(crate) use super::{http::Targets, options::Options};

/// Longer than a create may take in a service (2.8 s): what a client has given up is published by then, or never.
const SETTLED: Duration = Duration::from_secs(4);
/// How long the last creates are tried for: a system that has just been hurt may be busy with itself.
const LAST_WITHIN: Duration = Duration::from_secs(120);
/// Last creates at a time.
const LAST_AT_ONCE: usize = 16;

/// Has the clients work until `stop`, and returns what they have done. It makes applications and chats of its own, so several
/// runs on one system do not meet.
///
/// # Errors
/// When the system cannot be prepared. Whatever goes wrong later is part of the history.
pub(crate) async fn run(targets: &Targets, options: &Options, stop: CancellationToken) -> anyhow::Result<History> {
    let clock = Clock::start();
    let applications = applications(targets, options.applications).await?;
    let board = Arc::new(Board::default());
    let customer = |id: u16, stop: CancellationToken| -> anyhow::Result<Customer> {
        let random = StdRng::seed_from_u64(options.seed.wrapping_mul(0x1_0001).wrapping_add(u64::from(id)));
        let (http, applications) = (Http::to(targets)?, applications.clone());
        let caller = Caller { id, applications, clock, http, random, record: Record::default(), run: options.seed };
        Ok(Customer { caller, board: board.clone(), options: *options, stop, sequence: 0, late: VecDeque::new() })
    };

    let mut first = customer(options.clients, CancellationToken::new())?;
    while board.len() < options.chats && !stop.is_cancelled() {
        first.create_chat().await;
    }
    let mut record = first.caller.record;

    let mut clients = JoinSet::new();
    for id in 0..options.clients {
        clients.spawn(customer(id, stop.clone())?.run());
    }
    while let Some(done) = clients.join_next().await {
        record.join(done?);
    }

    sleep(SETTLED).await;
    let chats = board.chats();
    let last: Vec<Record> = stream::iter((options.clients + 1..).zip(chats))
        .map(async |(id, chat)| {
            let mut customer = customer(id, CancellationToken::new())?;
            customer.create_last(chat.messages, LAST_WITHIN).await;
            anyhow::Ok(customer.caller.record)
        })
        .buffer_unordered(LAST_AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<anyhow::Result<_>>()?;
    let mut places = Vec::new();
    for done in last {
        places.extend(done.creates.iter().filter_map(Create::first_place));
        record.join(done);
    }
    let (key_losses, misdated, rivals) = Default::default();
    Ok(History { clock, applications, record, last: places, key_losses, misdated, rivals })
}

async fn applications(targets: &Targets, count: u16) -> anyhow::Result<Vec<ApplicationToken>> {
    let url = |urls: &[url::Url]| urls.first().map(ToString::to_string).context("a service without replicas");
    let client = Client::new(&url(&targets.api)?, &url(&targets.ingest)?, client::Options::default())?;
    let mut tokens = Vec::new();
    for application in 0..count {
        let made = client.create_application(&format!("history: {application}")).await.context("no application can be made")?;
        tokens.push(ApplicationToken::parse(&made.token)?);
    }
    Ok(tokens)
}
