//! What a run comes to: all is compared once nothing is under way any more, the tables are printed, and what does not hold fails
//! the run.

use anyhow::ensure;

use say::say;
use tokio::time::Instant;

use super::{
    recovery::{recover, stored},
    run::Run,
};

/// Ends the load and judges. `outcome` is that of the steps.
///
/// # Errors
/// What the steps failed with, or a sentence about what does not hold; the findings themselves are printed.
pub(super) async fn verdict(run: Run<'_>, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
    let coverage = run.coverage().to_string();
    let Run { fleet, began, mut traffic, witness, store, table, late, .. } = run;
    let lasted = began.elapsed();
    traffic.finish().await;
    // Also after an error: what is only late is not lost. The number is nobody else's.
    let recovered = recover(fleet, &traffic, &store, usize::try_from(u32::MAX)?).await.map(drop);
    // Its own creates came after what it waited for.
    let settled = match recovered {
        Ok(()) => stored(&traffic, &store, Instant::now()).await.map(drop),
        failed => failed,
    };
    let settled = outcome.and(settled);
    let comparison = traffic.ledger.compare(&store, &traffic.scenario).await;
    // It has much patience, which a system that does not recover would use up.
    let report = if settled.is_ok() { Some(witness.finish().await) } else { None };

    say!();
    table.print(&traffic.ledger);
    say!("\n| replica | peak RSS, MiB |\n|---|---|");
    for (replica, mib) in fleet.peaks() {
        say!("| {replica} | {mib} |");
    }
    match &comparison {
        Ok(comparison) => say!("\n{:.0} s of faults: {comparison}", lasted.as_secs_f64()),
        Err(error) => say!("\nnothing could be compared: {error:#}"),
    }
    if let Some(Ok(report)) = &report {
        say!("\nThe history checker:\n{report}");
    }
    let violations = traffic.ledger.violations();
    violations.iter().for_each(|violation| say!("violation: {violation}"));
    late.iter().for_each(|late| say!("late: {late}"));
    say!("\n{coverage}");
    settled?;
    let found = comparison?.violations();
    ensure!(found == 0 && violations.is_empty(), "what is stored differs from what was acknowledged");
    if let Some(report) = report {
        report?.verdict()?;
    }
    ensure!(late.is_empty(), "recovery took too long {} times", late.len());
    Ok(())
}
