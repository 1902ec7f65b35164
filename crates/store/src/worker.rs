//! A worker: claims pending work, and continues that of workers that have stopped.
//!
//! Invariant: wall clocks of workers are not compared. A worker takes a claim over only after it has observed the same
//! claim and beat for the whole lease on its own monotonic clock.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use identkit_core::{Clock, Error, Instant};

use crate::engine::Held;
use crate::model::{CaseId, Claim};
use crate::store::Store;

/// Number of claims that are read at once.
const PAGE: usize = 100;

/// Claims work of a [`Store`]. Each process has one, and calls [`claim`](Self::claim) several times during a lease.
///
/// A claim that is not [renewed](Store::renew) for the lease is taken over. Renew it after a third of the lease, and stop
/// the work if that fails: another worker may do it already. The store rejects what an outdated claim writes, but no
/// vendor knows about claims.
pub struct Worker {
    store: Store,
    clock: Arc<dyn Clock>,
    lease: Duration,
    longest_wait: Option<Duration>,
    providers: Option<Vec<String>>,
    observed: Mutex<HashMap<Held, Instant>>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("lease", &self.lease).finish_non_exhaustive()
    }
}

impl Worker {
    /// Creates a worker. All workers of a store must have the same lease.
    pub fn new(store: Store, clock: Arc<dyn Clock>, lease: Duration) -> Self {
        Self { store, clock, lease, longest_wait: None, providers: None, observed: Mutex::default() }
    }

    /// Sets the longest time for which work of this store waits. Work that waits longer is due: its time was set by a clock
    /// that was ahead. Without it, such work waits until the clock reaches the time.
    #[must_use]
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = Some(wait);
        self
    }

    /// Claims only cases of these providers. Default: those of all providers.
    #[must_use]
    pub fn providers(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.providers = Some(names.into_iter().collect());
        self
    }

    /// Claims at most `limit` cases: first those of workers that have stopped, then those with pending work that is due.
    pub async fn claim(&self, limit: usize) -> Result<Vec<Claim>, Error> {
        let mut claims = Vec::new();
        for held in self.expired().await? {
            if claims.len() < limit {
                claims.extend(self.store.take_over(held).await?);
            }
        }
        let now = self.clock.wall();
        let latest = self.longest_wait.and_then(|wait| now.checked_add(wait).ok());
        let due =
            self.store.engine.claim(limit.saturating_sub(claims.len()), now, latest, self.providers.as_deref()).await?;
        claims.extend(due.into_iter().map(|(lease, attempts)| Claim { lease, attempts }));
        Ok(claims)
    }

    /// Claims a case, also if it has no pending work, e.g. for an operator. If a worker has claimed it, returns `None`, until
    /// this worker has observed the same claim for the lease: call it several times during a lease.
    pub async fn claim_case(&self, case: CaseId) -> Result<Option<Claim>, Error> {
        if let Some(claim) = self.store.claim_case(case).await? {
            return Ok(Some(claim));
        }
        let begin = self.clock.now();
        let first = self.store.claimed(CaseId(case.0.saturating_sub(1)), 1).await?;
        let Some(held) = first.into_iter().find(|held| held.case == case.0) else { return Ok(None) };
        let end = self.clock.now();
        let since = {
            let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
            observed.retain(|other, _| other.case != held.case || *other == held);
            *observed.entry(held).or_insert(end)
        };
        if begin.since(since) < self.lease { Ok(None) } else { self.store.take_over(held).await }
    }

    /// The claims that have not changed for the lease.
    async fn expired(&self) -> Result<Vec<Held>, Error> {
        // A claim is known to be unchanged from the end of its first reading to the begin of this one.
        let begin = self.clock.now();
        let (mut present, mut after) = (Vec::new(), CaseId::default());
        loop {
            let page = self.store.engine.claimed(after.0, PAGE, self.providers.as_deref()).await?;
            let Some(last) = page.last() else { break };
            after = CaseId(last.case);
            present.extend(page);
        }
        let end = self.clock.now();
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *observed);
        observed.extend(present.into_iter().map(|held| (held, before.get(&held).copied().unwrap_or(end))));
        let expired = observed.iter().filter(|(_, since)| begin.since(**since) >= self.lease);
        let mut expired: Vec<_> = expired.map(|(held, _)| *held).collect();
        expired.sort_by_key(|held| held.case);
        Ok(expired)
    }
}
