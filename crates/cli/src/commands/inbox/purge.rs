//! `identkit inbox purge`: removes cases with their deliveries for good.

use std::time::Duration;

use clap::{Args, ValueEnum};
use futures_util::future::try_join_all;
use identkit_collector::CaseState;
use identkit_store::{Case, Retention, Store};
use jiff::Timestamp;
use serde_json::json;

use super::deliveries::{CaseName, Cases, counted, find, now, tally};
use crate::exit::Failure;
use crate::input::{confirm, require_terminal};
use crate::output::{Format, unwritten};
use crate::progress::Progress;
use crate::store::{Missing, StoreArguments};
use crate::values::age;

/// Removes cases with all of their deliveries for good.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["id", "older_than"]))]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,

    #[command(flatten)]
    case: CaseName,

    /// Removes every case without pending work whose last delivery is older, e.g. 30d, 12h or 90m. Cases that a service has
    /// saved remain.
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,

    /// With --older-than: `done` spares cases with a dead delivery, `dead` spares those without one.
    #[arg(long, value_enum, requires = "older_than", conflicts_with = "id")]
    state: Option<Ended>,

    /// With an id: also if work of the case is pending or claimed, or if a collector or another service has not completed the
    /// case. Its deliveries are lost, and with a collector's case the order's id and the ledger of its evidence.
    #[arg(long, conflicts_with = "older_than")]
    force: bool,

    /// Skips the question.
    #[arg(long)]
    yes: bool,
}

/// How the work of a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ended {
    Done,
    Dead,
}

const NOT_DONE: &str = "nothing was removed";

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    if !arguments.yes {
        require_terminal()?;
    }
    let store = arguments.store.open(Missing::Fail).await?;
    let purged = match (&arguments.case.id, arguments.older_than) {
        (Some(id), _) => {
            let case = find(&store, id, arguments.case.provider.as_deref()).await?;
            by_id(&store, &case, arguments).await?
        }
        (None, age) => {
            let progress = Progress::new(format);
            expired(&store, age.unwrap_or(Duration::MAX), arguments, &progress).await?
        }
    };
    let shown = format.write(&json!({ "purged": purged }), |page| {
        page.line(format!("removed {}", counted(purged, "case", "cases")));
    });
    shown.map_err(|error| Failure::local(unwritten(&error)))
}

async fn by_id(store: &Store, case: &Case, arguments: &Arguments) -> Result<u64, Failure> {
    if is_unfinished(case) && !arguments.force {
        return Err(Failure::usage(format!(
            "a service has stored the case in its state {:?}, so it was not removed: its id at the vendor and the list of its \
             evidence would be lost; complete it, or add --force",
            case.status
        )));
    }
    let deliveries = counted(tally(store, case.id).await?.total, "delivery", "deliveries");
    let question = format!("Remove the case with {deliveries} for good?");
    confirm(arguments.yes, question, NOT_DONE).await?;
    let purged = match arguments.force {
        true => store.purge(case.id).await?,
        false => store.purge_idle(case.id).await?,
    };
    if !purged && store.case(case.id).await?.is_some() {
        let message = "work of the case is pending or claimed, so it was not removed: wait until the work is done, or add \
                       --force to lose its deliveries";
        return Err(Failure::usage(message));
    }
    Ok(u64::from(purged))
}

/// Whether a collector or another service has stored the case and has not completed it.
fn is_unfinished(case: &Case) -> bool {
    let is_end = |state: &CaseState| state.is_end() && state.as_str() == case.status;
    case.version > 0 && !CaseState::ALL.iter().any(is_end)
}

async fn expired(store: &Store, age: Duration, arguments: &Arguments, progress: &Progress) -> Result<u64, Failure> {
    let before = now().checked_sub(age).map_err(|_| Failure::usage("--older-than is too long ago"))?;
    let question = format!("Remove every case without pending work whose last delivery is before {before} for good?");
    confirm(arguments.yes, question, NOT_DONE).await?;
    // Nothing has changed before this time: it completes the purges that a crash has interrupted.
    store.purge_expired(&Retention::new(Timestamp::MIN)).await?;
    let work = progress.count("cases");
    let (mut purged, mut cases) = (0, Cases::new(store));
    loop {
        let page = cases.page().await?;
        if page.is_empty() {
            store.compact().await?;
            return Ok(purged);
        }
        work.add(page.len() as u64);
        let mut expired = Vec::new();
        for case in page {
            if is_expired(store, &case, before, arguments.state).await? {
                expired.push(case.id);
            }
        }
        // At once, so that the store can commit each step of all of them together. A delivery that has arrived in the
        // meantime is pending, so it is not lost.
        let removed = try_join_all(expired.into_iter().map(|case| store.purge_idle(case))).await?;
        purged += removed.into_iter().map(u64::from).sum::<u64>();
    }
}

async fn is_expired(store: &Store, case: &Case, before: Timestamp, ended: Option<Ended>) -> Result<bool, Failure> {
    // A case that a service has saved is more than its deliveries.
    if case.version > 0 || case.pending || case.claimed || case.changed >= before {
        return Ok(false);
    }
    let Some(ended) = ended else { return Ok(true) };
    let has_dead = tally(store, case.id).await?.dead > 0;
    Ok(has_dead == (ended == Ended::Dead))
}
