//! `chatctl verify`: all that is stored, compared with the search index and the counts, while the system runs.
//!
//! It reads in pieces, in the order of the primary keys, with pauses between them; what it holds in memory is bounded, a
//! number for each application apart. What looks
//! wrong is looked at a second time, when the outbox has passed it: on a running system most of what looks wrong is only under
//! way.

mod counts;
mod findings;
mod index;
mod keys;
mod letters;
mod look;
mod numbers;
mod pace;
mod pass;
mod second_look;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::{ApplicationId, ApplicationToken};
use say::say;
use search::SearchIndex;
use service::config;
use store::{Store, applications};

use crate::config::Compared;
use findings::{Findings, Report};
use pass::Pass;

/// What to compare, and how gently.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Mend what can be mended, then compare again
    #[arg(long)]
    repair: bool,
    /// Only the application with this token
    #[arg(long, value_name = "TOKEN")]
    application: Option<String>,
    /// So many messages a second at most
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Compares, mends if asked to, and prints what it found.
///
/// # Errors
/// When something is wrong, gaps in the numbers aside, or a server is away for too long.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let settings: Compared = config::load(None)?;
    let store = Store::connect(&settings.mysql)?;
    let search = SearchIndex::connect(&settings.elasticsearch)?;
    let scope = match &options.application {
        Some(token) => Some(application(&store, token).await?),
        None => None,
    };
    let too_old = counts::too_old(Duration::from_millis(settings.consumer.count_interval_ms));
    let pass = |repair| Pass::new(&store, &search, scope, options.rate, too_old, repair).run();
    let (found, mended) = pass(options.repair).await?;
    let left = match mended {
        Some(_) => pass(false).await?.0,
        None => Findings::clone(&found),
    };
    let is_wrong = left.is_wrong();
    let report = Report { found, mended, left };
    if options.json {
        say!("{:#}", report.to_json());
    } else {
        say::text(format_args!("{}", report.to_text()))?;
    }
    if is_wrong {
        bail!("what is stored, indexed and counted does not fit together");
    }
    Ok(())
}

async fn application(store: &Store, token: &str) -> Result<ApplicationId> {
    let token = ApplicationToken::parse(token).ok().context("a token has 32 digits, 0 to 9 and a to f")?;
    let found = applications::find(&mut *store.acquire().await?, token).await?;
    Ok(found.context("there is no application with this token")?.id)
}
