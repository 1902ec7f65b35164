//! Shows two custom transports: one that wraps another and counts, and one that must call `mark_sent`.
//!
//! A transport reports how far a request got, and the client decides by it. If a failed request was not sent, the
//! client repeats every call. If it may have been sent, the client never repeats a call that creates something.
//!
//! ```sh
//! cargo run -p identkit --example own_transport
//! ```
//!
//! Features: `identity-tm`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use identkit::core::{Content, Delivery, async_trait};
use identkit::http::{Request, Response};
use identkit::identity_tm::messages::Address;
use identkit::identity_tm::{Credentials, IdentityTm, NewOrder};
use identkit::transport::{AttemptContext, Failure, Policy, Transport};
use identkit::wire::Body;
use identkit::{CallOptions, Error, Kind};
use identkit_mock_server::Sandbox;

/// Counts the requests of each operation. It sends nothing itself and passes `context` on, so it has no other duty: the
/// wrapped transport calls `mark_sent`.
#[derive(Debug)]
struct Counting<T> {
    inner: T,
    counts: Mutex<BTreeMap<&'static str, u32>>,
}

impl<T> Counting<T> {
    fn new(inner: T) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    fn count(&self, operation: &str) -> u32 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(operation).copied().unwrap_or_default()
    }
}

#[async_trait]
impl<T: Transport> Transport for Counting<T> {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        // The operation, not the path: a path contains ids, which are secrets.
        let operation = context.operation().map_or("other", |meta| meta.name);
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
        self.inner.send(request, context).await
    }
}

/// A transport whose first request fails: without a connection, or after bytes have left.
///
/// A transport that sends must call `mark_sent` before the first byte can leave. Until then the client treats the
/// request as not sent, even if it drops `send` halfway, e.g. at the deadline. A transport that calls it too late can
/// cause a second order. Report `Delivery::NotSent` only if that is proved. If you pool connections, see
/// `AttemptContext::fresh` and `AttemptContext::scope`.
#[derive(Debug)]
struct Fragile<T> {
    inner: T,
    first: Mutex<Option<Delivery>>,
}

#[async_trait]
impl<T: Transport> Transport for Fragile<T> {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            None => self.inner.send(request, context).await,
            Some(Delivery::NotSent) => Err(Failure::new(Delivery::NotSent, Kind::Unreachable, "no connection")),
            Some(delivery) => {
                context.mark_sent();
                Err(Failure::new(delivery, Kind::Unreachable, "the connection broke"))
            }
        }
    }
}

/// Places an order through both transports. Returns the result and the number of requests.
async fn place(sandbox: &Sandbox, first: Delivery) -> Result<(Result<(), Error>, u32), Error> {
    let fragile = Fragile { inner: sandbox.transport(), first: Mutex::new(Some(first)) };
    let counting = Arc::new(Counting::new(fragile));
    let policy = Policy::default().backoff(Duration::from_millis(1));
    let account = Credentials::new("sandbox-customer", "sandbox-code");
    let vendor = IdentityTm::builder(account).transport(Arc::clone(&counting) as _).policy(policy).build()?;
    let address = Address::default().firstname("Erika").surname("Mustermann").country("DE");
    let order = NewOrder::identification("e.mustermann@example.com", address).build()?;
    let placed = vendor.put_order(&order, &CallOptions::new()).await.map(drop);
    Ok((placed, counting.count("putOrder")))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start();

    let (placed, requests) = place(&sandbox, Delivery::NotSent).await?;
    placed?;
    assert_eq!((requests, sandbox.journal().count("putOrder")), (2, 1));
    println!("not sent: the client repeated putOrder, and the vendor has one order");

    let (placed, requests) = place(&sandbox, Delivery::MaybeSent).await?;
    assert_eq!(placed.map_err(|error| error.kind()), Err(Kind::OutcomeUnknown));
    assert_eq!(requests, 1);
    println!("maybe sent: the client did not repeat putOrder; look for the order by its reference");
    Ok(())
}
