//! The engine in memory, for tests. It is lost with the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use identkit_core::Error;
use jiff::Timestamp;

use crate::engine::{
    Arrival, CaseRow, Change, Engine, EntryRow, EventRow, EventState, Finish, Held, Lease, Link, NewCaseRow,
    RecordKind, RecordRow, SealedRow, Sealer, TokenRow,
};
use crate::fault;

/// An [`Engine`] in memory, for tests. It is lost with the process.
#[derive(Default)]
pub struct Memory {
    tables: Mutex<Tables>,
    /// What another process does just before the next operation that creates, binds or purges a case.
    #[cfg(test)]
    pub(crate) interference: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

#[derive(Default)]
struct Tables {
    last_id: u64,
    keys: BTreeMap<Vec<u8>, Vec<u8>>,
    cases: BTreeMap<u64, CaseRow>,
    events: BTreeMap<u64, EventRow>,
    /// By case and entry.
    entries: BTreeMap<(u64, u64), EntryRow>,
    values: BTreeMap<String, Vec<u8>>,
    records: BTreeMap<(RecordKind, u64), RecordRow>,
    tokens: BTreeMap<[u8; 32], TokenRow>,
}

impl Memory {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tables for an operation that can meet a purge.
    fn contested(&self) -> MutexGuard<'_, Tables> {
        #[cfg(test)]
        {
            // The lock must be free: what another process does is contested, too.
            let interfere = self.interference.lock().unwrap().take();
            interfere.into_iter().for_each(|interfere| interfere());
        }
        self.tables()
    }
}

impl Tables {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn find(&self, link: Link) -> Option<u64> {
        let named = |case: &&CaseRow| case.vendor == Some(link) || case.reference == Some(link);
        self.cases.values().find(named).map(|case| case.id)
    }

    fn add_case(&mut self, provider: &str, at: Timestamp) -> &mut CaseRow {
        let id = self.next_id();
        let row = CaseRow {
            id,
            provider: provider.to_owned(),
            reference: None,
            vendor: None,
            status: String::new(),
            state: Vec::new(),
            version: 0,
            created: at,
            changed: at,
            pending: false,
            due: at,
            claimed: false,
            fence: 0,
            beat: 0,
            attempts: 0,
            dead: None,
            purging: false,
        };
        self.cases.entry(id).or_insert(row)
    }

    fn add_record(&mut self, kind: RecordKind, record: RecordRow) -> u64 {
        let id = self.next_id();
        self.records.insert((kind, id), RecordRow { id, ..record });
        id
    }

    /// The case, if the lease is that of its present claim.
    fn leased(&mut self, lease: Lease) -> Result<&mut CaseRow, Error> {
        let case = self.cases.get_mut(&lease.case).filter(|case| case.claimed && case.fence == lease.fence);
        case.ok_or_else(fault::outdated)
    }

    fn move_events(&mut self, case: u64, from: &[EventState], to: EventState) {
        for event in self.events.values_mut().filter(|event| event.case == case && from.contains(&event.state)) {
            event.state = to;
        }
    }

    fn claim(&mut self, case: u64) -> Option<(Lease, u64)> {
        self.cases.get_mut(&case)?.pending = false;
        self.move_events(case, &[EventState::Pending], EventState::Claimed);
        self.begin_attempt(case)
    }

    fn begin_attempt(&mut self, case: u64) -> Option<(Lease, u64)> {
        let row = self.cases.get_mut(&case)?;
        (row.claimed, row.fence, row.beat, row.attempts, row.dead) = (true, row.fence + 1, 0, row.attempts + 1, None);
        let attempts = row.attempts;
        let lease = Lease { case, fence: row.fence };
        for event in self.events.values_mut().filter(|event| event.case == case && event.state == EventState::Claimed) {
            event.attempts = attempts;
        }
        Some((lease, attempts))
    }
}

fn is_selected(providers: Option<&[String]>, provider: &str) -> bool {
    providers.is_none_or(|names| names.iter().any(|name| name == provider))
}

impl CaseRow {
    /// Opens a unit, or joins the pending one. It is due at the earlier of both times.
    fn open_unit(&mut self, due: Timestamp) {
        self.due = if self.pending { self.due.min(due) } else { due };
        self.pending = true;
    }
}

#[async_trait]
impl Engine for Memory {
    async fn key(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.tables().keys.get(name).cloned())
    }

    async fn add_key(&self, name: &[u8], value: Vec<u8>) -> Result<Vec<u8>, Error> {
        Ok(self.tables().keys.entry(name.to_vec()).or_insert(value).clone())
    }

    async fn remove_key(&self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        let mut tables = self.tables();
        if tables.keys.get(name).is_some_and(|stored| stored == value) {
            tables.keys.remove(name);
        }
        Ok(())
    }

    async fn keys(&self, after: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
        let tables = self.tables();
        let later = tables.keys.iter().filter(|(name, _)| name.as_slice() > after);
        Ok(later.take(limit).map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    async fn accept(
        &self,
        provider: &str,
        key: &[u8],
        at: Timestamp,
        sealer: Arc<dyn Sealer>,
    ) -> Result<Arrival, Error> {
        let mut tables = self.contested();
        let value = match tables.keys.get(key) {
            Some(value) => value.clone(),
            None => sealer.create_key()?,
        };
        let SealedRow { vendor, event } = sealer.seal(&value)?;
        tables.keys.insert(key.to_vec(), value);
        let row = match tables.find(vendor).and_then(|id| tables.cases.get_mut(&id)) {
            Some(row) if row.purging => return Ok(Arrival::Purging { case: row.id }),
            Some(row) => row,
            None => tables.add_case(provider, at),
        };
        row.vendor = Some(vendor);
        row.changed = row.changed.max(at);
        row.open_unit(at);
        let case = row.id;
        let Some((name, body)) = event else { return Ok(Arrival::Stored { case, event: 0 }) };
        let id = tables.next_id();
        let (provider, state) = (provider.to_owned(), EventState::Pending);
        let row = EventRow { id, case, provider, vendor, name, received: at, state, attempts: 0, body };
        tables.events.insert(id, row);
        Ok(Arrival::Stored { case, event: id })
    }

    async fn events(&self, case: Option<u64>, after: u64, limit: usize) -> Result<Vec<EventRow>, Error> {
        let tables = self.tables();
        let later = tables.events.range(after.saturating_add(1)..).map(|(_, event)| event);
        Ok(later.filter(|event| case.is_none_or(|case| event.case == case)).take(limit).cloned().collect())
    }

    async fn create(&self, new: NewCaseRow) -> Result<Option<Lease>, Error> {
        let mut tables = self.contested();
        if tables.find(new.reference).is_some() {
            return Ok(None);
        }
        let row = tables.add_case(&new.provider, new.at);
        (row.reference, row.status, row.state, row.version) = (Some(new.reference), new.status, new.state, 1);
        (row.claimed, row.fence, row.attempts) = (true, 1, 1);
        Ok(Some(Lease { case: row.id, fence: 1 }))
    }

    async fn case(&self, id: u64) -> Result<Option<CaseRow>, Error> {
        Ok(self.tables().cases.get(&id).cloned())
    }

    async fn find(&self, link: Link) -> Result<Option<u64>, Error> {
        Ok(self.tables().find(link))
    }

    async fn cases(&self, status: Option<&str>, after: u64, limit: usize) -> Result<Vec<CaseRow>, Error> {
        let tables = self.tables();
        let later = tables.cases.range(after.saturating_add(1)..).map(|(_, case)| case);
        let selected = later.filter(|case| status.is_none_or(|status| case.status == status));
        Ok(selected.take(limit).cloned().collect())
    }

    async fn expired(&self, status: Option<&str>, before: Timestamp, limit: usize) -> Result<Vec<u64>, Error> {
        let tables = self.tables();
        let expired = |case: &&CaseRow| {
            let idle = !case.pending && !case.claimed;
            case.purging || (idle && case.changed < before && status.is_none_or(|status| case.status == status))
        };
        Ok(tables.cases.values().filter(expired).take(limit).map(|case| case.id).collect())
    }

    async fn save(&self, lease: Lease, change: Change) -> Result<(), Error> {
        let mut tables = self.contested();
        if tables.leased(lease)?.version != change.version {
            return Err(fault::changed());
        }
        let other = change.vendor.and_then(|vendor| tables.find(vendor)).filter(|other| *other != lease.case);
        let merged = match other.and_then(|id| tables.cases.get(&id)) {
            Some(other) if other.version > 0 || other.purging => return Err(fault::taken()),
            Some(other) => Some((other.id, other.pending || other.claimed, other.due)),
            None => None,
        };
        if let Some((other, ..)) = merged {
            tables.cases.remove(&other);
            tables.move_events(other, &[EventState::Claimed], EventState::Pending);
            for event in tables.events.values_mut().filter(|event| event.case == other) {
                event.case = lease.case;
            }
        }
        let row = tables.leased(lease)?;
        (row.status, row.state, row.version) = (change.status, change.state, row.version + 1);
        row.changed = row.changed.max(change.at);
        row.vendor = change.vendor.or(row.vendor);
        if let Some((_, true, due)) = merged {
            row.open_unit(due);
        }
        for body in change.entries {
            let id = tables.next_id();
            tables.entries.insert((lease.case, id), EntryRow { id, at: change.at, body });
        }
        if let Some(record) = change.deletion {
            tables.add_record(RecordKind::Deletion, record);
        }
        Ok(())
    }

    async fn entries(&self, case: u64, after: u64, limit: usize) -> Result<Vec<EntryRow>, Error> {
        let tables = self.tables();
        let range = tables.entries.range((case, after.saturating_add(1))..=(case, u64::MAX));
        Ok(range.take(limit).map(|(_, entry)| entry.clone()).collect())
    }

    async fn begin_purge(&self, case: u64, idle: bool) -> Result<Option<CaseRow>, Error> {
        let mut tables = self.contested();
        let may = |case: &&mut CaseRow| !idle || case.purging || !(case.pending || case.claimed);
        Ok(tables.cases.get_mut(&case).filter(may).map(|case| {
            (case.purging, case.pending, case.claimed) = (true, false, false);
            case.clone()
        }))
    }

    async fn begin_purge_of_unused(&self, link: Link) -> Result<Option<u64>, Error> {
        let mut tables = self.contested();
        if tables.find(link).is_some() {
            return Ok(None);
        }
        let row = tables.add_case("", Timestamp::UNIX_EPOCH);
        (row.vendor, row.reference, row.purging) = (Some(link), Some(link), true);
        Ok(Some(row.id))
    }

    async fn remove(&self, case: u64) -> Result<(), Error> {
        let mut tables = self.tables();
        tables.events.retain(|_, event| event.case != case);
        tables.entries.retain(|(of, _), _| *of != case);
        tables.tokens.retain(|_, token| token.case != Some(case));
        tables.cases.remove(&case);
        Ok(())
    }

    async fn claim(
        &self,
        limit: usize,
        now: Timestamp,
        latest: Option<Timestamp>,
        providers: Option<&[String]>,
    ) -> Result<Vec<(Lease, u64)>, Error> {
        let mut tables = self.tables();
        let is_due = |due: Timestamp| due <= now || latest.is_some_and(|latest| due > latest);
        let due = |case: &&mut CaseRow| {
            case.pending && !case.claimed && is_due(case.due) && is_selected(providers, &case.provider)
        };
        let mut cases: Vec<_> = tables.cases.values_mut().filter(due).collect();
        cases.sort_by_key(|case| (case.due, case.id));
        cases.truncate(limit);
        let ids: Vec<u64> = cases.iter().map(|case| case.id).collect();
        Ok(ids.into_iter().filter_map(|id| tables.claim(id)).collect())
    }

    async fn claim_case(&self, case: u64) -> Result<Option<(Lease, u64)>, Error> {
        let mut tables = self.tables();
        let free = tables.cases.get(&case).is_some_and(|case| !case.claimed && !case.purging);
        Ok(if free { tables.claim(case) } else { None })
    }

    async fn claimed(&self, after: u64, limit: usize, providers: Option<&[String]>) -> Result<Vec<Held>, Error> {
        let tables = self.tables();
        let selected = |case: &&CaseRow| case.claimed && is_selected(providers, &case.provider);
        let later = tables.cases.range(after.saturating_add(1)..).map(|(_, case)| case).filter(selected);
        Ok(later.take(limit).map(|case| Held { case: case.id, fence: case.fence, beat: case.beat }).collect())
    }

    async fn take_over(&self, held: Held) -> Result<Option<(Lease, u64)>, Error> {
        let mut tables = self.tables();
        match tables.leased(Lease { case: held.case, fence: held.fence }) {
            Ok(case) if case.beat == held.beat => Ok(tables.begin_attempt(held.case)),
            _ => Ok(None),
        }
    }

    async fn renew(&self, lease: Lease) -> Result<(), Error> {
        self.tables().leased(lease)?.beat += 1;
        Ok(())
    }

    async fn finish(&self, lease: Lease, end: Finish) -> Result<(), Error> {
        let mut tables = self.tables();
        let row = tables.leased(lease)?;
        row.claimed = false;
        let (state, due) = match end {
            Finish::Done => (EventState::Done, None),
            Finish::Wait { due } => (EventState::Done, Some(due)),
            Finish::Retry { due } => (EventState::Pending, Some(due)),
            Finish::Dead { reason } => {
                row.dead = Some(reason);
                (EventState::Dead, None)
            }
        };
        if state != EventState::Pending {
            row.attempts = 0;
        }
        if let Some(due) = due {
            row.open_unit(due);
        }
        tables.move_events(lease.case, &[EventState::Claimed], state);
        Ok(())
    }

    async fn replay(&self, case: u64, now: Timestamp) -> Result<bool, Error> {
        let mut tables = self.tables();
        let Some(row) = tables.cases.get_mut(&case).filter(|row| !row.purging) else { return Ok(false) };
        row.open_unit(now);
        tables.move_events(case, &[EventState::Done, EventState::Dead], EventState::Pending);
        Ok(true)
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.tables().values.get(name).cloned())
    }

    async fn swap_value(&self, name: &str, expected: Option<Vec<u8>>, new: Vec<u8>) -> Result<bool, Error> {
        let mut tables = self.tables();
        let same = tables.values.get(name) == expected.as_ref();
        if same {
            tables.values.insert(name.to_owned(), new);
        }
        Ok(same)
    }

    async fn add_token(&self, token: TokenRow, lease: Option<Lease>) -> Result<(), Error> {
        let mut tables = self.tables();
        let case = lease.map(|lease| tables.leased(lease).map(|case| case.id)).transpose()?;
        tables.tokens.entry(token.hash).or_insert(TokenRow { case, ..token });
        Ok(())
    }

    async fn token(&self, hash: [u8; 32]) -> Result<Option<TokenRow>, Error> {
        Ok(self.tables().tokens.get(&hash).cloned())
    }

    async fn replace_tokens(&self, tokens: Vec<TokenRow>, expires: Timestamp) -> Result<(), Error> {
        let mut tables = self.tables();
        let is_replaced = |token: &&mut TokenRow| {
            let is_of_event = |new: &TokenRow| new.provider == token.provider && new.event == token.event;
            token.case.is_none() && tokens.iter().any(is_of_event) && tokens.iter().all(|new| new.hash != token.hash)
        };
        for token in tables.tokens.values_mut().filter(is_replaced) {
            token.expires = Some(token.expires.map_or(expires, |before| before.min(expires)));
        }
        for token in tokens {
            tables.tokens.entry(token.hash).or_insert(token);
        }
        Ok(())
    }

    async fn remove_expired_tokens(&self, now: Timestamp) -> Result<u64, Error> {
        let tokens = &mut self.tables().tokens;
        let before = tokens.len();
        tokens.retain(|_, token| token.expires.is_none_or(|expires| expires > now));
        Ok((before - tokens.len()) as u64)
    }

    async fn add_record(&self, kind: RecordKind, record: RecordRow) -> Result<u64, Error> {
        Ok(self.tables().add_record(kind, record))
    }

    async fn records(&self, kind: RecordKind, after: u64, limit: usize) -> Result<Vec<RecordRow>, Error> {
        let tables = self.tables();
        let range = tables.records.range((kind, after.saturating_add(1))..=(kind, u64::MAX));
        Ok(range.take(limit).map(|(_, record)| record.clone()).collect())
    }

    async fn remove_record(&self, kind: RecordKind, id: u64) -> Result<(), Error> {
        self.tables().records.remove(&(kind, id));
        Ok(())
    }
}
