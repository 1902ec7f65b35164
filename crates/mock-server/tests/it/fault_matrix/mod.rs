//! Every fault with every call of both vendors, by the real clients, over sockets and in this process: nothing panics,
//! nothing is executed twice, and nothing is lost without an error.
//!
//! Calls come from the vendors' route tables, faults from the list of faults: new ones add cells automatically. `FAULT_MATRIX=1 cargo nextest run -p identkit-mock-server --test it fault_matrix::
//! --no-capture` prints the result of each cell.
#![allow(clippy::print_stdout)]

mod calls;
mod cell;

use crate::support::*;
use calls::{Prepared, calls};
use cell::{Cell, Door, Often, try_it};
use futures_util::{StreamExt as _, stream};
use identkit_mock_server::faults::Shape;

/// Returns every fault with default parameters, at the speed of a test, and important variants.
fn faults() -> Vec<Fault> {
    let quick = |fault| match fault {
        Fault::Latency { .. } => Fault::Latency { by: Duration::from_millis(5) },
        Fault::Bandwidth { .. } => Fault::Bandwidth { bytes_per_second: 4 * 1024 * 1024 },
        Fault::SlowDrip { .. } => Fault::SlowDrip { bytes: 16 * 1024, pause: Duration::from_millis(1) },
        Fault::RateLimit { .. } => Fault::RateLimit { retry_after: Some(0) },
        other => other,
    };
    let mut all: Vec<Fault> = Fault::all().into_iter().map(quick).collect();
    all.extend([
        Fault::Status { status: 500, retry_after: None, committed: false },
        Fault::Status { status: 502, retry_after: None, committed: true },
        Fault::ResetInCommit { at: Middle::Request },
        Fault::WrongLength { by: -7 },
        // More than identkit's clients read before the head of a response.
        Fault::InformationalFlood { count: 6_000 },
    ]);
    all
}

async fn cells(door: Door) -> Vec<Cell> {
    let vendors = vendors::all();
    let mut all = Vec::new();
    for call in calls() {
        let prepared = Arc::new(Prepared::of(&call, false).await);
        let call = Arc::new(call);
        let output =
            vendors.iter().find(|vendor| vendor.name() == call.meta.provider).unwrap().facts().rejects_by_result;
        for fault in faults().into_iter().filter(|fault| output || *fault != Fault::ResultFalse) {
            for often in [Often::Once, Often::Always] {
                all.push((Arc::clone(&call), Arc::clone(&prepared), fault.clone(), often));
            }
        }
    }
    let tried = stream::iter(all).map(|(call, prepared, fault, often)| async move {
        let about = (call.name, fault.clone(), often);
        let cell = tokio::spawn(async move { try_it(&call, &prepared, fault, often, door).await }).await;
        cell.unwrap_or_else(|_| Cell::panicked(about.0, &about.1, about.2))
    });
    tried.buffer_unordered(8).collect().await
}

fn judge(mut cells: Vec<Cell>) {
    cells.sort_by_key(|cell| (cell.call, format!("{:?}", cell.fault)));
    if std::env::var_os("FAULT_MATRIX").is_some() {
        for cell in &cells {
            println!("{:32} {:?} {:?}: {}", cell.call, cell.fault, cell.often, cell.outcome);
        }
    }
    let broken: Vec<String> = cells.iter().filter(|cell| !cell.broken.is_empty()).map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{} of {} cells:\n{}", broken.len(), cells.len(), broken.join("\n"));
    // Each call with each fault, except result-false at identity.TM.
    let (calls, faults) = (calls(), faults());
    let of_identify24 = calls.iter().filter(|call| call.meta.provider == "identify24").count();
    assert_eq!(cells.len(), 2 * (calls.len() * (faults.len() - 1) + of_identify24));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_and_every_call_over_sockets() {
    judge(cells(Door::Socket).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_and_every_call_in_this_process() {
    judge(cells(Door::Process).await);
}

/// The shapes with less or more data, or with texts that clients keep unchanged; all others give the usual result.
const OTHERWISE: &str = "ref-absent ref-null ref-empty ids-absent one-in-a-list details-as-objects delivered-besides error-beside \
    numbers-as-text unlisted-elements times-with-fractions times-with-a-blank time-by-year-first time-empty time-zero";

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_shape_of_every_response_is_read() {
    let mut unused: BTreeSet<&str> = BTreeSet::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut broken = Vec::new();
    for call in calls() {
        let vendors = vendors::all();
        let vendor = vendors.iter().find(|vendor| vendor.name() == call.meta.provider).unwrap();
        let prepared = Prepared::of(&call, true).await;
        for Shape { name, .. } in vendor.facts().shapes {
            let fault = Fault::ShapeVariant { variant: Some((*name).to_owned()) };
            let cell = try_it(&call, &prepared, fault, Often::Always, Door::Process).await;
            let read = cell.outcome == "ok" && (cell.same || OTHERWISE.split(' ').any(|other| other == *name));
            if !cell.broken.is_empty() || !read {
                broken.push(format!("{} {name}: {} {:?}", call.name, cell.outcome, cell.broken));
            }
            if cell.struck {
                used.insert(name)
            } else {
                unused.insert(name)
            };
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    let never: Vec<_> = unused.difference(&used).collect();
    assert!(never.is_empty(), "no response has these shapes: {never:?}");
}

#[test]
fn every_call_of_both_vendors_has_cells() {
    let routes: BTreeSet<&str> = vendors::all()
        .iter()
        .flat_map(|vendor| vendor.routes().iter().map(|route| route.meta().name).collect::<Vec<_>>())
        .collect();
    let called: BTreeSet<&str> = calls().iter().map(|call| call.meta.name).collect();
    assert_eq!(called, routes, "a new call needs a row in calls.rs");
}
