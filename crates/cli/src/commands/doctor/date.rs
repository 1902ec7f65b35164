//! The time of a server: the header `Date` of its responses.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::header::DATE;
use http::{Request, Response};
use identkit_core::{Clock as _, Content};
use identkit_transport::{AttemptContext, Failure as TransportFailure, SystemClock, Transport};
use identkit_wire::Body;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::findings::Findings;

/// Differences up to this one are ordinary: the header has whole seconds, and a response takes time.
const ORDINARY: Duration = Duration::from_secs(30);

/// Difference from which on time windows, tokens and certificates are judged wrongly.
const HARMFUL: Duration = Duration::from_secs(300);

/// The times of the server and of this machine when the last response arrived.
type Times = Arc<Mutex<Option<(Timestamp, Timestamp)>>>;

/// Records the times of the responses that pass.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn Transport>,
    times: Times,
}

/// Returns the transport, and the times that it will record.
pub(super) fn watch(inner: Arc<dyn Transport>) -> (Arc<dyn Transport>, Times) {
    let times = Times::default();
    (Arc::new(Watched { inner, times: Arc::clone(&times) }), times)
}

#[async_trait]
impl Transport for Watched {
    async fn send(
        &self,
        request: Request<Body>,
        context: &AttemptContext,
    ) -> Result<Response<Content>, TransportFailure> {
        let response = self.inner.send(request, context).await?;
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        if let Some(server) = date.and_then(|date| rfc2822::parse(date).ok()) {
            let times = (server.timestamp(), SystemClock::new().wall());
            *self.times.lock().unwrap_or_else(PoisonError::into_inner) = Some(times);
        }
        Ok(response)
    }
}

/// Adds the check of this machine's clock.
pub(super) fn check(times: &Times, findings: &mut Findings) {
    const CHECK: &str = "clock";
    let recorded = times.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some((server, here)) = recorded else {
        return findings.skipped(CHECK, "the server's responses have no valid Date");
    };
    let difference = here.duration_since(server);
    let seconds = difference.unsigned_abs().as_secs();
    let direction = if difference.is_negative() { "behind" } else { "ahead of" };
    let detail = match seconds {
        0 => "this machine and the server have the same time".to_owned(),
        seconds => format!("the clock of this machine is {seconds} seconds {direction} the server's"),
    };
    let remedy = "synchronize the clock of this machine, e.g. by timedatectl set-ntp true; if it is right, the server's \
                  clock is wrong";
    match difference.unsigned_abs() {
        difference if difference <= ORDINARY => findings.ok(CHECK, detail),
        difference if difference <= HARMFUL => findings.warning(CHECK, detail, remedy),
        _ => findings.error(CHECK, detail, remedy),
    }
}
