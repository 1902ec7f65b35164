//! The vendor's webhook (ACME-10). It has no signature: it is a hint, so read the case before you act.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Uri, request};
use identkit_core::{Error, Event, Kind, Secret};
use identkit_wire::json::{self, JsonFault};
use identkit_wire::{Callback, CallbackPath, url};

use crate::PROVIDER;
use crate::messages::{CaseState, Finished};

/// Called when a case is finished. Its URL is set per case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FinishedCallback;

/// The vendor's name of the event in the body.
const EVENT: &str = "case.finished";

impl FinishedCallback {
    /// Creates the vendor's body.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn body(case_id: &str, status: CaseState) -> Result<String, Error> {
        let body = Finished::default().case_id(case_id.to_owned()).event(EVENT).status(status);
        Ok(String::from_utf8_lossy(&json::write(&body)?).into_owned())
    }
}

impl Callback for FinishedCallback {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn name(&self) -> &'static str {
        "finished"
    }

    fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error> {
        CallbackPath::url(base, PROVIDER, token, self.name()).map(Secret::new)
    }

    fn recognize(&self, head: &request::Parts) -> bool {
        head.method == Method::POST
    }

    fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error> {
        let (payload, _): (Finished, _) = json::read_answer(request.body()).map_err(JsonFault::answer)?;
        let Some(id) = payload.case_id.filter(|id| !id.expose().is_empty()) else {
            return Err(Error::new(Kind::Protocol, "the webhook has no caseId"));
        };
        // A case is finished once, but a later release of the API may have more events.
        let status = payload.status.as_ref().map_or("", CaseState::as_str);
        let key = format!("{}/{}/{status}", id.expose(), payload.event.as_deref().unwrap_or_default());
        let mut event = Event::new(PROVIDER, self.name(), key);
        event.case_id = Some(id.expose().into());
        event.payload = Some(String::from_utf8_lossy(request.body()).into_owned().into());
        Ok(event)
    }

    fn emit(&self, template: &str, method: &Method, event: &Event) -> Result<Request<Bytes>, Error> {
        if *method != Method::POST {
            return Err(Error::new(Kind::InvalidInput, "the vendor delivers webhooks by POST only"));
        }
        let body = event.payload.as_ref().map(|payload| payload.expose().clone()).unwrap_or_default();
        let mut request = url::request(template, method, "the webhook URL")?.map(|_| body.into());
        request.headers_mut().insert(CONTENT_TYPE, json::MEDIA_TYPE);
        Ok(request)
    }
}
