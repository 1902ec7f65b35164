//! Purges. The order of the steps makes each of them repeatable after a crash, and loses no delivery:
//!
//! 1. The case is marked. From then on, it accepts nothing: a delivery that arrives first completes the purge.
//! 2. Its keys are removed, so that nothing of it can be read, in backups either.
//! 3. Its rows are removed.

use futures_util::future::try_join_all;
use identkit_core::Error;

use crate::engine::{CaseRow, Link};
use crate::model::{CaseId, Retention};
use crate::store::Store;

/// Number of cases that are purged between two searches.
const PAGE: usize = 100;

impl Store {
    /// Removes a case with its key, its deliveries and entries, also if a worker has claimed it. Returns whether it
    /// existed. The deletion ledger is unaffected.
    pub async fn purge(&self, case: CaseId) -> Result<bool, Error> {
        let begun = self.engine.begin_purge(case.0, false).await?;
        self.end_purge(begun).await
    }

    /// Purges a case unless it has pending or claimed work. Returns whether it was purged.
    pub async fn purge_idle(&self, case: CaseId) -> Result<bool, Error> {
        let begun = self.engine.begin_purge(case.0, true).await?;
        self.end_purge(begun).await
    }

    /// Purges the expired cases that have no pending or claimed work, and returns their number. Also completes purges that a
    /// crash has interrupted.
    pub async fn purge_expired(&self, retention: &Retention) -> Result<u64, Error> {
        let Retention { changed_before, status } = retention;
        let mut purged = 0;
        loop {
            let expired = self.engine.expired(status.as_deref(), *changed_before, PAGE).await?;
            if expired.is_empty() {
                return Ok(purged);
            }
            // At once, so that an engine can commit each step of all of them together.
            let purge = async |case| {
                let begun = self.engine.begin_purge(case, true).await?;
                self.end_purge(begun).await
            };
            for existed in try_join_all(expired.into_iter().map(purge)).await? {
                purged += u64::from(existed);
            }
        }
    }

    /// Returns the space of what was removed to the system: call it after purges of many cases. Deliveries are accepted
    /// meanwhile. PostgreSQL does this by itself (autovacuum).
    pub async fn compact(&self) -> Result<(), Error> {
        self.engine.compact().await
    }

    /// Removes the cases that cannot be read because their keys were removed, and returns their number. Call it after
    /// a backup of the data was restored.
    pub async fn purge_unreadable(&self) -> Result<u64, Error> {
        let (mut purged, mut after) = (0, 0);
        loop {
            let rows = self.engine.cases(None, after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(purged) };
            after = last.id;
            for row in rows {
                let mut readable = true;
                for link in links(&row) {
                    readable &= self.keys.has(link).await?;
                }
                if !readable {
                    purged += u64::from(self.purge(CaseId(row.id)).await?);
                }
            }
        }
    }

    /// Removes the keys that nothing is encrypted with, and returns their number. Such a key is left if a process stops
    /// before it writes the first row of a case. Call it from time to time: the id at the vendor is stored with the key.
    pub async fn remove_unused_keys(&self) -> Result<u64, Error> {
        let (mut removed, mut after) = (0, Vec::new());
        loop {
            let (links, last) = self.keys.case_links(&after).await?;
            for link in links {
                // Marked like any purge: a process that has just created the key completes it and creates another key.
                if let Some(case) = self.engine.begin_purge_of_unused(link).await? {
                    self.keys.remove(link).await?;
                    self.engine.remove(case).await?;
                    removed += 1;
                }
            }
            match last {
                Some(last) => after = last,
                None => return Ok(removed),
            }
        }
    }

    async fn end_purge(&self, begun: Option<CaseRow>) -> Result<bool, Error> {
        let Some(row) = begun else { return Ok(false) };
        for link in links(&row) {
            self.keys.remove(link).await?;
        }
        self.engine.remove(row.id).await?;
        Ok(true)
    }

    /// Completes the purge of the case with this name, if it has begun. Returns whether it had begun.
    pub(crate) async fn complete_begun_purge(&self, link: Link) -> Result<bool, Error> {
        let Some(id) = self.engine.find(link).await? else { return Ok(false) };
        match self.engine.case(id).await? {
            Some(row) if row.purging => self.end_purge(Some(row)).await,
            _ => Ok(false),
        }
    }
}

fn links(row: &CaseRow) -> impl Iterator<Item = Link> {
    [row.vendor, row.reference].into_iter().flatten()
}
