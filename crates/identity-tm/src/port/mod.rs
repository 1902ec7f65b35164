//! The neutral port of this vendor: maps between the vendor's messages and the domain types.

mod evidence;
mod order;
mod state;

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use identkit_core::{
    Advice, CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Cursor, DeletePermit, Delivery, Descriptor,
    Error, Event, Evidence, EvidenceKind, EvidencePlan, Found, IdentityProvider, Kind, NewCase, Opened, Outcome, Pii,
    Purpose, Secret, Window,
};
use identkit_wire::{Callback as _, Dts, Operation as _, doubt_not_found, json};
use jiff::civil::Date;

use self::state::{State, case_of, order_id};
use crate::messages::{IdentDataAnswer, ListedOrder, OrderStatus, StatusEntry};
use crate::operations::DelIdentData;
use crate::{Finality, IdentityTm, OrderCallback, OrderFlavor, OrderId, PROVIDER, StatusKind, VideoReady};

static DESCRIPTOR: Descriptor = Descriptor::new(
    PROVIDER,
    "identity Trust Management Customer Services API 2.10c",
    &[
        Capability::Open,
        Capability::Sign,
        Capability::Status,
        Capability::Judge,
        Capability::Find,
        Capability::Evidence,
        Capability::RequestEvidence,
        Capability::Cancel,
        Capability::Delete,
        Capability::Changes,
        Capability::Webhook,
        Capability::Redirect,
    ],
    // [T 3.10]: 7 days after fulfillment.
    Duration::from_secs(7 * 86_400),
);

impl IdentityTm {
    /// Reads all status codes of a case, never the general ones only (AT-13), and judges them.
    async fn verdict(&self, case: &CaseRef, options: &CallOptions) -> Result<(Finality, OrderStatus), Error> {
        let id = order_id(case)?;
        let status = self.status(&id, options).await.map_err(doubt_not_found)?.value;
        Ok((status.finality(State::read(case)?.flavor), status))
    }
}

/// Maps a verdict and its status entries, oldest first, to the port.
fn case_status(finality: &Finality, timeline: &[&StatusEntry]) -> CaseStatus {
    let since = timeline
        .iter()
        .filter(|entry| entry.kind.is_some_and(|kind| finality.because.contains(&kind)))
        .find_map(|entry| entry.time.as_ref().and_then(Dts::timestamp));
    let vendor_codes = timeline.iter().filter_map(|entry| entry.kind).map(|kind| kind.0.to_string()).collect();
    let mut status = CaseStatus::new(finality.outcome, vendor_codes);
    status.since = since;
    status
}

/// Maps an order of a window. Its earlier statuses and its flavor are not known here: unless the codes end an order of
/// any flavor, the outcome is unknown (AT-14).
fn changed_case(order: ListedOrder) -> Option<(Secret, CaseStatus)> {
    let mut finality = order.finality(OrderFlavor::Unknown);
    let id = order.order_id.filter(|id| !id.expose().is_empty())?;
    let mut status = OrderStatus::default();
    status.status = order.status;
    if !finality.is_final() && finality.outcome != Outcome::Unclear {
        finality.outcome = Outcome::Unknown;
    }
    Some((Secret::new(id.expose()), case_status(&finality, &status.timeline())))
}

/// Whether an order of a list has this reference; `None` if that is not known, because the element is missing.
fn has_reference(order: &ListedOrder, reference: &str) -> Option<bool> {
    Some(order.reference.as_ref()?.expose() == reference)
}

#[async_trait]
impl IdentityProvider for IdentityTm {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let placed = self.put_order(&order::new_order(case, self.dialect())?, options).await?.value;
        Ok(Opened::new(placed.case_ref(), placed.answer.target_url))
    }

    /// An order without the element `Ref` counts as unreadable, one with an empty `Ref` has none.
    async fn find(
        &self,
        reference: &str,
        purpose: Purpose,
        window: Window,
        options: &CallOptions,
    ) -> Result<Found, Error> {
        let invalid = |detail: &'static str| Error::new(Kind::InvalidInput, detail).with_delivery(Delivery::NotSent);
        if reference.is_empty() {
            return Err(invalid("the reference is empty: every order without one would be found"));
        }
        if window.end < window.begin {
            return Err(invalid("the window ends before it begins"));
        }
        let mut feed = self.status_pages(window, options);
        let mut found = Found::default();
        let (mut matches, mut unreadable) = (HashSet::new(), HashSet::new());
        while let Some(orders) = feed.next().await? {
            for order in orders {
                let id = order.order_id.as_ref().map_or("", OrderId::expose).to_owned();
                match has_reference(&order, reference) {
                    Some(false) => {}
                    Some(true) if !id.is_empty() => {
                        if matches.insert(id.clone()) {
                            found.cases.push(case_of(&OrderId::new(id), purpose)?);
                        }
                    }
                    // Without an id, entries cannot be told apart.
                    _ if id.is_empty() => found.unreadable += 1,
                    _ => {
                        unreadable.insert(id);
                    }
                }
            }
        }
        // Another entry of the same order may contain the reference.
        found.unreadable += unreadable.difference(&matches).count();
        Ok(found)
    }

    fn adopt(&self, id: &str, purpose: Purpose) -> Result<CaseRef, Error> {
        // A URL cannot address the other two.
        if matches!(id.trim(), "" | "." | "..") {
            let detail = "not an order id: it must not be empty, `.` or `..`; any other text may be one (AT-22)";
            return Err(Error::new(Kind::InvalidInput, detail));
        }
        case_of(&OrderId::new(id), purpose)
    }

    fn expected_state(&self, case: &NewCase) -> Option<Secret> {
        order::new_order(case, self.dialect()).ok().map(|order| order.case_state())
    }

    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        let (finality, status) = self.verdict(case, options).await?;
        Ok(case_status(&finality, &status.timeline()).with_reference(status.reference.as_ref()))
    }

    async fn evidence_plan(&self, case: &CaseRef, options: &CallOptions) -> Result<EvidencePlan, Error> {
        Ok(self.planned(case, options).await?.1)
    }

    async fn planned(&self, case: &CaseRef, options: &CallOptions) -> Result<(CaseStatus, EvidencePlan), Error> {
        let (finality, status) = self.verdict(case, options).await?;
        let plan = evidence::plan(&finality, &status, &State::read(case)?)?;
        Ok((case_status(&finality, &status.timeline()).with_reference(status.reference.as_ref()), plan))
    }

    async fn evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        let (id, ordered) = (order_id(case)?, State::read(case)?.ordered);
        let pieces = evidence::read(self, &id, kind, options).await.map_err(doubt_not_found)?;
        ordered.check(kind, pieces.iter().map(|piece| &piece.item))?;
        Ok(pieces)
    }

    async fn request_evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        callback: &Secret,
        options: &CallOptions,
    ) -> Result<(), Error> {
        let id = order_id(case)?;
        if kind != EvidenceKind::Video {
            let detail = "the vendor prepares recordings of the video only; read other evidence with `evidence`";
            return Err(Error::new(Kind::InvalidInput, detail).with_delivery(Delivery::NotSent));
        }
        self.request_video(&id, callback, options).await.map(drop)
    }

    async fn evidence_after(
        &self,
        case: &CaseRef,
        event: &Event,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        let id = order_id(case)?;
        let Ok(ready) = VideoReady::from_event(event) else { return Ok(Vec::new()) };
        if *ready.order_id() != id {
            let detail = "the event announces the recording of another case";
            return Err(Error::new(Kind::InvalidInput, detail).with_delivery(Delivery::NotSent));
        }
        evidence::video(self, &ready, options).await.map_err(doubt_not_found)
    }

    fn announces_end(&self, event: &Event) -> bool {
        event.provider == PROVIDER && event.name == OrderCallback::OnFinal.name()
    }

    fn document_expires(&self, ident_data: &[u8]) -> Option<Date> {
        let (answer, _) = json::read_answer::<IdentDataAnswer>(ident_data).ok()?;
        answer.checked()?.card_valid_until()?.expose().parse().ok()
    }

    fn stated_reference(&self, ident_data: &[u8]) -> Option<Pii<String>> {
        let (answer, _) = json::read_answer::<IdentDataAnswer>(ident_data).ok()?;
        answer.reference.filter(|reference| !reference.expose().is_empty())
    }

    /// An identification by video has statuses that reuse does not have (AT-72).
    fn was_identified_again(&self, status: &CaseStatus) -> Option<bool> {
        const VIDEO: [StatusKind; 3] = [StatusKind::VIDEO_CONDUCTED, StatusKind::VIDEO_WAITING, StatusKind::VIDEO_CALL];
        Some(VIDEO.iter().any(|kind| status.vendor_codes.contains(&kind.0.to_string())))
    }

    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error> {
        self.cancel_order(&order_id(case)?, options).await.map(drop)
    }

    async fn delete(&self, case: &CaseRef, _: &DeletePermit, options: &CallOptions) -> Result<(), Error> {
        let deleted = self.delete_ident_data(&order_id(case)?, options).await.map_err(doubt_not_found)?;
        if DelIdentData::META.expect.contains(&deleted.status.as_u16()) {
            return Ok(());
        }
        let detail = "the response has another success status than the documented one: only reads show whether the data \
                      is deleted";
        let error = Error::new(Kind::OutcomeUnknown, detail).with_status(deleted.status.as_u16());
        Err(error
            .with_operation(DelIdentData::META.name)
            .with_delivery(Delivery::Answered)
            .with_advice(Advice::Reconcile))
    }

    async fn changes(
        &self,
        window: Window,
        after: Option<&Cursor>,
        options: &CallOptions,
    ) -> Result<ChangesPage, Error> {
        let mut feed = match after {
            None => self.status_pages(window, options),
            Some(Cursor(position)) => self.status_pages_from(window, position, options)?,
        };
        let Some(orders) = feed.next().await? else { return Ok(ChangesPage::default()) };
        let unreadable = orders.iter().filter(|order| !order.is_whole()).count();
        // Without an id an order cannot be read again.
        let cases = orders.into_iter().filter_map(changed_case).collect();
        Ok(ChangesPage::new(cases, feed.position()?.map(Cursor)).with_unreadable(unreadable))
    }
}
