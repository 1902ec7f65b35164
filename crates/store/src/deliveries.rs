//! Deliveries: accepted, listed, decrypted.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};

use identkit_core::{Error, Event, Inbox, Secret, WebhookDelivery, async_trait};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::engine::{Arrival, EventRow, Link};
use crate::fault;
use crate::keys::{CaseKey, Naming};
use crate::model::{CaseId, EventId, StoredEvent};
use crate::pack::{micros, pack, unpack};
use crate::store::Store;

impl Store {
    /// Stores a delivery, and returns when it is durable. It joins the case's pending unit of work, or opens one: also if
    /// the store does not know the case. An event without a case is one of the case that has its key as id.
    pub async fn accept(&self, delivery: &WebhookDelivery) -> Result<EventId, Error> {
        let WebhookDelivery { event, received, request, .. } = delivery;
        let encoded = Zeroizing::new(serde_json::to_vec(event).map_err(|_| fault::unreadable_event())?);
        let clear = Zeroizing::new(pack(&[request.expose(), &encoded]));
        let seal = |key: &CaseKey| {
            let body = key.seal("events", &[event.name.as_bytes(), &micros(*received)], &clear)?;
            Ok(Some((event.name.clone(), body)))
        };
        let id = event.case_id.as_ref().unwrap_or(&event.key);
        Ok(EventId(self.arrive(&event.provider, id, *received, seal).await?.1))
    }

    /// Opens a unit of work for a case without a delivery, e.g. because a sweep found a change. Returns the id of the case.
    pub async fn wake(&self, provider: &str, vendor_id: &Secret, now: Timestamp) -> Result<CaseId, Error> {
        Ok(CaseId(self.arrive(provider, vendor_id, now, |_| Ok(None)).await?.0))
    }

    async fn arrive(
        &self,
        provider: &str,
        vendor_id: &Secret,
        at: Timestamp,
        seal: impl Fn(&CaseKey) -> Result<Option<(String, Vec<u8>)>, Error>,
    ) -> Result<(u64, u64), Error> {
        loop {
            let key = self.keys.get_or_create(provider, Naming::Vendor, vendor_id).await?;
            match self.engine.accept(provider, key.link, at, seal(&key)?).await? {
                Arrival::Purging { case } => drop(self.purge(CaseId(case)).await?),
                // Before the row was written, a purge may have removed the case and the key, so the row cannot be read.
                // Only the delivery that has created the case removes it, but others can have joined it meanwhile.
                Arrival::Stored { case, new, .. } if !self.keys.has(key.link).await? => {
                    if new {
                        self.purge(CaseId(case)).await?;
                    }
                }
                Arrival::Stored { case, event, .. } => return Ok((case, event)),
            }
        }
    }

    /// Returns at most `limit` events of all cases in the order of acceptance.
    pub async fn events(&self, after: EventId, limit: usize) -> Result<Vec<StoredEvent>, Error> {
        self.read_events(self.engine.events(None, after.0, limit).await?).await
    }

    /// Returns at most `limit` events of one case in the order of acceptance.
    pub async fn events_of(&self, case: CaseId, after: EventId, limit: usize) -> Result<Vec<StoredEvent>, Error> {
        self.read_events(self.engine.events(Some(case.0), after.0, limit).await?).await
    }

    async fn read_events(&self, rows: Vec<EventRow>) -> Result<Vec<StoredEvent>, Error> {
        let mut keys: HashMap<Link, Option<CaseKey>> = HashMap::new();
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let key = match keys.entry(row.vendor) {
                Occupied(known) => known.into_mut(),
                Vacant(unknown) => unknown.insert(self.keys.get(row.vendor).await?),
            };
            // An event without a key was purged.
            let Some(key) = key else { continue };
            let clear = key.open("events", &[row.name.as_bytes(), &micros(row.received)], &row.body)?;
            let [request, event] = unpack(&clear).ok_or_else(fault::damaged)?;
            let event: Event = serde_json::from_slice(event).map_err(|_| fault::unreadable_event())?;
            let delivery = WebhookDelivery::new(event, row.received).with_request(request.to_vec());
            let (id, case) = (EventId(row.id), CaseId(row.case));
            let idempotency_key = self.keys.event_name(row.vendor, row.id, row.received);
            let EventRow { state, attempts, .. } = row;
            events.push(StoredEvent { id, case, delivery, state, attempts, idempotency_key });
        }
        Ok(events)
    }
}

#[async_trait]
impl Inbox for Store {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        Self::accept(self, &delivery).await.map(drop)
    }
}
