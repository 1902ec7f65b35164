//! Answers calls of the vendors.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use identkit_core::{Clock as _, Content, Fault};
use identkit_wire::json;
use serde_json::json;

use super::{Sandbox, lock};
use crate::NoAnswer;
use crate::journal::{Call, Kept, What};
use crate::vendor::{Handled, MockVendor, Refused};
use crate::world::World;

impl Sandbox {
    /// Answers a request to any of the vendors, told apart by path.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Content> {
        let running = &self.running;
        let vendor =
            running.plan.vendors.iter().find(|vendor| vendor.owns(request.uri().path())).map(|vendor| &**vendor);
        loop {
            let moved = running.moved.notified();
            let mut moved = std::pin::pin!(moved);
            // From here on no move is missed.
            moved.as_mut().enable();
            let busy = running.clock.busy();
            let handled = {
                let mut world = running.world();
                // Of a call that is not answered yet.
                world.take_concerned();
                let handled = match vendor {
                    Some(vendor) => vendor.handle(&mut world, &request),
                    None => Handled::Ready(nowhere()),
                };
                if let Handled::Ready(response) = &handled {
                    let (sequence, call) = note(&mut world, vendor, &request, response);
                    lock(&running.expected).saw(sequence, &call);
                }
                handled
            };
            match handled {
                Handled::Ready(response) => {
                    running.settle();
                    return response;
                }
                Handled::Blocked => {
                    drop(busy);
                    moved.await;
                }
            }
        }
    }
}

/// Puts a call and its answer into the journal.
fn note(
    world: &mut World,
    vendor: Option<&dyn MockVendor>,
    request: &Request<Bytes>,
    response: &Response<Content>,
) -> (u64, Arc<Call>) {
    let call = Call {
        vendor: vendor.map(MockVendor::name),
        operation: vendor.and_then(|vendor| vendor.operation(world, request)).map(|meta| meta.name),
        case: world.take_concerned(),
        method: request.method().clone(),
        uri: request.uri().clone(),
        headers: request.headers().clone(),
        body: Kept::of(request.body()),
        status: (!NoAnswer::marks(response)).then(|| response.status().as_u16()),
        answer_headers: response.headers().clone(),
        answer: response.body().as_bytes().map_or_else(|| Kept::unseen(response.body().len()), Kept::of),
        fault: None,
        refused: response.extensions().get::<Refused>().map(|refused| refused.faults.clone()).unwrap_or_default(),
    };
    let call = Arc::new(call);
    (world.note(What::Call(Arc::clone(&call))), call)
}

fn nowhere() -> Response<Content> {
    let told = json!({
        "type": "about:blank",
        "title": "no vendor of this sandbox has this path",
        "detail": "identity.TM is below /api/{version}/, identify24 at /auth, /ident/ and /project/",
    });
    let mut response = json::response(404, &told).unwrap_or_else(|_| Response::new(Content::empty()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let fault = Fault::new("path", "no vendor of this sandbox has this path", "sandbox", "docs/sandbox.md");
    response.extensions_mut().insert(Refused::new(404, fault));
    response
}
