//! `identkit inbox replay`: makes done and dead deliveries pending again.

use clap::Args;
use identkit_store::{CaseId, Store};
use serde_json::json;

use super::deliveries::{CaseName, Cases, counted, find, now, tally};
use crate::exit::Failure;
use crate::output::{Format, unwritten};
use crate::progress::Progress;
use crate::store::{Missing, StoreArguments};

/// Makes the done and dead deliveries of cases pending again.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["id", "dead", "all"]))]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,

    #[command(flatten)]
    case: CaseName,

    /// Replays every case that has a dead delivery.
    #[arg(long)]
    dead: bool,

    /// Replays every case.
    #[arg(long)]
    all: bool,
}

/// What was replayed.
#[derive(Default)]
struct Replayed {
    cases: u64,
    deliveries: u64,
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let store = arguments.store.open(Missing::Fail).await?;
    let mut replayed = Replayed::default();
    if let Some(id) = &arguments.case.id {
        let case = find(&store, id, arguments.case.provider.as_deref()).await?;
        replay(&store, case.id, false, &mut replayed).await?;
    } else {
        let progress = Progress::new(format);
        let work = progress.count("cases");
        let mut cases = Cases::new(&store);
        loop {
            let page = cases.page().await?;
            if page.is_empty() {
                break;
            }
            work.add(page.len() as u64);
            for case in page {
                replay(&store, case.id, arguments.dead, &mut replayed).await?;
            }
        }
    }
    let Replayed { cases, deliveries } = replayed;
    let shown = format.write(&json!({ "cases": cases, "deliveries": deliveries }), |page| {
        let deliveries = counted(deliveries, "delivery", "deliveries");
        page.line(format!("replayed {deliveries} of {}", counted(cases, "case", "cases")));
    });
    shown.map_err(|error| Failure::local(unwritten(&error)))
}

/// Replays a case that has a delivery to replay; with `dead`, one that has a dead delivery. Its pending deliveries are due
/// at once: a wrong clock may have set a later time.
async fn replay(store: &Store, case: CaseId, dead: bool, replayed: &mut Replayed) -> Result<(), Failure> {
    let tally = tally(store, case).await?;
    let replayable = tally.pending + tally.done + tally.dead;
    let has_some = if dead { tally.dead > 0 } else { replayable > 0 };
    if has_some && store.replay(case, now()).await? {
        replayed.cases += 1;
        replayed.deliveries += replayable;
    }
    Ok(())
}
