//! The loop of a worker: claims work, renews each claim while its work runs, and ends it.
//!
//! The claims of the store are the only queue. Nothing about a unit of work is in memory only, so a process can be killed
//! at any time.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt as _};
use futures_util::task::AtomicWaker;
use identkit_core::{Clock, Error, Instant, Kind};

use crate::engine::Finish;
use crate::model::{CaseId, Claim};
use crate::store::Store;
use crate::worker::Worker;

/// Pause after a failure of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// An incident of a [`Dispatcher`].
#[non_exhaustive]
#[derive(Debug)]
pub enum DispatchIncident {
    /// Another worker has claimed the case, or it was purged.
    Lost {
        /// The case.
        case: CaseId,
    },
    /// The store failed. The dispatcher tries again.
    Store {
        /// Why it failed.
        error: Error,
    },
}

/// A claim whose work is running. The dispatcher renews it.
#[derive(Clone)]
pub struct HeldClaim {
    claim: Claim,
    store: Store,
    clock: Arc<dyn Clock>,
    lease: Duration,
    valid_until: Arc<Mutex<Instant>>,
    lost: Arc<Lost>,
}

/// Whether a claim is lost, and who waits for it.
#[derive(Default)]
struct Lost {
    flag: AtomicBool,
    waker: AtomicWaker,
}

impl fmt::Debug for HeldClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldClaim").field("claim", &self.claim).finish_non_exhaustive()
    }
}

impl HeldClaim {
    /// The claim.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Time during which no other worker can take the case over. Begin a call that must not run twice only with a
    /// timeout that is shorter, and [renew](Self::renew) the claim before it.
    pub fn time_left(&self) -> Duration {
        self.valid_until.lock().unwrap_or_else(PoisonError::into_inner).since(self.clock.now())
    }

    /// Whether another worker is known to have the case. The work should end soon: nothing that it writes is accepted.
    pub fn is_lost(&self) -> bool {
        self.lost.flag.load(Ordering::SeqCst)
    }

    /// Waits until the claim is lost, for work that need not be completed. One task can wait.
    pub async fn lost(&self) {
        poll_fn(|context| {
            self.lost.waker.register(context.waker());
            if self.is_lost() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Renews the claim now.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if another worker has the case.
    pub async fn renew(&self) -> Result<(), Error> {
        let before = self.clock.now();
        self.store.renew(&self.claim).await.inspect_err(|error| {
            if error.kind() == Kind::Conflict {
                self.lost.flag.store(true, Ordering::SeqCst);
                self.lost.waker.wake();
            }
        })?;
        let mut until = self.valid_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(before.plus(self.lease));
        Ok(())
    }
}

/// Runs work of a [`Store`], several cases at once.
///
/// A dispatcher is the worker of its store: do not claim work of the same store for another purpose.
pub struct Dispatcher {
    store: Store,
    worker: Worker,
    clock: Arc<dyn Clock>,
    report: Arc<dyn Fn(DispatchIncident) + Send + Sync>,
    lease: Duration,
    longest_wait: Option<Duration>,
    providers: Option<Vec<String>>,
    poll: Duration,
    parallel: usize,
    woken: AtomicBool,
    waker: AtomicWaker,
    stopping: AtomicBool,
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// Creates a dispatcher with 16 cases at once and a lease of 30 seconds. It does nothing until [`run`](Self::run).
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        let lease = Duration::from_secs(30);
        Self {
            worker: Worker::new(store.clone(), Arc::clone(&clock), lease),
            store,
            clock,
            report: Arc::new(drop),
            lease,
            longest_wait: None,
            providers: None,
            poll: Duration::from_secs(1),
            parallel: 16,
            woken: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            stopping: AtomicBool::new(false),
        }
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
        self.lease = lease;
        self.with_new_worker()
    }

    /// Sets the longest time for which work of this store waits, as [`Worker::longest_wait`].
    #[must_use]
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = Some(wait);
        self.with_new_worker()
    }

    /// Claims only cases of these providers, as [`Worker::providers`].
    #[must_use]
    pub fn providers(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.providers = Some(names.into_iter().collect());
        self.with_new_worker()
    }

    fn with_new_worker(mut self) -> Self {
        let worker = Worker::new(self.store.clone(), Arc::clone(&self.clock), self.lease);
        let worker = match self.longest_wait {
            Some(wait) => worker.longest_wait(wait),
            None => worker,
        };
        self.worker = match &self.providers {
            Some(names) => worker.providers(names.iter().cloned()),
            None => worker,
        };
        self
    }

    /// Sets the longest time until work is found that is due, or that another process has made pending. Default: 1 second.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Sets the callback for incidents. It must not block.
    #[must_use]
    pub fn on_incident(mut self, report: impl Fn(DispatchIncident) + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// Looks for pending work now. Call it after this process has accepted or replayed something through the store.
    pub fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    /// Whether [`run`](Self::run) claims nothing more. Work that can be continued later should end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Runs `work` for each claim until `stop` is ready, then completes the work that is running. The value of `work` is how
    /// the claim ends. Work whose claim is lost is completed, too: see [`HeldClaim::is_lost`]. Call it once at a time. It spawns nothing: if it is dropped, its claims expire, and the next worker
    /// continues.
    pub async fn run<W: Future<Output = Finish>>(
        &self,
        stop: impl Future<Output = ()> + Send,
        work: impl Fn(HeldClaim) -> W,
    ) {
        self.stopping.store(false, Ordering::SeqCst);
        let running = &AtomicUsize::new(0);
        let work = &work;
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
        let mut all = pin!(claims.for_each_concurrent(self.parallel, |(claim, at)| {
            running.fetch_add(1, Ordering::SeqCst);
            async move {
                match self.attend(claim, at, work).await {
                    Err(error) if error.kind() == Kind::Conflict => {
                        (self.report)(DispatchIncident::Lost { case: claim.case() });
                    }
                    Err(error) => (self.report)(DispatchIncident::Store { error }),
                    Ok(()) => {}
                }
                running.fetch_sub(1, Ordering::SeqCst);
                // Deliveries may have arrived since the claim.
                self.wake();
            }
        }));
        if let Either::Right(_) = select(all.as_mut(), pin!(stop)).await {
            self.stopping.store(true, Ordering::SeqCst);
            self.wake();
            all.await;
        }
    }

    /// Claims a case by its id, as [`Worker::claim_case`]: also one whose worker has stopped, after the lease.
    pub async fn claim_case(&self, case: CaseId) -> Result<Option<Claim>, Error> {
        self.worker.claim_case(case).await
    }

    /// Runs `work` for a claim that the caller has just made, and ends the claim.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if another worker has taken the case over.
    pub async fn run_one<W: Future<Output = Finish>>(
        &self,
        claim: Claim,
        work: impl FnOnce(HeldClaim) -> W,
    ) -> Result<(), Error> {
        self.attend(claim, self.clock.now(), work).await
    }

    fn hold(&self, claim: Claim, at: Instant) -> HeldClaim {
        HeldClaim {
            claim,
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            lease: self.lease,
            valid_until: Arc::new(Mutex::new(at.plus(self.lease))),
            lost: Arc::default(),
        }
    }

    /// Claims at most `limit` cases, each with the time before its claim. Without pending work, waits and returns nothing.
    async fn claim(&self, limit: usize) -> VecDeque<(Claim, Instant)> {
        // What wakes the dispatcher from now on ends the next wait.
        self.woken.store(false, Ordering::SeqCst);
        let before = self.clock.now();
        match self.worker.claim(limit).await {
            Ok(claims) if claims.is_empty() && !self.is_stopping() => self.wait_for_work().await,
            Ok(claims) => return claims.into_iter().map(|claim| (claim, before)).collect(),
            Err(error) => {
                (self.report)(DispatchIncident::Store { error });
                self.sleep(PAUSE).await;
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
        select(woken, select(pin!(changed), pin!(self.sleep(self.poll)))).await;
    }

    async fn sleep(&self, time: Duration) {
        drop(self.clock.sleep_until(self.clock.now().plus(time)).await);
    }

    async fn attend<W: Future<Output = Finish>>(
        &self,
        claim: Claim,
        at: Instant,
        work: impl FnOnce(HeldClaim) -> W,
    ) -> Result<(), Error> {
        let held = self.hold(claim, at);
        match select(pin!(work(held.clone())), pin!(self.renew(&held))).await {
            Either::Left((end, _)) => self.finish(&held, end).await,
            // The work can hold the only copy of a response, or must remove what it has just written.
            Either::Right((lost, work)) => {
                work.await;
                Err(lost)
            }
        }
    }

    /// Renews a claim until it is lost.
    async fn renew(&self, held: &HeldClaim) -> Error {
        loop {
            self.sleep(self.lease / 3).await;
            match held.renew().await {
                Err(error) if error.kind() == Kind::Conflict => return error,
                Err(error) => (self.report)(DispatchIncident::Store { error }),
                Ok(()) => {}
            }
        }
    }

    /// Ends a claim, also if the store fails for a while. If it fails for the lease, another worker takes the case over.
    async fn finish(&self, held: &HeldClaim, end: Finish) -> Result<(), Error> {
        loop {
            match self.store.finish(&held.claim, end.clone()).await {
                Err(error)
                    if error.kind() != Kind::Conflict && !self.is_stopping() && held.time_left() > Duration::ZERO =>
                {
                    (self.report)(DispatchIncident::Store { error });
                    self.sleep(PAUSE).await;
                }
                ended => return ended,
            }
        }
    }
}
