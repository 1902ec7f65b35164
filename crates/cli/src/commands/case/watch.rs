//! `identkit case watch`: shows the progress of a case until it ends.

use std::time::Duration;

use clap::Args;
use identkit_collector::{CaseReport, CaseState};
use identkit_core::Clock as _;
use identkit_store::{CaseId, Store};
use identkit_transport::SystemClock;
use serde_json::json;

use super::find::{self, report};
use super::list::state;
use crate::exit::Failure;
use crate::output::{Format, print};
use crate::progress::Progress;
use crate::text::plain;

/// How often the store is read.
const INTERVAL: Duration = Duration::from_millis(500);

/// Shows the progress of a case until nothing more happens to it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    case: find::Arguments,

    /// Ends as soon as the case has this state or a later one, e.g. collected.
    #[arg(long, value_name = "STATE", value_parser = state)]
    until: Option<CaseState>,
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let (store, case) = arguments.case.find().await?;
    let (progress, clock) = (Progress::new(format), SystemClock::new());
    let shown = progress.wait();
    let mut before = None;
    loop {
        let report = report(&store, case.id).await?;
        let now = (report.state, report.reason.clone(), report.paused);
        if before.as_ref() != Some(&now) {
            shown.hidden_while(|| print(&line(&report, format, &clock)))?;
            shown.describe(&format!("{}: {}", report.state, plain(&report.next_step)));
            before = Some(now);
        }
        if is_reached(arguments.until, report.state) || is_at_rest(&store, case.id, &report).await? {
            return Ok(());
        }
        drop(clock.sleep_until(clock.now().plus(INTERVAL)).await);
    }
}

/// A change on one line.
fn line(report: &CaseReport, format: Format, clock: &SystemClock) -> String {
    let at = clock.wall().strftime("%FT%TZ").to_string();
    let (case, state, why) = (report.case.0, report.state, plain(&report.reason));
    match format {
        Format::Json => json!({
            "at": at, "case": case, "state": state.as_str(), "why": report.reason, "next": report.next_step,
        })
        .to_string(),
        Format::Table => format!("{at}  {state}  {why}"),
    }
}

/// Whether a case in this state has reached another one. A stuck case has not.
fn is_reached(until: Option<CaseState>, state: CaseState) -> bool {
    until.is_some_and(|until| {
        state == until || (state != CaseState::Stuck && until != CaseState::Stuck && state > until)
    })
}

/// Whether nothing more happens to the case: it has ended, or it is collected and is not to be deleted.
async fn is_at_rest(store: &Store, id: CaseId, report: &CaseReport) -> Result<bool, Failure> {
    if report.state.is_end() {
        return Ok(true);
    }
    if report.state != CaseState::Collected || report.next.is_some() {
        return Ok(false);
    }
    // A worker that has the case may be deleting it.
    Ok(store.case(id).await?.is_none_or(|case| !case.claimed && !case.pending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_state_also_ends_the_wait() {
        let reached = |until, state| is_reached(Some(until), state);
        assert!(reached(CaseState::Collected, CaseState::Deleted) && reached(CaseState::Open, CaseState::Open));
        assert!(!reached(CaseState::Collected, CaseState::Open) && !reached(CaseState::Collected, CaseState::Stuck));
        assert!(reached(CaseState::Stuck, CaseState::Stuck) && !reached(CaseState::Stuck, CaseState::Open));
        assert!(!is_reached(None, CaseState::Deleted));
    }
}
