//! What a command may still do after a signal: receive the response to a request that it has sent (AT-97), and send
//! nothing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use http::{Request, Response};
use identkit_core::{Clock as _, Content, Delivery, Kind};
use identkit_transport::{AttemptContext, Failure as TransportFailure, SystemClock, Transport};
use identkit_wire::{Body, RetrySafety};

use crate::exit::Failure;
use crate::tap::tap;

/// Interval at which the progress of the response is checked. Several short waits instead of a long one: the process may be
/// suspended in between, and what has arrived meanwhile must still be read.
const TICK: Duration = Duration::from_millis(50);

/// Number of intervals without a byte after which the response is abandoned: 500 ms.
const SILENT_TICKS: u32 = 10;

/// Maximum number of intervals: 1.5 s, less than what a command has before it is ended.
const TICKS: u32 = 30;

/// Whether a signal arrived, so that nothing must be sent.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Whether a request was not sent because of a signal.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// The last request that changes something, with the length of its body.
static CHANGE: Mutex<Option<(AttemptContext, u64)>> = Mutex::new(None);

/// Whether a request that changes something may have been sent before the last one. A login changes nothing.
static EARLIER_CHANGE: AtomicBool = AtomicBool::new(false);

/// Status with which the vendor refused the last request that changes something, before the login after it; 0 without one.
static REFUSED_BY_VENDOR: AtomicU16 = AtomicU16::new(0);

/// Path of a login.
const LOGIN: &str = "/auth";

/// Number of pieces that were received of responses to such requests.
static PIECES: AtomicU64 = AtomicU64::new(0);

/// Number of steps in progress that a signal must not interrupt.
static PROTECTED: AtomicUsize = AtomicUsize::new(0);

/// A short step that a signal must not interrupt, e.g. naming several files: it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Protection(());

impl Protection {
    pub(crate) fn new() -> Self {
        PROTECTED.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Protection {
    fn drop(&mut self) {
        PROTECTED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether a step is in progress that a signal must not interrupt.
pub(crate) fn is_protected() -> bool {
    PROTECTED.load(Ordering::SeqCst) > 0
}

/// Waits until no such step is in progress.
pub(crate) async fn wait_for_protected() {
    let clock = SystemClock::new();
    while is_protected() {
        drop(clock.sleep_until(clock.now().plus(TICK)).await);
    }
}

/// Notes that a signal arrived. From now on, nothing is sent. Returns whether a request that changes something was sent
/// completely, so that its response can arrive.
pub(crate) fn stop() -> bool {
    STOPPED.store(true, Ordering::SeqCst);
    let change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    change
        .as_ref()
        .filter(|(context, _)| context.refused().is_none())
        .is_some_and(|(context, length)| context.delivery() != Delivery::NotSent && context.body_sent() >= *length)
}

/// Whether a request that changes something may have been sent.
pub(crate) fn may_have_changed() -> bool {
    let change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    EARLIER_CHANGE.load(Ordering::SeqCst) || change.as_ref().is_some_and(|(context, _)| is_sent_change(context))
}

/// Status with which the vendor refused the request that changes something, if it was not sent again.
pub(crate) fn refused() -> Option<u16> {
    if may_have_changed() {
        return None;
    }
    let change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    let last = change.as_ref().filter(|(context, _)| !is_login(context)).and_then(|(context, _)| context.refused());
    last.or(Some(REFUSED_BY_VENDOR.load(Ordering::SeqCst)).filter(|status| *status != 0))
}

fn is_login(context: &AttemptContext) -> bool {
    context.operation().is_some_and(|operation| operation.path == LOGIN)
}

fn is_sent_change(context: &AttemptContext) -> bool {
    !is_login(context) && context.delivery() != Delivery::NotSent && context.refused().is_none()
}

/// Whether a signal arrived.
pub(crate) fn is_stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}

/// Runs work that changes nothing. `None` if a signal arrives first.
pub(crate) async fn unless_stopped<T>(work: impl Future<Output = T>) -> Option<T> {
    let stopped = async {
        let clock = SystemClock::new();
        while !is_stopped() {
            drop(clock.sleep_until(clock.now().plus(TICK)).await);
        }
    };
    match select(pin!(work), pin!(stopped)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// Waits until no piece of a response has arrived for a while after a signal, or until the time is over.
pub(crate) async fn wait_for_silence() {
    let clock = SystemClock::new();
    let (mut before, mut silent) = (PIECES.load(Ordering::SeqCst), 0);
    for _ in 0..TICKS {
        drop(clock.sleep_until(clock.now().plus(TICK)).await);
        let now = PIECES.load(Ordering::SeqCst);
        silent = if now == before { silent + 1 } else { 0 };
        before = now;
        if silent == SILENT_TICKS / 2 {
            // A complete response after which the end of the connection is awaited.
            expire();
        }
        if silent == SILENT_TICKS {
            return;
        }
    }
}

fn expire() {
    let change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    change.iter().for_each(|(context, _)| context.expire());
}

/// The failure of a command that a signal stopped. If a request was not sent because of the signal, its exit code is that of
/// the signal, except if the outcome of an earlier request is unknown.
pub(crate) fn stopped(failure: Failure, code: u8) -> Failure {
    let is_unknown = failure.kind() == Some(Kind::OutcomeUnknown);
    if REFUSED.load(Ordering::SeqCst) && !is_unknown { failure.with_code(code) } else { failure }
}

/// Wraps the transport, so that it sends nothing after a signal.
pub(crate) fn stoppable(transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
    Arc::new(StoppableTransport(transport))
}

#[derive(Debug)]
struct StoppableTransport(Arc<dyn Transport>);

#[async_trait]
impl Transport for StoppableTransport {
    async fn send(
        &self,
        request: Request<Body>,
        context: &AttemptContext,
    ) -> Result<Response<Content>, TransportFailure> {
        let changes = context.operation().is_some_and(|operation| operation.safety != RetrySafety::Safe);
        if changes {
            let change = (context.clone(), request.body().len());
            let earlier = CHANGE.lock().unwrap_or_else(PoisonError::into_inner).replace(change);
            if let Some((earlier, _)) = earlier {
                EARLIER_CHANGE.fetch_or(is_sent_change(&earlier), Ordering::SeqCst);
                if let Some(status) = earlier.refused().filter(|_| !is_login(&earlier)) {
                    REFUSED_BY_VENDOR.store(status, Ordering::SeqCst);
                }
            }
        }
        let mut sending = pin!(self.0.send(request, context));
        let response = poll_fn(|cx| {
            // Also while it connects.
            if is_stopped() && context.delivery() == Delivery::NotSent {
                REFUSED.store(true, Ordering::SeqCst);
                let detail = "the program was stopped by a signal, so the request was not sent";
                return Poll::Ready(Err(
                    TransportFailure::new(Delivery::NotSent, Kind::Unreachable, detail).permanent()
                ));
            }
            sending.as_mut().poll(cx)
        })
        .await?;
        if !changes {
            return Ok(response);
        }
        PIECES.fetch_add(1, Ordering::SeqCst);
        Ok(response.map(|content| {
            tap(content, |_| {
                PIECES.fetch_add(1, Ordering::SeqCst);
            })
        }))
    }
}
