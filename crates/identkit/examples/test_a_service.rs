//! Tests a service with the sandbox in the same process: faults, virtual time over days, expectations, the journal.
//!
//! The functions `place` and `collect` stand for the service. Each `test_*` function is a `#[tokio::test]` in a real
//! project. Each test has its own sandbox, takes milliseconds, and can run in parallel with others.
//!
//! ```sh
//! cargo run -p identkit --example test_a_service
//! ```
//!
//! Features: `identity-tm`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::sync::Arc;
use std::time::Duration;

use identkit::core::{Clock, Window};
use identkit::identity_tm::messages::Address;
use identkit::identity_tm::{IdentityTm, NewOrder, OrderId};
use identkit::{CallOptions, Error, Kind};
use identkit_mock_server::faults::Fault;
use identkit_mock_server::journal::Filter;
use identkit_mock_server::{Expect, Sandbox};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The service: places an order exactly once. If the response is lost, it looks for the order by its reference.
async fn place(vendor: &IdentityTm, clock: &dyn Clock, reference: &str) -> Result<Option<OrderId>, Error> {
    let address = Address::default().firstname("Erika").surname("Mustermann").country("DE");
    let order = NewOrder::identification("e.mustermann@example.com", address).reference(reference).build()?;
    let begin = clock.wall() - HOUR;
    match vendor.put_order(&order, &CallOptions::new()).await {
        Ok(placed) => return Ok(Some(placed.value.order_id)),
        Err(error) if error.kind() == Kind::OutcomeUnknown => {}
        Err(error) => return Err(error),
    }
    let mut feed = vendor.status_feed(Window { begin, end: clock.wall() + HOUR }, &CallOptions::new());
    while let Some(orders) = feed.next().await? {
        let found = orders.into_iter().find(|order| order.reference.as_ref().is_some_and(|r| r.expose() == reference));
        if let Some(order) = found {
            return Ok(order.order_id);
        }
    }
    Ok(None)
}

/// The service: reads the person's surname, or `None` if the vendor has deleted the results.
async fn collect(vendor: &IdentityTm, order: &OrderId) -> Result<Option<String>, Error> {
    match vendor.ident_data(order, &CallOptions::new()).await {
        Ok(data) => Ok(data.value.checked().and_then(|person| Some(person.surname.as_ref()?.expose().clone()))),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn client(sandbox: &Sandbox) -> Result<IdentityTm, Error> {
    // With the sandbox's clock, timeouts and retries of the client follow virtual time as well.
    let clock = Arc::new(sandbox.clock().clone());
    IdentityTm::builder(sandbox.identity_tm()).transport(sandbox.transport()).clock(clock).build()
}

async fn test_a_lost_response_does_not_lead_to_a_second_order() -> TestResult {
    let sandbox = Sandbox::start();
    // An unmet expectation fails the test when the sandbox is dropped, with a list of the nearest calls.
    sandbox.expect(Expect::call("putOrder").body("/Ref", "case-4711").times(1));
    // The vendor places the order, then the connection breaks.
    sandbox.inject(Fault::ResetAfterCommit)?;

    let found = place(&client(&sandbox)?, sandbox.clock(), "case-4711").await?;
    assert_eq!(found.map(|id| id.expose().to_owned()).as_ref(), sandbox.cases("identity-tm").last());
    Ok(sandbox.verify()?)
}

async fn test_results_are_collected_in_time() -> TestResult {
    let sandbox = Sandbox::start();
    let vendor = client(&sandbox)?;
    let order = place(&vendor, sandbox.clock(), "case-4712").await?.ok_or("no order")?;
    sandbox.play(order.expose(), "positive")?;

    // The vendor deletes results 7 days after the order has ended (T-024). Virtual days take microseconds.
    sandbox.advance(6 * DAY).await;
    assert_eq!(collect(&vendor, &order).await?.as_deref(), Some("Mustermann"));
    sandbox.advance(2 * DAY).await;
    assert_eq!(collect(&vendor, &order).await?, None);

    // The journal lists what the service sent and what the vendor returned.
    let reads = Filter::call("getIdentData");
    let journal = sandbox.journal();
    let statuses: Vec<_> = journal.find(&reads).map(|(_, call)| call.status).collect();
    assert_eq!(statuses, [Some(200), Some(404)]);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> TestResult {
    test_a_lost_response_does_not_lead_to_a_second_order().await?;
    println!("passed: a lost response does not lead to a second order");
    test_results_are_collected_in_time().await?;
    println!("passed: results are collected in time");
    Ok(())
}
