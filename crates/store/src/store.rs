//! The store: everything that all engines have in common, with encryption in front of them. This file has the work; the others have
//! deliveries, cases, retention and records.

use std::sync::Arc;

use identkit_core::Error;
use jiff::Timestamp;

use crate::cipher::KeyEncryptionKey;
use crate::engine::{Engine, Finish, Held};
use crate::keys::Keys;
use crate::model::{CaseId, Claim};

/// Durable state on an [`Engine`]. A clone is the same store.
///
/// # Errors
/// [`Kind::Storage`](identkit_core::Kind::Storage) if the engine fails,
/// [`Kind::Unavailable`](identkit_core::Kind::Unavailable) if it is overloaded, and
/// [`Kind::Integrity`](identkit_core::Kind::Integrity) if a row was changed by others. Every method with a [`Claim`] fails
/// with [`Kind::Conflict`](identkit_core::Kind::Conflict) and writes nothing if the claim is outdated.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) keys: Keys,
}

impl Store {
    /// Opens the store of an engine. The first call decides the key.
    ///
    /// # Errors
    /// [`Kind::Storage`](identkit_core::Kind::Storage) if the store was created with another key.
    pub async fn open(engine: Arc<dyn Engine>, key: KeyEncryptionKey) -> Result<Self, Error> {
        let keys = Keys::open(Arc::clone(&engine), key).await?;
        Ok(Self { engine, keys })
    }

    /// Whether the store of an engine was opened with a key before. If not, the first [`open`](Self::open) decides it.
    pub async fn has_key(engine: &dyn Engine) -> Result<bool, Error> {
        Keys::is_decided(engine).await
    }

    /// Claims at most `limit` cases with pending work that is due. Use [`Worker`](crate::Worker), which also continues the
    /// work of workers that have stopped.
    pub async fn claim(&self, limit: usize, now: Timestamp) -> Result<Vec<Claim>, Error> {
        let claims = self.engine.claim(limit, now, None, None).await?;
        Ok(claims.into_iter().map(|(lease, attempts)| Claim { lease, attempts }).collect())
    }

    /// Claims a case that no worker has claimed, also if it has no pending work, e.g. for an operator. Returns `None` if it
    /// is claimed or does not exist.
    pub async fn claim_case(&self, case: CaseId) -> Result<Option<Claim>, Error> {
        let claim = self.engine.claim_case(case.0).await?;
        Ok(claim.map(|(lease, attempts)| Claim { lease, attempts }))
    }

    /// Waits until work may have become pending, also by another process. Only the engine on PostgreSQL notices it:
    /// with other engines this never returns. Wait for a time at most, because work also becomes due, and then claim. One
    /// task of a process should wait.
    pub async fn changed(&self) -> Result<(), Error> {
        self.engine.changed().await
    }

    /// Returns at most `limit` present claims, in the order of their cases.
    pub async fn claimed(&self, after: CaseId, limit: usize) -> Result<Vec<Held>, Error> {
        self.engine.claimed(after.0, limit, None).await
    }

    /// Claims a case again if its claim was not renewed or replaced since `held` was read.
    pub async fn take_over(&self, held: Held) -> Result<Option<Claim>, Error> {
        Ok(self.engine.take_over(held).await?.map(|(lease, attempts)| Claim { lease, attempts }))
    }

    /// Renews a claim, so that no other worker takes it over.
    pub async fn renew(&self, claim: &Claim) -> Result<(), Error> {
        self.engine.renew(claim.lease).await
    }

    /// Ends a claim. If deliveries arrived since the claim, the case is pending again.
    pub async fn finish(&self, claim: &Claim, end: Finish) -> Result<(), Error> {
        self.engine.finish(claim.lease, end).await
    }

    /// Makes done and dead work of a case pending again. Returns whether the case exists.
    pub async fn replay(&self, case: CaseId, now: Timestamp) -> Result<bool, Error> {
        self.engine.replay(case.0, now).await
    }
}
