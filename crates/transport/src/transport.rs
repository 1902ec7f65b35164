//! The transport: sends one request, returns one response, and reports how far the request got.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::http::{Request, Response};
use async_trait::async_trait;
use identkit_core::{Advice, BoxError, BoxFuture, Content, Delivery, Instant, Kind, RawResponse};
use identkit_wire::{Answer, Body, Meta, RetrySafety};
use tokio::sync::Semaphore;

/// The context of one attempt.
#[derive(Clone, Debug)]
pub struct AttemptContext {
    fresh: bool,
    ends_connection: bool,
    deadline: Instant,
    operation: Option<&'static Meta>,
    scope: u64,
    state: Arc<State>,
}

/// Waits until what has arrived of a response is read.
type Settle = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;

#[derive(Default)]
struct State {
    sent: AtomicBool,
    early: AtomicBool,
    /// Status of a sure refusal, 0 before it.
    refused: AtomicU16,
    expiry: Expiry,
    settle: Mutex<Option<Arc<Settle>>>,
    /// Bytes of the request body that were sent.
    body_sent: AtomicU64,
    partial_answer: Mutex<Option<RawResponse>>,
    /// Why reading the request body failed. hyper's error does not contain the cause.
    #[cfg(feature = "http-custom-tls")]
    body_error: Mutex<Option<std::io::Error>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("sent", &self.sent).finish_non_exhaustive()
    }
}

/// Closed when the deadline expires.
struct Expiry(Semaphore);

impl Default for Expiry {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl AttemptContext {
    /// The context of an attempt that has sent nothing yet.
    pub fn new(fresh: bool, deadline: Instant) -> Self {
        Self { fresh, ends_connection: false, deadline, operation: None, scope: 0, state: Arc::default() }
    }

    /// Sets the operation.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static Meta) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Says that the connection must not be used for another request.
    #[must_use]
    pub fn ending_connection(mut self, ends: bool) -> Self {
        self.ends_connection = ends;
        self
    }

    /// Sets the scope of the connections.
    #[must_use]
    pub fn with_scope(mut self, scope: u64) -> Self {
        self.scope = scope;
        self
    }

    /// Whether the request needs a new connection: a stale idle one could make the outcome ambiguous.
    pub fn fresh(&self) -> bool {
        self.fresh
    }

    /// Whether the connection must not be used for another request: what follows the response could be read as the response to
    /// that request. The transport asks the server to close it, and reads up to its end.
    pub fn ends_connection(&self) -> bool {
        self.ends_connection
    }

    /// When the driver abandons the attempt. Only a response body that is handed out as a stream may take longer.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The operation, if the request belongs to one. Recordings contain its path template.
    pub fn operation(&self) -> Option<&'static Meta> {
        self.operation
    }

    /// The scope of the connections: an idle connection is used again only within its scope. Each client has its own
    /// scope, so two accounts never share a connection, even if they share a transport.
    pub fn scope(&self) -> u64 {
        self.scope
    }

    /// Records that the request may be sent from now on. The transport must call this before the first byte can
    /// leave. An attempt that is dropped earlier is proved not to have been sent.
    pub fn mark_sent(&self) {
        self.state.sent.store(true, Ordering::SeqCst);
    }

    /// Reverts [`mark_sent`](Self::mark_sent). The transport calls this if no byte of the request has left.
    pub fn withdraw(&self) {
        self.state.sent.store(false, Ordering::SeqCst);
        self.state.body_sent.store(0, Ordering::SeqCst);
    }

    /// Records that the response arrived before the whole request was handed to the connection. A success then proves
    /// nothing, because the server cannot have read the request (AT-97). The transport calls this before it returns the
    /// response.
    pub fn mark_early(&self) {
        self.state.early.store(true, Ordering::SeqCst);
    }

    /// Whether the response arrived before the whole request was handed to the connection, as reported by the transport.
    pub fn is_early(&self) -> bool {
        self.state.early.load(Ordering::SeqCst)
    }

    /// Records that the vendor refused the request and did nothing. The driver calls this before it waits for a repetition.
    pub(crate) fn mark_refused(&self, status: u16) {
        self.state.refused.store(status, Ordering::SeqCst);
    }

    /// Status of the response, if the driver has read it completely and repeats the request because the vendor surely did
    /// nothing.
    pub fn refused(&self) -> Option<u16> {
        Some(self.state.refused.load(Ordering::SeqCst)).filter(|status| *status != 0)
    }

    /// Adds to the number of body bytes that were sent. The transport calls this for every piece, so that the driver
    /// detects a stalled upload.
    pub fn progress(&self, bytes: u64) {
        self.state.body_sent.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Bytes of the request body that were sent, as reported by the transport.
    pub fn body_sent(&self) -> u64 {
        self.state.body_sent.load(Ordering::SeqCst)
    }

    /// Stores what was received of a response without a whole head. A transport that is dropped calls this for an
    /// operation that must not be repeated, or that changes something and has no documented body (AT-97).
    pub fn set_partial_answer(&self, answer: RawResponse) {
        *self.state.partial_answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    /// What was received of the response, if the attempt was dropped before its head was complete.
    pub fn partial_answer(&self) -> Option<RawResponse> {
        self.state.partial_answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets what is awaited after the deadline, so that what has arrived of the response is read before the attempt ends.
    /// The wait must be short, and must not depend on the clock of the deadline.
    pub fn set_settling(&self, settle: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static) {
        *self.state.settle.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(settle));
    }

    /// What is awaited after the deadline, if the transport has set it.
    pub(crate) fn settling(&self) -> Option<BoxFuture<'static, ()>> {
        let settle = self.state.settle.lock().unwrap_or_else(PoisonError::into_inner).clone();
        settle.map(|settle| settle())
    }

    /// Notes that the deadline has expired, or that the caller waits no longer for another reason.
    pub fn expire(&self) {
        self.state.expiry.0.close();
    }

    /// Waits until the deadline has expired: from then on, a transport must not wait for more bytes.
    pub async fn expired(&self) {
        // No permit is ever added.
        drop(self.state.expiry.0.acquire().await);
    }

    /// Stores why reading the request body failed.
    #[cfg(feature = "http-custom-tls")]
    pub(crate) fn set_body_error(&self, cause: std::io::Error) {
        *self.state.body_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
    }

    /// Takes the stored cause.
    #[cfg(feature = "http-custom-tls")]
    pub(crate) fn take_body_error(&self) -> Option<std::io::Error> {
        self.state.body_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How far the request got, if the attempt ends now without a response.
    pub fn delivery(&self) -> Delivery {
        if self.state.sent.load(Ordering::SeqCst) { Delivery::MaybeSent } else { Delivery::NotSent }
    }
}

/// Whether the connection of such a call is not used again: its response is not repeated or decides what happened, so what
/// follows it is awaited, and must not be read as the response to the next request.
pub(crate) fn ends_connection(operation: &Meta) -> bool {
    let changes = operation.safety != RetrySafety::Safe;
    operation.safety.forbids_repeat() || (changes && operation.answer == Answer::Empty)
}

/// Why an attempt got no response.
#[non_exhaustive]
#[must_use]
pub struct Failure {
    /// How far the request got. Never [`Delivery::Answered`].
    pub delivery: Delivery,
    /// The kind of the failure.
    pub kind: Kind,
    /// A fixed text that contains no value of the request.
    pub detail: &'static str,
    /// Whether the failure is permanent: another attempt would fail the same way, e.g. an untrusted certificate.
    pub permanent: bool,
    /// Advice to the caller, if the default advice of `kind` does not fit.
    pub advice: Option<Advice>,
    /// The cause, without values of the request.
    pub source: Option<BoxError>,
    /// A response that is not valid HTTP. Its body is what was received from its status line on (AT-97).
    pub answer: Option<Box<RawResponse>>,
}

impl Failure {
    /// A temporary failure: another attempt may succeed.
    pub fn new(delivery: Delivery, kind: Kind, detail: &'static str) -> Self {
        Self { delivery, kind, detail, permanent: false, advice: None, source: None, answer: None }
    }

    /// Sets the cause.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Marks the failure as permanent: another attempt would fail the same way.
    pub fn permanent(mut self) -> Self {
        self.permanent = true;
        self
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("delivery", &self.delivery)
            .field("kind", &self.kind)
            .field("detail", &self.detail)
            .field("permanent", &self.permanent)
            .finish_non_exhaustive()
    }
}

/// Sends one request. Implementations must not:
/// - repeat a request that may have been sent, or follow a redirect;
/// - let a byte leave before [`AttemptContext::mark_sent`] was called;
/// - report [`Delivery::NotSent`] without proof;
/// - end the response body without an error before its length is reached.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends the request, whose URI is absolute, and returns when the head of the response has arrived.
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        (**self).send(request, context).await
    }
}
