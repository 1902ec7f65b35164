//! Forwards the events of a store to a sink.
//!
//! The claims of the store are the only queue: a unit of work is done when the sink has accepted all of its events, and due
//! again otherwise. Nothing about a delivery is in memory only, so a process can be killed at any time.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use identkit_core::{Clock, Error, Inbox, WebhookDelivery, async_trait};
use jiff::{SignedDuration, Timestamp};

use crate::cipher;
use crate::dispatch::{DispatchIncident, Dispatcher, HeldClaim};
use crate::engine::{EventState, Finish};
use crate::model::{CaseId, Claim, EventId, StoredEvent};
use crate::store::Store;

/// Number of events that are read at once.
const PAGE: usize = 100;

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
    /// An event of the store cannot be read. The other events of its unit are delivered, and then the unit is dead.
    Unreadable {
        /// The event.
        event: EventId,
        /// Why it cannot be read.
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
/// - If an event cannot be read, e.g. because its row was changed, the others of its unit are delivered, and then the unit is
///   dead.
/// - If the system's clock is set back, no unit waits longer than the longest wait of 5 minutes.
/// - It continues the work of processes that have stopped, after their lease.
///
/// A forwarder is the worker of its store: do not claim work of the same store for another purpose. As an [`Inbox`], it
/// forwards what it accepts at once; what other processes accept, within a second.
pub struct Forwarder {
    store: Store,
    dispatcher: Dispatcher,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn EventSink>,
    report: Arc<dyn Fn(Incident) + Send + Sync>,
    max_attempts: u64,
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").field("dispatcher", &self.dispatcher).finish_non_exhaustive()
    }
}

impl Forwarder {
    /// Creates a forwarder with 20 attempts, 16 cases at once and a lease of 30 seconds. It does nothing until
    /// [`run`](Self::run).
    pub fn new(store: Store, clock: Arc<dyn Clock>, sink: Arc<dyn EventSink>) -> Self {
        let dispatcher = Dispatcher::new(store.clone(), Arc::clone(&clock)).longest_wait(MAX_WAIT);
        Self { store, dispatcher, clock, sink, report: Arc::new(drop), max_attempts: 20 }
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
        self.dispatcher = self.dispatcher.parallel(cases);
        self
    }

    /// Sets the lease. All workers of a store must have the same.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.dispatcher = self.dispatcher.lease(lease);
        self
    }

    /// Sets the callback for incidents. It must not block.
    #[must_use]
    pub fn on_incident(mut self, report: impl Fn(Incident) + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        let report = Arc::clone(&self.report);
        self.dispatcher = self.dispatcher.on_incident(move |incident| {
            report(match incident {
                DispatchIncident::Lost { case } => Incident::Lost { case },
                DispatchIncident::Store { error } => Incident::Store { error },
            });
        });
        self
    }

    /// Looks for pending work now. Call it after this process has accepted or replayed something through the store.
    pub fn wake(&self) {
        self.dispatcher.wake();
    }

    /// Forwards until `stop` is ready, then completes the deliveries that are running. Call it once at a time. It spawns
    /// nothing: if it is dropped, its claims expire, and their events are delivered by the next worker.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let work = async |held: HeldClaim| match select(pin!(self.deliver(held.claim())), pin!(held.lost())).await {
            Either::Left((end, _)) => end,
            // Another worker delivers the rest. The end of a lost claim is rejected.
            Either::Right(_) => self.retry(Duration::ZERO),
        };
        self.dispatcher.run(stop, work).await;
    }

    /// Delivers all events of a unit in order, and returns how the unit ends.
    async fn deliver(&self, claim: &Claim) -> Finish {
        let mut after = EventId::default();
        let (mut refused, mut unreadable, mut is_empty) = (None, Vec::new(), true);
        loop {
            let page = match self.store.event_page_of(claim.case(), after, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    (self.report)(Incident::Store { error });
                    return self.retry(wait(claim.attempts()));
                }
            };
            let Some(last) = page.last else { break };
            after = last;
            is_empty &= page.events.is_empty() && page.unreadable.is_empty();
            unreadable.extend(page.unreadable.into_iter().filter(|event| event.state == EventState::Claimed));
            for event in page.events.iter().filter(|event| event.state == EventState::Claimed) {
                if self.dispatcher.is_stopping() {
                    return self.retry(Duration::ZERO);
                }
                // An event that the sink refuses must not keep later ones of its case from it.
                if let Err(error) = self.sink.deliver(event).await {
                    refused.get_or_insert((event.id, error));
                }
            }
        }
        let unreadable_reason =
            unreadable.first().map(|event| format!("event {} of the store cannot be read", event.id.0));
        let end = match (refused, unreadable_reason) {
            (Some((event, error)), _) => self.judge(claim, event, error).await,
            (None, Some(reason)) => Finish::Dead { reason },
            (None, None) => Finish::Done,
        };
        // Reported once, and not after each attempt.
        if matches!(end, Finish::Dead { .. }) {
            for event in unreadable {
                (self.report)(Incident::Unreadable { event: event.id, error: event.error });
            }
        }
        if is_empty {
            self.purge_if_unreadable(claim.case()).await;
        }
        end
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
