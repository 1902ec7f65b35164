//! Cases: created, read, written.

use identkit_core::{CaseRef, Error, Kind, Pii, Secret};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::engine::{CaseRow, Change, EntryRow, Lease, NewCaseRow};
use crate::fault;
use crate::keys::{CaseKey, Naming};
use crate::model::{Artifact, Case, CaseId, Claim, Deletion, Entry, Intent, StoredEntry};
use crate::pack::{micros, pack, unpack};
use crate::store::Store;

/// Number of entries that are read at once.
const PAGE: usize = 100;

impl Store {
    /// Stores a case before it is opened at the vendor, and claims it. The caller opens it, saves the reference and
    /// finishes the claim; if the caller stops before that, another worker takes the case over.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if the reference exists.
    pub async fn create(&self, intent: &Intent) -> Result<Claim, Error> {
        let Intent { provider, reference, status, data, at } = intent;
        loop {
            let key = self.keys.get_or_create(provider, Naming::Reference, reference).await?;
            let row = NewCaseRow {
                provider: provider.clone(),
                reference: key.link,
                status: status.clone(),
                state: seal_state(&key, 1, status, None, data)?,
                at: *at,
            };
            match self.engine.create(row).await? {
                Some(lease) if self.keys.has(key.link).await? => return Ok(Claim { lease, attempts: 1 }),
                Some(Lease { case, .. }) => drop(self.purge(CaseId(case)).await?),
                None if self.complete_begun_purge(key.link).await? => {}
                None => return Err(fault::exists()),
            }
        }
    }

    /// Returns a case; `None` if it does not exist, or if its key was removed. A worker that gets `None` for a claim must
    /// [`purge`](Self::purge) the case: it is from a backup that is older than its purge.
    pub async fn case(&self, id: CaseId) -> Result<Option<Case>, Error> {
        match self.engine.case(id.0).await? {
            Some(row) => self.read_case(row).await,
            None => Ok(None),
        }
    }

    /// Returns the case with the vendor's id.
    pub async fn case_by_vendor_id(&self, provider: &str, id: &Secret) -> Result<Option<Case>, Error> {
        self.find(provider, Naming::Vendor, id).await
    }

    /// Returns the case with the caller's reference.
    pub async fn case_by_reference(&self, provider: &str, reference: &Secret) -> Result<Option<Case>, Error> {
        self.find(provider, Naming::Reference, reference).await
    }

    async fn find(&self, provider: &str, naming: Naming, id: &Secret) -> Result<Option<Case>, Error> {
        let Some(key) = self.keys.find(provider, naming, id).await? else { return Ok(None) };
        match self.engine.find(key.link).await? {
            Some(id) => self.case(CaseId(id)).await,
            None => Ok(None),
        }
    }

    /// Returns at most `limit` cases in the order of creation, without those that are being purged. The list is at its end
    /// if it is empty.
    pub async fn cases(&self, status: Option<&str>, after: CaseId, limit: usize) -> Result<Vec<Case>, Error> {
        let mut after = after.0;
        loop {
            let rows = self.engine.cases(status, after, limit).await?;
            let Some(last) = rows.last() else { return Ok(Vec::new()) };
            after = last.id;
            let mut cases = Vec::with_capacity(rows.len());
            for row in rows {
                cases.extend(self.read_case(row).await?);
            }
            if !cases.is_empty() {
                return Ok(cases);
            }
        }
    }

    async fn read_case(&self, row: CaseRow) -> Result<Option<Case>, Error> {
        let vendor = match row.vendor {
            Some(link) => self.keys.get_with_id(link).await?,
            None => None,
        };
        let reference = match row.reference {
            Some(link) => self.keys.get_with_id(link).await?,
            None => None,
        };
        // A link without its key: a purge has begun.
        if row.purging || vendor.is_some() != row.vendor.is_some() || reference.is_some() != row.reference.is_some() {
            return Ok(None);
        }
        let Some((key, _)) = reference.as_ref().or(vendor.as_ref()) else { return Err(fault::damaged()) };
        let (opened, data) = match row.version {
            0 => (None, Pii::default()),
            _ => open_state(key, &row)?,
        };
        Ok(Some(Case {
            id: CaseId(row.id),
            provider: row.provider,
            reference: reference.map(|(_, id)| id),
            vendor_id: vendor.map(|(_, id)| id),
            opened,
            status: row.status,
            data,
            version: row.version,
            created: row.created,
            changed: row.changed,
            pending: row.pending,
            claimed: row.claimed,
            attempts: row.attempts,
            dead: row.dead,
        }))
    }

    /// Writes the status, the data and the reference at the vendor of a case, and appends entries, in one transaction.
    /// `case` must be the version that is stored, and becomes the next one.
    ///
    /// The first reference at the vendor joins the deliveries that arrived before it was known.
    ///
    /// # Errors
    /// [`Kind::Conflict`] also if the case has another version, or if another case has the same id at the vendor.
    /// [`Kind::InvalidInput`] if the reference is that of another provider.
    pub async fn save(&self, claim: &Claim, case: &mut Case, entries: &[Entry], now: Timestamp) -> Result<(), Error> {
        self.save_all(claim, case, entries, None, now).await
    }

    /// Like [`save`](Self::save), and adds an entry to the deletion ledger in the same transaction, so that a deletion
    /// is recorded once.
    pub async fn save_deletion(
        &self,
        claim: &Claim,
        case: &mut Case,
        deletion: &Deletion,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.save_all(claim, case, &[], Some(deletion), now).await
    }

    async fn save_all(
        &self,
        claim: &Claim,
        case: &mut Case,
        mut entries: &[Entry],
        mut deletion: Option<&Deletion>,
        now: Timestamp,
    ) -> Result<(), Error> {
        loop {
            let vendor = match &case.opened {
                Some(opened) => Some(self.vendor_key(&case.provider, opened).await?),
                None => None,
            };
            let key = self.primary_key(case).await?.ok_or_else(fault::outdated)?;
            let version = case.version + 1;
            let seal_entry = |entry: &Entry| key.seal("entries", &[&micros(now)], &Zeroizing::new(entry.encode()));
            let change = Change {
                version: case.version,
                status: case.status.clone(),
                state: seal_state(&key, version, &case.status, case.opened.as_ref(), &case.data)?,
                vendor: vendor.as_ref().map(|key| key.link),
                entries: entries.iter().map(seal_entry).collect::<Result<_, _>>()?,
                deletion: deletion.map(Deletion::row),
                at: now,
            };
            self.engine.save(claim.lease, change).await?;
            (case.version, case.changed) = (version, case.changed.max(now));
            match vendor {
                // The purge of a case with the same vendor's id has removed the key: the link must be replaced.
                Some(key) if !self.keys.has(key.link).await? => (entries, deletion) = (&[], None),
                Some(_) => {
                    case.vendor_id = case.opened.as_ref().map(|opened| opened.id.clone());
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    }

    async fn vendor_key(&self, provider: &str, opened: &CaseRef) -> Result<CaseKey, Error> {
        if opened.provider != provider {
            return Err(Error::new(Kind::InvalidInput, "the reference at the vendor is that of another provider"));
        }
        loop {
            let key = self.keys.get_or_create(provider, Naming::Vendor, &opened.id).await?;
            if !self.complete_begun_purge(key.link).await? {
                return Ok(key);
            }
        }
    }

    /// The key that encrypts the state and the entries.
    async fn primary_key(&self, case: &Case) -> Result<Option<CaseKey>, Error> {
        match (&case.reference, &case.vendor_id) {
            (Some(reference), _) => self.keys.find(&case.provider, Naming::Reference, reference).await,
            (None, Some(id)) => self.keys.find(&case.provider, Naming::Vendor, id).await,
            (None, None) => Ok(None),
        }
    }

    /// Returns at most `limit` entries of a case in the order in which they were saved.
    pub async fn entries(&self, case: CaseId, after: u64, limit: usize) -> Result<Vec<StoredEntry>, Error> {
        let rows = self.engine.entries(case.0, after, limit).await?;
        let Some(case) = self.case(case).await? else { return Ok(Vec::new()) };
        let key = self.primary_key(&case).await?.ok_or_else(fault::damaged)?;
        let read = |row: EntryRow| {
            let clear = key.open("entries", &[&micros(row.at)], &row.body)?;
            Ok(StoredEntry { id: row.id, at: row.at, entry: Entry::decode(&clear)? })
        };
        rows.into_iter().map(read).collect()
    }

    /// Returns the last entry of each artifact of a case.
    pub async fn artifacts(&self, case: CaseId) -> Result<Vec<Artifact>, Error> {
        let (mut artifacts, mut after) = (Vec::<Artifact>::new(), 0);
        loop {
            let page = self.entries(case, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(artifacts) };
            after = last.id;
            for entry in page {
                let Entry::Artifact(new) = entry.entry else { continue };
                match artifacts.iter_mut().find(|old| old.item == new.item && old.sink == new.sink) {
                    Some(old) => *old = new,
                    None => artifacts.push(new),
                }
            }
        }
    }
}

/// Encrypts the state. It belongs to its version and status.
fn seal_state(
    key: &CaseKey,
    version: u64,
    status: &str,
    opened: Option<&CaseRef>,
    data: &Pii<Vec<u8>>,
) -> Result<Vec<u8>, Error> {
    let opened = match opened {
        Some(CaseRef { provider, id, state: None }) => pack(&[provider.as_bytes(), id.expose().as_bytes()]),
        Some(CaseRef { provider, id, state: Some(state) }) => {
            pack(&[provider.as_bytes(), id.expose().as_bytes(), state.expose().as_bytes()])
        }
        None => Vec::new(),
    };
    let clear = Zeroizing::new(pack(&[&Zeroizing::new(opened), data.expose()]));
    key.seal("cases", &[&version.to_le_bytes(), status.as_bytes()], &clear)
}

fn open_state(key: &CaseKey, row: &CaseRow) -> Result<(Option<CaseRef>, Pii<Vec<u8>>), Error> {
    let clear = key.open("cases", &[&row.version.to_le_bytes(), row.status.as_bytes()], &row.state)?;
    let decode = || {
        let [opened, data] = unpack(&clear)?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let opened = match (opened, unpack(opened), unpack(opened)) {
            ([], ..) => None,
            (_, Some([provider, id]), _) => Some(CaseRef::new(text(provider)?, text(id)?)),
            (_, _, Some([provider, id, state])) => {
                Some(CaseRef::new(text(provider)?, text(id)?).with_state(text(state)?))
            }
            _ => return None,
        };
        Some((opened, data.to_vec().into()))
    };
    decode().ok_or_else(fault::damaged)
}
