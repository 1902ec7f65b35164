//! Handles calls of the vendors' APIs.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::header::{ALLOW, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use identkit_core::{Clock as _, Content, Location};
use identkit_wire::json;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

use super::Sandbox;
use crate::faults::{Fault, Wire, pass};
use crate::journal::{Call, EntryKind, StoredBody};
use crate::sync::lock;
use crate::world::{Done, Work};
use crate::{CallOutcome, MockVendor, NoAnswer, Rejection, VendorFacts, World};

impl Sandbox {
    /// Handles a request to any of the vendors; the path selects the vendor. If a fault must break the response on the
    /// wire, the response has the extension [`Wire`].
    ///
    /// # Panics
    /// If a fault delays the response, outside a tokio runtime with timers.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Content> {
        let runner = &self.runner;
        let vendor = runner.plan.owner_of(request.uri().path());
        // Chosen once per call, even if the call waits for webhooks.
        let mut chosen: Option<Option<Fault>> = None;
        let mut target = None;
        let mut done = Vec::new();
        loop {
            let moved = runner.time_moved.notified();
            let mut moved = std::pin::pin!(moved);
            // From here on no notification is missed.
            moved.as_mut().enable();
            let busy = runner.clock.hold();
            let handled = {
                let mut world = runner.world();
                // Discards what an earlier, unfinished call left.
                world.take_request_case();
                world.take_warnings();
                world.has_pages = runner.plan.has_pages();
                world.page_origin = super::person::origin(&request);
                let target =
                    target.get_or_insert_with(|| vendor.and_then(|vendor| vendor.route(&world, &request))).as_ref();
                let operation = target.map(|target| target.meta().name);
                let fault = chosen.get_or_insert_with(|| choose_fault(&mut world, vendor, operation));
                world.begin_call(std::mem::take(&mut done));
                let handled = match (fault.as_ref().and_then(Fault::instead), vendor) {
                    (Some(response), _) => CallOutcome::Ready(response),
                    (None, Some(vendor)) => vendor.handle(&mut world, &request, target),
                    (None, None) => CallOutcome::Ready(self.not_found()),
                };
                let work;
                (work, done) = world.end_call();
                if let (Some(case), Some(operation)) = (world.request_case(), operation) {
                    runner.unanswered.call(case, operation);
                }
                match (work, handled) {
                    (Some(work), _) => Err(Some(work)),
                    (None, CallOutcome::Ready(response)) => {
                        Ok(self.record(&mut world, vendor, operation, &request, response, fault.as_ref()))
                    }
                    (None, CallOutcome::Blocked) => Err(None),
                }
            };
            let response = match handled {
                Ok(response) => response,
                Err(Some(work)) => {
                    done.push(run(work).await);
                    continue;
                }
                Err(None) => {
                    drop(busy);
                    moved.await;
                    continue;
                }
            };
            runner.settle();
            if let Some(Some(Fault::Latency { by })) = chosen {
                // The token must not hold the time that the fault waits for.
                drop(busy);
                pass(&runner.clock, by).await;
            }
            return response;
        }
    }

    /// Records a call in the journal and returns the response, changed by the fault.
    fn record(
        &self,
        world: &mut World,
        vendor: Option<&dyn MockVendor>,
        operation: Option<&'static str>,
        request: &Request<Bytes>,
        mut response: Response<Content>,
        fault: Option<&Fault>,
    ) -> Response<Content> {
        if response.status() == StatusCode::METHOD_NOT_ALLOWED
            && let Some(method) =
                response.extensions().get::<Rejection>().and_then(|rejection| rejection.allow.as_ref())
            && let Ok(allow) = HeaderValue::from_str(method.as_str())
        {
            // Required by RFC 9110, section 15.5.6.
            response.headers_mut().insert(ALLOW, allow);
        }
        let (sent, applied) = match fault {
            None => (true, None),
            Some(fault) if !fault.commits() => (!Wire::is_reset(&response), Some(fault.name())),
            Some(fault) => {
                let shapes = vendor.map_or(&[][..], |vendor| vendor.facts().shapes);
                let applied = fault.reshape(&mut response, shapes, operation, &mut world.faults);
                (true, applied.then(|| fault.name()))
            }
        };
        self.note(world, vendor, operation, request, Some(&response).filter(|_| sent), applied);
        match fault {
            Some(fault) if fault.commits() => fault.finish(response, &self.runner.clock),
            _ => response,
        }
    }

    /// Records a call in the journal and counts it for the expectations. `response` is `None` if none is sent.
    pub(super) fn note(
        &self,
        world: &mut World,
        vendor: Option<&dyn MockVendor>,
        operation: Option<&'static str>,
        request: &Request<Bytes>,
        response: Option<&Response<Content>>,
        fault: Option<&'static str>,
    ) {
        let rejection = response.and_then(|response| response.extensions().get::<Rejection>());
        let mut call = Call {
            vendor: vendor.map(|vendor| vendor.name()),
            operation,
            facts: vendor.map(|vendor| vendor.facts()).or_else(|| self.login_at(request.uri().path())),
            case: world.take_request_case(),
            method: request.method().clone(),
            uri: copy(request.uri()),
            headers: request.headers().into(),
            body: StoredBody::new(request.body()),
            status: response.filter(|response| !NoAnswer::marks(response)).map(|response| response.status().as_u16()),
            answer_headers: response.map(|response| response.headers().into()).unwrap_or_default(),
            answer: response.map(Response::body).map_or_else(StoredBody::default, |body| {
                body.as_bytes().map_or_else(|| StoredBody::without_bytes(body.len()), StoredBody::new)
            }),
            fault,
            refused: rejection.map(|rejection| rejection.violations.clone()).unwrap_or_default(),
            warnings: world.take_warnings(),
        };
        if let Some((_, earlier)) = world.journal.calls().next_back() {
            call.share(earlier);
        }
        let call = Arc::new(call);
        let sequence = world.note(EntryKind::Call(Arc::clone(&call)));
        lock(&self.runner.expectations).count(sequence, &call);
    }

    /// The vendor whose login has this path, ignoring case: secrets are masked even if the path's case is wrong.
    fn login_at(&self, path: &str) -> Option<&'static VendorFacts> {
        let facts = self.runner.plan.vendors.iter().map(|vendor| vendor.facts());
        facts.into_iter().find(|facts| facts.login.is_some_and(|login| login.matches(path)))
    }

    fn not_found(&self) -> Response<Content> {
        let paths: Vec<&str> = self.runner.plan.vendors.iter().rev().map(|vendor| vendor.facts().paths).collect();
        let document = json!({
            "type": "about:blank",
            "title": "Unknown path",
            "detail": format!("no vendor of this sandbox has this path; the paths are {}", paths.join(", ")),
        });
        let mut response = json::response(404, &document).unwrap_or_else(|_| Response::new(Content::empty()));
        *response.status_mut() = StatusCode::NOT_FOUND;
        let message = "no vendor of this sandbox has this path";
        let rejection = Rejection::by_sandbox(404, "path", message, "docs/sandbox.md").at(Location::Path);
        response.extensions_mut().insert(rejection);
        response
    }
}

/// One permit for each processor: hundreds of threads that sign PDFs would leave no time to the runtimes of the process.
static PROCESSORS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// Does work on a thread for blocking work, because other calls need the threads of the runtime.
async fn run(work: Work) -> Done {
    let Ok(runtime) = Handle::try_current() else { return work() };
    // Never closed.
    let _permit = PROCESSORS.acquire().await.ok();
    match runtime.spawn_blocking(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime ends.
        Err(Err(_)) => pending().await,
    }
}

/// Copies path and query: those of a request are slices that would keep its connection's buffer in memory.
fn copy(uri: &Uri) -> Uri {
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
