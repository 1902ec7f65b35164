//! Deliveries: accepted, listed, decrypted.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::sync::Arc;

use identkit_core::{Error, Event, Inbox, Kind, Secret, WebhookDelivery, async_trait};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::engine::{Arrival, EventRow, Link, SealedRow, Sealer};
use crate::fault;
use crate::keys::{CaseKey, KeyName, Naming};
use crate::model::{CaseId, EventId, EventPage, StoredEvent, UnreadableEvent};
use crate::pack::{micros, pack, unpack};
use crate::store::Store;

/// What arrives for a case. It is encrypted in the transaction that stores it.
struct Arriving {
    name: KeyName,
    received: Timestamp,
    /// The vendor's name of the event, and the request with the event. Nothing has arrived if only work is opened.
    delivery: Option<(String, Zeroizing<Vec<u8>>)>,
}

impl Sealer for Arriving {
    fn create_key(&self) -> Result<Vec<u8>, Error> {
        self.name.create_value()
    }

    fn seal(&self, key: &[u8]) -> Result<SealedRow, Error> {
        let key = self.name.read(key)?;
        let event = match &self.delivery {
            Some((name, clear)) => {
                let body = key.seal("events", &[name.as_bytes(), &micros(self.received)], clear)?;
                Some((name.clone(), body))
            }
            None => None,
        };
        Ok(SealedRow { vendor: key.link, event })
    }
}

/// Encodes a request and its event. The payload is usually the end of the request: then its length is stored instead, and it
/// is taken out of the event.
fn encode(event: &mut Event, request: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let payload = event.payload.take_if(|payload| request.ends_with(payload.expose().as_bytes()));
    let encoded = Zeroizing::new(serde_json::to_vec(event).map_err(|_| fault::unreadable_event())?);
    Ok(Zeroizing::new(match payload {
        Some(payload) => pack(&[request, &encoded, &(payload.expose().len() as u64).to_le_bytes()]),
        None => pack(&[request, &encoded]),
    }))
}

/// Decodes what [`encode`] returned: the event and the request.
fn decode(clear: &[u8]) -> Result<(Event, &[u8]), Error> {
    let read = |event| serde_json::from_slice::<Event>(event).map_err(|_| fault::unreadable_event());
    let Some([request, event, length]) = unpack(clear) else {
        let [request, event] = unpack(clear).ok_or_else(fault::damaged)?;
        return Ok((read(event)?, request));
    };
    let payload = || {
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let (_, payload) = request.split_at_checked(request.len().checked_sub(length)?)?;
        std::str::from_utf8(payload).ok()
    };
    let mut event = read(event)?;
    event.payload = Some(payload().ok_or_else(fault::damaged)?.into());
    Ok((event, request))
}

impl Store {
    /// Stores a delivery, and returns when it is durable. It joins the case's pending unit of work, or opens one: also if
    /// the store does not know the case. An event without a case is one of the case that has its key as id.
    pub async fn accept(&self, delivery: &WebhookDelivery) -> Result<EventId, Error> {
        self.accept_owned(delivery.clone()).await
    }

    async fn accept_owned(&self, delivery: WebhookDelivery) -> Result<EventId, Error> {
        let WebhookDelivery { mut event, received, request, .. } = delivery;
        let clear = encode(&mut event, request.expose())?;
        let id = event.case_id.as_ref().unwrap_or(&event.key);
        Ok(EventId(self.arrive(&event.provider, id, received, Some((event.name, clear))).await?.1))
    }

    /// Opens a unit of work for a case without a delivery, e.g. because a sweep found a change. Returns the id of the case.
    pub async fn wake(&self, provider: &str, vendor_id: &Secret, now: Timestamp) -> Result<CaseId, Error> {
        Ok(CaseId(self.arrive(provider, vendor_id, now, None).await?.0))
    }

    // What is stored here can be read: the engine reads the key in the transaction that writes the row.
    //
    // Let L be the link of the key that the transaction T reads. Only a purge removes that key: of a case that has L, or
    // by `remove_unused_keys`, which creates a case that has L. A purge marks its case, removes the key and then the row of
    // the case, each step in a transaction that ends before the next one begins.
    //
    // - The key was removed before T reads: T finds no key, or a later one with another link, which no step of
    //   this purge can remove, because a key is removed by name and value, and a case by its id.
    // - The case was marked before T reads, but the key was not removed: while T runs, the row of the case is there. On
    //   SQLite and in memory, because T has the lock that each write of a case needs; on PostgreSQL, because the row is removed
    //   after the key, which needs the lock of T. The row has L and the mark, so T stores nothing. The purge is completed
    //   here, and the next turn creates another key.
    // - The case is marked while T runs, which only PostgreSQL allows: before T writes the row of the case, T finds the
    //   mark, as above. Afterwards, the mark waits for T: see the next point.
    // - The case is marked after T: the purge removes the delivery with its case. It was accepted before.
    //
    // `save` can give a case the link of a key that was removed meanwhile. It then replaces the link. An arrival in between
    // finds no key and creates one, with a case of its own, which `save` merges. A restored backup of the data can have
    // cases whose keys were removed: an arrival creates another key and another case. A process that stops between
    // the commits of key and row leaves a key that nothing uses, and has acknowledged nothing.
    async fn arrive(
        &self,
        provider: &str,
        vendor_id: &Secret,
        at: Timestamp,
        delivery: Option<(String, Zeroizing<Vec<u8>>)>,
    ) -> Result<(u64, u64), Error> {
        let name = self.keys.name(provider, Naming::Vendor, vendor_id);
        let key = name.bytes;
        let arriving = Arc::new(Arriving { name, received: at, delivery });
        loop {
            match self.engine.accept(provider, &key, at, Arc::clone(&arriving) as Arc<dyn Sealer>).await? {
                Arrival::Purging { case } => drop(self.purge(CaseId(case)).await?),
                Arrival::Stored { case, event } => return Ok((case, event)),
            }
        }
    }

    /// Returns at most `limit` events of all cases in the order of acceptance. Fails if one of them cannot be read:
    /// [`event_page`](Self::event_page) returns the others.
    pub async fn events(&self, after: EventId, limit: usize) -> Result<Vec<StoredEvent>, Error> {
        self.event_page(after, limit).await?.complete()
    }

    /// Returns at most `limit` events of one case in the order of acceptance. Fails if one of them cannot be read:
    /// [`event_page_of`](Self::event_page_of) returns the others.
    pub async fn events_of(&self, case: CaseId, after: EventId, limit: usize) -> Result<Vec<StoredEvent>, Error> {
        self.event_page_of(case, after, limit).await?.complete()
    }

    /// Returns at most `limit` events of all cases in the order of acceptance, and names those that cannot be read.
    pub async fn event_page(&self, after: EventId, limit: usize) -> Result<EventPage, Error> {
        self.read_events(self.engine.events(None, after.0, limit).await?).await
    }

    /// Returns at most `limit` events of one case in the order of acceptance, and names those that cannot be read.
    pub async fn event_page_of(&self, case: CaseId, after: EventId, limit: usize) -> Result<EventPage, Error> {
        self.read_events(self.engine.events(Some(case.0), after.0, limit).await?).await
    }

    async fn read_events(&self, rows: Vec<EventRow>) -> Result<EventPage, Error> {
        let mut keys: HashMap<Link, Option<CaseKey>> = HashMap::new();
        let mut page = EventPage { last: rows.last().map(|row| EventId(row.id)), ..EventPage::default() };
        for row in rows {
            let key = match keys.entry(row.vendor) {
                Occupied(known) => Ok(&*known.into_mut()),
                Vacant(unknown) => match self.keys.get(row.vendor).await {
                    Ok(key) => Ok(&*unknown.insert(key)),
                    // If the store failed, the same events can be read later.
                    Err(error) if error.kind() != Kind::Integrity => return Err(error),
                    Err(error) => Err(error),
                },
            };
            let (id, case, state) = (EventId(row.id), CaseId(row.case), row.state);
            match key.and_then(|key| key.as_ref().map(|key| self.read_event(row, key)).transpose()) {
                Ok(Some(event)) => page.events.push(event),
                // An event without a key was purged.
                Ok(None) => {}
                Err(error) => page.unreadable.push(UnreadableEvent { id, case, state, error }),
            }
        }
        Ok(page)
    }

    fn read_event(&self, row: EventRow, key: &CaseKey) -> Result<StoredEvent, Error> {
        let clear = key.open("events", &[row.name.as_bytes(), &micros(row.received)], &row.body)?;
        let (event, request) = decode(&clear)?;
        let delivery = WebhookDelivery::new(event, row.received).with_request(request.to_vec());
        let (id, case) = (EventId(row.id), CaseId(row.case));
        let idempotency_key = self.keys.event_name(row.vendor, row.id, row.received);
        let EventRow { state, attempts, .. } = row;
        Ok(StoredEvent { id, case, delivery, state, attempts, idempotency_key })
    }
}

impl EventPage {
    /// The events, if all can be read.
    fn complete(self) -> Result<Vec<StoredEvent>, Error> {
        match self.unreadable.into_iter().next() {
            Some(unreadable) => Err(unreadable.error),
            None => Ok(self.events),
        }
    }
}

#[async_trait]
impl Inbox for Store {
    async fn accept(&self, delivery: WebhookDelivery) -> Result<(), Error> {
        self.accept_owned(delivery).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_stored_once_and_read_as_it_was() {
        let mut event = Event::new("identify24", "status", "key");
        for (payload, request, shorter) in [
            (Some("{\"name\":\"Mustermann\"}"), "POST /\r\n\r\n{\"name\":\"Mustermann\"}", true),
            (Some("a form"), "POST /\r\n\r\na+form", false),
            (Some("longer than the request"), "request", false),
            (Some(""), "POST /\r\n\r\n", false),
            (None, "POST /\r\n\r\n", false),
        ] {
            event.payload = payload.map(Into::into);
            let plain = pack(&[request.as_bytes(), &serde_json::to_vec(&event).unwrap()]);
            let clear = encode(&mut event.clone(), request.as_bytes()).unwrap();
            assert_eq!(clear.len() < plain.len(), shorter, "{request}");
            // Also as an earlier release has written it.
            for clear in [&clear, &plain] {
                assert_eq!(decode(clear).unwrap(), (event.clone(), request.as_bytes()));
            }
        }
        let event = serde_json::to_vec(&Event::new("identify24", "status", "key")).unwrap();
        for length in [8_u64, u64::MAX] {
            assert!(decode(&pack(&[b"request", &event, &length.to_le_bytes()])).is_err());
        }
    }
}
