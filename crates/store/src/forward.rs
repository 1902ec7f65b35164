//! Forwards the events of a store to a sink.
//!
//! The claims of the store are the only queue: a unit of work is done when the sink has accepted all of its events, and due
//! again otherwise. Nothing about a delivery is in memory only, so a process can be killed at any time.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt as _};
use futures_util::task::AtomicWaker;
use identkit_core::{Clock, Error, Inbox, Kind, WebhookDelivery, async_trait};
use jiff::{SignedDuration, Timestamp};

use crate::cipher;
use crate::engine::{EventState, Finish};
use crate::model::{CaseId, Claim, EventId, StoredEvent};
use crate::store::Store;
use crate::worker::Worker;

/// Number of events that are read at once.
const PAGE: usize = 100;

/// Longest time until work is found that another process has made pending, and pause after a failure of the store.
const POLL: Duration = Duration::from_secs(1);

/// Upper bound of the wait after the first failed attempt. It doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Largest upper bound.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// Receives the events of a store, e.g. a service over HTTP, or a message broker.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Delivers an event, and returns when the sink has made it durable.
    ///
    /// An event can be delivered several times, e.g. if the process stops before the store knows that the sink has accepted
    /// it. The sink recognizes it by [`StoredEvent::idempotency_key`].
    ///
    /// # Errors
    /// If the sink has not accepted the event, or if that is unknown. It is delivered again.
    async fn deliver(&self, event: &StoredEvent) -> Result<(), Error>;
}

/// An incident of a [`Forwarder`].
#[non_exhaustive]
#[derive(Debug)]
pub enum Incident {
    /// The sink did not accept an event. The unit of work is due again after `wait`.
    Retry {
        /// The event.
        event: EventId,
        /// Number of attempts of the unit.
        attempts: u64,
        /// Time until the next attempt.
        wait: Duration,
        /// Why the sink did not accept it.
        error: Error,
    },
    /// The sink did not accept an event, and its unit is dead: it is delivered after a replay only.
    Dead {
        /// The event.
        event: EventId,
        /// Number of attempts of the unit.
        attempts: u64,
        /// Why the sink did not accept it.
        error: Error,
    },
    /// Another worker has claimed the case, or it was purged.
    Lost {
        /// The case.
        case: CaseId,
    },
    /// The store failed. The forwarder tries again.
    Store {
        /// Why it failed.
        error: Error,
    },
}

/// Delivers each event of a store to an [`EventSink`], at least once.
///
/// - The events of one case are delivered in the order of acceptance, one at a time; several cases at once.
/// - If the sink does not accept an event, the whole unit of work is delivered again: after at most 1 second, then at most
///   2, 4 and so on, up to 5 minutes, with full jitter. A new delivery of the case makes it due at once.
/// - After the last attempt the unit is dead. This takes at least the time of that number of waits since the last delivery
///   of the case, so that repeated deliveries do not use the attempts up.
/// - It continues the work of processes that have stopped, after their lease.
///
/// A forwarder is the worker of its store: do not claim work of the same store for another purpose. As an [`Inbox`], it
/// forwards what it accepts at once; what other processes accept, within a second.
pub struct Forwarder {
    store: Store,
    worker: Worker,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn EventSink>,
    report: Arc<dyn Fn(Incident) + Send + Sync>,
    lease: Duration,
    parallel: usize,
    max_attempts: u64,
    woken: AtomicBool,
    waker: AtomicWaker,
    stopping: AtomicBool,
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl Forwarder {
    /// Creates a forwarder with 20 attempts, 16 cases at once and a lease of 30 seconds. It does nothing until
    /// [`run`](Self::run).
    pub fn new(store: Store, clock: Arc<dyn Clock>, sink: Arc<dyn EventSink>) -> Self {
        let lease = Duration::from_secs(30);
        Self {
            worker: Worker::new(store.clone(), Arc::clone(&clock), lease),
            store,
            clock,
            sink,
            report: Arc::new(drop),
            lease,
            parallel: 16,
            max_attempts: 20,
            woken: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Sets the number of attempts, at least 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u64) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the number of cases at once, at least 1.
    #[must_use]
    pub fn parallel(mut self, cases: usize) -> Self {
        self.parallel = cases.max(1);
        self
    }

    /// Sets the lease. All workers of a store must have the same.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.worker = Worker::new(self.store.clone(), Arc::clone(&self.clock), lease);
        self.lease = lease;
        self
    }

    /// Sets the callback for incidents. It must not block.
    #[must_use]
    pub fn on_incident(mut self, report: impl Fn(Incident) + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// Looks for pending work now. Call it after this process has accepted or replayed something through the store.
    pub fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    /// Forwards until `stop` is ready, then completes the deliveries that are running. Call it once at a time. It spawns
    /// nothing: if it is dropped, its claims expire, and their events are delivered by the next worker.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        self.stopping.store(false, Ordering::SeqCst);
        let running = &AtomicUsize::new(0);
        // A claim is not renewed before its work begins, so no more are claimed than can begin.
        let claims = stream::unfold(VecDeque::new(), async |mut claims| {
            loop {
                if let Some(claim) = claims.pop_front() {
                    return Some((claim, claims));
                }
                if self.is_stopping() {
                    return None;
                }
                claims = self.claim(self.parallel.saturating_sub(running.load(Ordering::SeqCst))).await;
            }
        });
        let mut work = pin!(claims.for_each_concurrent(self.parallel, |claim| {
            running.fetch_add(1, Ordering::SeqCst);
            async move {
                self.forward(&claim).await;
                running.fetch_sub(1, Ordering::SeqCst);
                // Deliveries may have arrived since the claim.
                self.wake();
            }
        }));
        if let Either::Right(_) = select(work.as_mut(), pin!(stop)).await {
            self.stopping.store(true, Ordering::SeqCst);
            self.wake();
            work.await;
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Claims at most `limit` cases. Without pending work, waits and returns nothing.
    async fn claim(&self, limit: usize) -> VecDeque<Claim> {
        // What wakes the forwarder from now on ends the next wait.
        self.woken.store(false, Ordering::SeqCst);
        match self.worker.claim(limit).await {
            Ok(claims) if claims.is_empty() && !self.is_stopping() => self.wait_for_work().await,
            Ok(claims) => return claims.into(),
            Err(error) => {
                (self.report)(Incident::Store { error });
                self.sleep(POLL).await;
            }
        }
        VecDeque::new()
    }

    async fn wait_for_work(&self) {
        let woken = poll_fn(|context| {
            self.waker.register(context.waker());
            if self.woken.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        });
        let changed = async {
            if self.store.changed().await.is_err() {
                // The next claim fails too, and is reported.
                std::future::pending().await
            }
        };
        select(woken, select(pin!(changed), pin!(self.sleep(POLL)))).await;
    }

    async fn sleep(&self, time: Duration) {
        drop(self.clock.sleep_until(self.clock.now().plus(time)).await);
    }

    async fn forward(&self, claim: &Claim) {
        let ended = match select(pin!(self.deliver(claim)), pin!(self.renew(claim))).await {
            Either::Left((end, _)) => self.finish(claim, end).await,
            Either::Right((lost, _)) => Err(lost),
        };
        match ended {
            Err(error) if error.kind() == Kind::Conflict => (self.report)(Incident::Lost { case: claim.case() }),
            Err(error) => (self.report)(Incident::Store { error }),
            Ok(()) => {}
        }
    }

    /// Renews a claim until it is lost.
    async fn renew(&self, claim: &Claim) -> Error {
        loop {
            self.sleep(self.lease / 3).await;
            match self.store.renew(claim).await {
                Err(error) if error.kind() == Kind::Conflict => return error,
                Err(error) => (self.report)(Incident::Store { error }),
                Ok(()) => {}
            }
        }
    }

    /// Ends a claim, also if the store fails for a while. If it fails for the lease, another worker takes the case over.
    async fn finish(&self, claim: &Claim, end: Finish) -> Result<(), Error> {
        loop {
            match self.store.finish(claim, end.clone()).await {
                Err(error) if error.kind() != Kind::Conflict && !self.is_stopping() => {
                    (self.report)(Incident::Store { error });
                    self.sleep(POLL).await;
                }
                ended => return ended,
            }
        }
    }

    /// Delivers all events of a unit in order, and returns how the unit ends.
    async fn deliver(&self, claim: &Claim) -> Finish {
        let mut after = EventId::default();
        let mut refused = None;
        loop {
            let page = match self.store.events_of(claim.case(), after, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    (self.report)(Incident::Store { error });
                    return self.retry(wait(claim.attempts()));
                }
            };
            let Some(last) = page.last() else { break };
            after = last.id;
            for event in page.iter().filter(|event| event.state == EventState::Claimed) {
                if self.is_stopping() {
                    return self.retry(Duration::ZERO);
                }
                // An event that the sink refuses must not keep later ones of its case from it.
                if let Err(error) = self.sink.deliver(event).await {
                    refused.get_or_insert((event.id, error));
                }
            }
        }
        if let Some((event, error)) = refused {
            return self.judge(claim, event, error).await;
        }
        if after == EventId::default() {
            self.purge_if_unreadable(claim.case()).await;
        }
        Finish::Done
    }

    /// A case that was purged is in an older backup: the events cannot be read, and it must be purged again.
    async fn purge_if_unreadable(&self, case: CaseId) {
        let purged = match self.store.case(case).await {
            Ok(None) => self.store.purge(case).await.map(drop),
            read => read.map(drop),
        };
        if let Err(error) = purged {
            (self.report)(Incident::Store { error });
        }
    }

    /// How a unit ends of which the sink did not accept an event.
    async fn judge(&self, claim: &Claim, event: EventId, error: Error) -> Finish {
        let attempts = claim.attempts();
        if attempts >= self.max_attempts && self.is_overdue(claim.case()).await {
            let reason = format!("not accepted in {attempts} attempts: {}", error.detail());
            (self.report)(Incident::Dead { event, attempts, error });
            return Finish::Dead { reason };
        }
        let wait = wait(attempts);
        (self.report)(Incident::Retry { event, attempts, wait, error });
        self.retry(wait)
    }

    fn retry(&self, wait: Duration) -> Finish {
        Finish::Retry { due: self.clock.wall().checked_add(wait).unwrap_or(Timestamp::MAX) }
    }

    /// Whether the usual time of all attempts has passed since the last delivery of the case.
    async fn is_overdue(&self, case: CaseId) -> bool {
        // With full jitter, a wait is half its bound on average.
        let usual: Duration = (1..self.max_attempts.min(1_000_000)).map(|attempts| bound(attempts) / 2).sum();
        match self.store.case(case).await {
            Ok(Some(case)) => {
                self.clock.wall().duration_since(case.changed)
                    >= SignedDuration::try_from(usual).unwrap_or(SignedDuration::MAX)
            }
            _ => false,
        }
    }
}

/// Upper bound of the wait after this attempt.
fn bound(attempts: u64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(MAX_WAIT)
}

/// The wait after this attempt: any time up to the bound.
fn wait(attempts: u64) -> Duration {
    let random = cipher::random().map_or(u32::MAX, u32::from_le_bytes);
    bound(attempts).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[async_trait]
impl Inbox for Forwarder {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        self.store.accept(&delivery).await?;
        self.wake();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let bounds: Vec<u64> = (1..=12).map(|attempts| bound(attempts).as_secs()).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(bound(u64::MAX), MAX_WAIT);
        assert!((1..100).all(|attempts| wait(attempts) <= bound(attempts)));
        // Waits are spread over the whole range.
        let waits: Vec<Duration> = (0..200).map(|_| wait(10)).collect();
        assert!(waits.iter().any(|wait| *wait < MAX_WAIT / 4) && waits.iter().any(|wait| *wait > MAX_WAIT / 4 * 3));
    }
}
