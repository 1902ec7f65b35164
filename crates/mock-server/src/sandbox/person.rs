//! The person of a case: what they see, and what they do.

use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request};
use identkit_core::Clock as _;

use super::Sandbox;
use crate::journal::EntryKind;
use crate::{PersonRequest, PersonView, TransitionError};

impl Sandbox {
    /// Returns what the person of a case sees and can do now. `None` if no vendor has this case.
    pub fn person(&self, case: &str) -> Option<PersonView> {
        let mut world = self.runner.world();
        let mut view = self.runner.plan.vendors.iter().find_map(|vendor| vendor.person(&mut world, case))?;
        view.url = view.page.as_ref().and_then(|path| world.landing_page(path));
        Some(view)
    }

    /// Lets the person of a case act. If a webhook blocks the case, waits until its attempt is over, as the vendor's
    /// calls do.
    ///
    /// # Errors
    /// If no vendor has this case, or if the person cannot do this now.
    pub async fn act(&self, case: &str, request: &PersonRequest) -> Result<(), TransitionError> {
        loop {
            let moved = self.runner.time_moved.notified();
            let mut moved = std::pin::pin!(moved);
            // From here on no notification is missed.
            moved.as_mut().enable();
            if let Some(result) = self.act_now(case, request) {
                return result;
            }
            moved.await;
        }
    }

    /// Returns `None` if a webhook blocks the case.
    fn act_now(&self, case: &str, request: &PersonRequest) -> Option<Result<(), TransitionError>> {
        let _busy = self.runner.clock.hold();
        let result = {
            let mut world = self.runner.world();
            if world.is_blocked(case) {
                return None;
            }
            let mut vendors = self.runner.plan.vendors.iter();
            let result = vendors.find_map(|vendor| vendor.act(&mut world, case, request));
            if result == Some(Ok(())) {
                let by = format!("the person: {}", request.action.name());
                world.note(EntryKind::Moved { case: case.to_owned(), by });
            }
            result
        };
        self.runner.settle();
        Some(match result {
            None => Err(TransitionError::UnknownCase),
            Some(result) => result.map_err(TransitionError::Rejected),
        })
    }

    /// Returns the case whose landing page has this link at a vendor.
    pub(crate) fn landing_case(&self, vendor: &str, link: &str) -> Option<String> {
        let mut world = self.runner.world();
        self.runner.plan.vendor(vendor)?.landing_case(&mut world, link)
    }
}

/// Returns scheme and host of the URL of a request. A listener adds its scheme to the request's extensions; in the same
/// process, both are in the URI.
pub(super) fn origin<B>(request: &Request<B>) -> Option<String> {
    let uri = request.uri();
    let host = uri.authority().map_or_else(|| host(request.headers()), |authority| Some(authority.clone()))?;
    let scheme = request.extensions().get::<Scheme>().or_else(|| uri.scheme()).unwrap_or(&Scheme::HTTPS);
    // Without user information.
    let place = host.as_str().rsplit('@').next().unwrap_or_default();
    Some(format!("{scheme}://{place}"))
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(HOST)?.to_str().ok()?.parse().ok()
}
