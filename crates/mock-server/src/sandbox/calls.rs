//! Answers calls of the vendors.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use identkit_core::{Clock as _, Content, Location};
use identkit_wire::json;
use serde_json::json;

use super::Sandbox;
use crate::faults::{Fault, Wire, pass};
use crate::journal::{Call, StoredBody, What};
use crate::sync::lock;
use crate::{CallOutcome, MockVendor, NoAnswer, Rejection, VendorFacts, World};

impl Sandbox {
    /// Answers a request to any of the vendors, told apart by path. How an answer is to be written that HTTP would write
    /// otherwise is marked on it ([`Wire`]).
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Content> {
        let runner = &self.runner;
        let vendor = runner.plan.owner_of(request.uri().path());
        // Drawn once for a call, however often it has to wait for a webhook.
        let mut drawn: Option<Option<Fault>> = None;
        let mut target = None;
        loop {
            let moved = runner.moved.notified();
            let mut moved = std::pin::pin!(moved);
            // From here on no move is missed.
            moved.as_mut().enable();
            let busy = runner.clock.hold();
            let handled = {
                let mut world = runner.world();
                // Of a call that is not answered yet.
                world.take_concerned();
                let target =
                    target.get_or_insert_with(|| vendor.and_then(|vendor| vendor.route(&world, &request))).as_ref();
                let operation = target.map(|target| target.meta().name);
                let fault = drawn.get_or_insert_with(|| choose_fault(&mut world, vendor, operation));
                let handled = match (fault.as_ref().and_then(Fault::instead), vendor) {
                    (Some(response), _) => CallOutcome::Ready(response),
                    (None, Some(vendor)) => vendor.handle(&mut world, &request, target),
                    (None, None) => CallOutcome::Ready(self.not_found()),
                };
                match handled {
                    CallOutcome::Ready(response) => {
                        Some(self.record(&mut world, vendor, operation, &request, response, fault.as_ref()))
                    }
                    CallOutcome::Blocked => None,
                }
            };
            let Some(response) = handled else {
                drop(busy);
                moved.await;
                continue;
            };
            runner.settle();
            if let Some(Some(Fault::Latency { by })) = drawn {
                // Time may go on: it has to.
                drop(busy);
                pass(&runner.clock, by).await;
            }
            return response;
        }
    }

    /// Puts a call and its answer into the journal, and returns what becomes of the answer.
    fn record(
        &self,
        world: &mut World,
        vendor: Option<&dyn MockVendor>,
        operation: Option<&'static str>,
        request: &Request<Bytes>,
        mut response: Response<Content>,
        fault: Option<&Fault>,
    ) -> Response<Content> {
        let (given, struck) = match fault {
            None => (true, None),
            Some(fault) if !fault.commits() => (!Wire::is_reset(&response), Some(fault.name())),
            Some(fault) => {
                let shapes = vendor.map_or(&[][..], |vendor| vendor.facts().shapes);
                let struck = fault.reshape(&mut response, shapes, operation, &mut world.faults);
                (true, struck.then(|| fault.name()))
            }
        };
        self.note(world, vendor, operation, request, Some(&response).filter(|_| given), struck);
        match fault {
            Some(fault) if fault.commits() => fault.finish(response, &self.runner.clock),
            _ => response,
        }
    }

    /// Puts a call and its answer, if it was to be given one, into the journal, and shows it to those who expect calls.
    pub(super) fn note(
        &self,
        world: &mut World,
        vendor: Option<&dyn MockVendor>,
        operation: Option<&'static str>,
        request: &Request<Bytes>,
        response: Option<&Response<Content>>,
        fault: Option<&'static str>,
    ) {
        let refused = response.and_then(|response| response.extensions().get::<Rejection>());
        let mut call = Call {
            vendor: vendor.map(|vendor| vendor.name()),
            operation,
            facts: vendor.map(|vendor| vendor.facts()).or_else(|| self.login_at(request.uri().path())),
            case: world.take_concerned(),
            method: request.method().clone(),
            uri: own(request.uri()),
            headers: request.headers().into(),
            body: StoredBody::of(request.body()),
            status: response.filter(|response| !NoAnswer::marks(response)).map(|response| response.status().as_u16()),
            answer_headers: response.map(|response| response.headers().into()).unwrap_or_default(),
            answer: response.map(Response::body).map_or_else(StoredBody::default, |body| {
                body.as_bytes().map_or_else(|| StoredBody::unseen(body.len()), StoredBody::of)
            }),
            fault,
            refused: refused.map(|refused| refused.violations.clone()).unwrap_or_default(),
        };
        if let Some((_, earlier)) = world.journal.calls().next_back() {
            call.share(earlier);
        }
        let call = Arc::new(call);
        let sequence = world.note(What::Call(Arc::clone(&call)));
        lock(&self.runner.expectations).count(sequence, &call);
    }

    /// The vendor whose login has this path, or would have it in other capitals: its secrets are redacted all the same.
    fn login_at(&self, path: &str) -> Option<&'static VendorFacts> {
        let facts = self.runner.plan.vendors.iter().map(|vendor| vendor.facts());
        facts.into_iter().find(|facts| facts.login.is_some_and(|login| login.matches(path)))
    }

    fn not_found(&self) -> Response<Content> {
        let paths: Vec<&str> = self.runner.plan.vendors.iter().rev().map(|vendor| vendor.facts().paths).collect();
        let told = json!({
            "type": "about:blank",
            "title": "no vendor of this sandbox has this path",
            "detail": paths.join(", "),
        });
        let mut response = json::response(404, &told).unwrap_or_else(|_| Response::new(Content::empty()));
        *response.status_mut() = StatusCode::NOT_FOUND;
        let message = "no vendor of this sandbox has this path";
        let rejection = Rejection::by_sandbox(404, "path", message, "docs/sandbox.md").at(Location::Path);
        response.extensions_mut().insert(rejection);
        response
    }
}

/// Path and query in memory of their own: those of a request are slices of its connection's buffer.
fn own(uri: &Uri) -> Uri {
    uri.path_and_query().and_then(|path| Uri::try_from(path.as_str()).ok()).unwrap_or_default()
}

fn choose_fault(world: &mut World, vendor: Option<&dyn MockVendor>, operation: Option<&str>) -> Option<Fault> {
    let chaos = world.profile == crate::Profile::Chaos;
    if world.faults.rules().is_empty() && !chaos {
        return None;
    }
    let facts = vendor.map(|vendor| vendor.facts());
    let by_result = facts.is_some_and(|facts| facts.rejects_by_result);
    world.faults.strike(facts.map(|facts| facts.name), operation, by_result, chaos)
}
