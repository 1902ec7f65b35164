//! The status of successful responses, if the account's setting replaces it.

use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use identkit_core::Content;

use crate::{CallOutcome, Rejection};

/// Statuses without a body (RFC 9110, sections 15.3.5 and 15.3.6).
const WITHOUT_BODY: [StatusCode; 2] = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT];

/// Replaces the status of a successful response, as a gateway in front of the vendor might (AT-89). A rejection that the
/// vendor reports with status 200 is unchanged.
pub(super) fn replace_status(outcome: CallOutcome, status: Option<u16>) -> CallOutcome {
    let is_success = |response: &Response<Content>| {
        response.status().is_success() && response.extensions().get::<Rejection>().is_none()
    };
    match (outcome, status.and_then(|status| StatusCode::from_u16(status).ok())) {
        (CallOutcome::Ready(mut response), Some(status)) if is_success(&response) => {
            *response.status_mut() = status;
            if WITHOUT_BODY.contains(&status) {
                *response.body_mut() = Content::empty();
                response.headers_mut().remove(CONTENT_TYPE);
            }
            CallOutcome::Ready(response)
        }
        (outcome, _) => outcome,
    }
}
