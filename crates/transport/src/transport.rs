//! One request out, one answer back, and the knowledge of how far it got.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ::http::{Request, Response};
use async_trait::async_trait;
use identkit_core::{Advice, BoxError, Content, Delivery, Instant, Kind};
use identkit_wire::{Body, Meta};

/// What a transport must know about one attempt.
#[derive(Clone, Debug)]
pub struct AttemptContext {
    fresh: bool,
    deadline: Instant,
    operation: Option<&'static Meta>,
    scope: u64,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    sent: AtomicBool,
    /// Bytes of the body that have left.
    moved: AtomicU64,
    /// Why the body broke off, where it did: hyper only tells that it did.
    #[cfg(feature = "http")]
    trouble: std::sync::Mutex<Option<std::io::Error>>,
}

impl AttemptContext {
    /// An attempt of which nothing has been sent.
    pub fn new(fresh: bool, deadline: Instant) -> Self {
        Self { fresh, deadline, operation: None, scope: 0, state: Arc::default() }
    }

    /// Sets the operation.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static Meta) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Sets the scope of the connections.
    #[must_use]
    pub fn with_scope(mut self, scope: u64) -> Self {
        self.scope = scope;
        self
    }

    /// Whether the request needs a new connection, so that a stale pooled one cannot make the outcome ambiguous.
    pub fn fresh(&self) -> bool {
        self.fresh
    }

    /// When the driver gives the attempt up. Only a body that is handed out as a stream may take longer.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The operation, if the request is a call of one: paths and bodies are recorded by it.
    pub fn operation(&self) -> Option<&'static Meta> {
        self.operation
    }

    /// The scope of the connections: a pooled connection is used again only within its scope. Each client has its own
    /// scope, so that two accounts never share a connection, also where they share a transport.
    pub fn scope(&self) -> u64 {
        self.scope
    }

    /// To be called by the transport just before the first byte may leave. Until then a dropped attempt is proved
    /// not to have been sent.
    pub fn mark_sent(&self) {
        self.state.sent.store(true, Ordering::SeqCst);
    }

    /// To be called by the transport when the request was handed back whole: not a byte of it has left after all.
    pub fn withdraw(&self) {
        self.state.sent.store(false, Ordering::SeqCst);
        self.state.moved.store(0, Ordering::SeqCst);
    }

    /// To be called by the transport with every piece of the body that it hands on, so that an upload that stalls can
    /// be told from one that is long.
    pub fn progress(&self, bytes: u64) {
        self.state.moved.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Bytes of the body that have left, as far as the transport tells.
    pub fn moved(&self) -> u64 {
        self.state.moved.load(Ordering::SeqCst)
    }

    /// Leaves the cause why the body broke off.
    #[cfg(feature = "http")]
    pub(crate) fn leave_trouble(&self, cause: std::io::Error) {
        *self.state.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(cause);
    }

    /// Takes that cause.
    #[cfg(feature = "http")]
    pub(crate) fn take_trouble(&self) -> Option<std::io::Error> {
        self.state.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    /// What is known when the attempt is given up now.
    pub fn delivery(&self) -> Delivery {
        if self.state.sent.load(Ordering::SeqCst) { Delivery::MaybeSent } else { Delivery::NotSent }
    }
}

/// Why no answer came.
#[non_exhaustive]
#[must_use]
pub struct Failure {
    /// How far the request got: never [`Delivery::Answered`].
    pub delivery: Delivery,
    /// What went wrong.
    pub kind: Kind,
    /// In words of ours.
    pub detail: &'static str,
    /// Whether the failure is permanent: another attempt would fail the same way, e.g. an untrusted certificate.
    pub permanent: bool,
    /// What to do about it, where that is no matter of course.
    pub advice: Option<Advice>,
    /// The cause, without values of the request.
    pub source: Option<BoxError>,
}

impl Failure {
    /// A failure that another attempt might not meet.
    pub fn new(delivery: Delivery, kind: Kind, detail: &'static str) -> Self {
        Self { delivery, kind, detail, permanent: false, advice: None, source: None }
    }

    /// Keeps the cause.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says that another attempt would end the same.
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

/// Carries one request. It never repeats one that may have been sent, and never follows a redirect.
///
/// Contract: call [`AttemptContext::mark_sent`] before the first byte may leave; report [`Delivery::NotSent`] only when that is
/// proved; end the body of the answer with an error when it ends before its length.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends the request, whose URI is absolute, and returns once the head of the answer is there.
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        (**self).send(request, context).await
    }
}
