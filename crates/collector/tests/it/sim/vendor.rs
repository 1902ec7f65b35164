//! A made-up vendor whose calls can be interrupted and can fail.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use identkit_core::{
    CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Clock, Content, Cursor, DeletePermit, Delivery,
    Descriptor, Error, Event, Evidence, EvidenceKind, EvidencePlan, Found, IdentityProvider, Kind, NewCase, Opened,
    Outcome, Pii, Purpose, Secret, Window,
};
use jiff::Timestamp;
use jiff::civil::Date;

use super::clock::SimClock;
use super::sink::Files;
use super::{Fuse, PROVIDER};

static DESCRIPTOR: Descriptor = Descriptor::new(
    PROVIDER,
    "a simulation",
    &[
        Capability::Open,
        Capability::Status,
        Capability::Judge,
        Capability::Find,
        Capability::Evidence,
        Capability::RequestEvidence,
        Capability::Cancel,
        Capability::Delete,
        Capability::Changes,
        Capability::Webhook,
    ],
    Duration::from_secs(7 * 86_400),
);

/// What the vendor does with a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reaction {
    #[default]
    Answer,
    /// The connection fails before the request is sent.
    Refuse,
    /// The request is executed, and the response is lost.
    Lose,
    /// The request is not executed, and the response is lost.
    Drop,
    /// The request is not executed, and the response is a 404.
    Miss,
}

#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) reference: String,
    pub(crate) outcome: Outcome,
    pub(crate) changed: Timestamp,
    pub(crate) recording_requests: usize,
    pub(crate) deleted: bool,
}

/// The reaction to a call, by its number.
pub(crate) type Chaos = Box<dyn Fn(usize) -> Reaction + Send>;

/// The vendor's state, which all processes share.
#[derive(Default)]
pub(crate) struct VendorState {
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) creates: usize,
    pub(crate) deletions: usize,
    /// Names of all calls that were executed.
    pub(crate) log: Vec<&'static str>,
    /// Reactions to the next calls with this name.
    pub(crate) reactions: BTreeMap<&'static str, Vec<Reaction>>,
    /// Reaction to every call, by its number.
    pub(crate) chaos: Option<Chaos>,
    calls: usize,
    /// Number of reports: each is different, like one with a time in it.
    reports: usize,
    /// Whether the vendor has no audio recording.
    pub(crate) no_audio: bool,
    /// Kind of evidence that the vendor refuses to read.
    pub(crate) refused: Option<EvidenceKind>,
    /// Whether the vendor refuses deletions.
    pub(crate) refuses_deletion: bool,
    /// Number of signed documents that the vendor returns, if the orders are signed.
    pub(crate) signed_documents: Option<usize>,
    /// Number of entries of its list that cannot be read.
    pub(crate) unreadable: usize,
    /// Reference that the identification data state.
    pub(crate) data_reference: Option<String>,
    /// Last day on which the person's document is valid.
    pub(crate) document_expires: Option<Date>,
    /// Number of empty pages before that with all changes, and the time that each takes.
    pub(crate) slow_pages: (usize, Duration),
}

impl VendorState {
    pub(crate) fn only(&self) -> (&String, &Order) {
        assert_eq!(self.orders.len(), 1, "one order");
        self.orders.first_key_value().unwrap()
    }

    fn reaction(&mut self, name: &'static str) -> Reaction {
        self.calls += 1;
        match self.reactions.get_mut(name).filter(|planned| !planned.is_empty()) {
            Some(planned) => planned.remove(0),
            None => self.chaos.as_ref().map_or(Reaction::Answer, |chaos| chaos(self.calls)),
        }
    }

    fn order(&mut self, id: &Secret) -> Result<&mut Order, Error> {
        let order = self.orders.get_mut(id.expose());
        order.ok_or_else(|| Error::new(Kind::NotFound, "no such order").with_status(404))
    }
}

/// The client of one process.
#[derive(Clone)]
pub(crate) struct SimVendor {
    pub(crate) state: Arc<Mutex<VendorState>>,
    pub(crate) files: Files,
    pub(crate) clock: SimClock,
    pub(crate) fuse: Arc<Fuse>,
}

impl fmt::Debug for SimVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimVendor")
    }
}

impl SimVendor {
    fn state(&self) -> MutexGuard<'_, VendorState> {
        self.state.lock().unwrap()
    }

    async fn call<T>(
        &self,
        name: &'static str,
        repeatable: bool,
        options: &CallOptions,
        execute: impl FnOnce(&mut VendorState) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let timeout = options.timeout.expect("each call ends before the lease");
        let deadline = self.clock.now().plus(timeout);
        let unknown = || {
            let kind = if repeatable { Kind::Unreachable } else { Kind::OutcomeUnknown };
            Error::new(kind, "the response is lost").with_delivery(Delivery::MaybeSent)
        };
        let run = async {
            if self.clock.now() >= deadline {
                return Err(Error::new(Kind::Timeout, "the deadline has passed").with_delivery(Delivery::NotSent));
            }
            let mut state = self.state();
            let reaction = state.reaction(name);
            match reaction {
                Reaction::Refuse => {
                    return Err(Error::new(Kind::Unreachable, "refused").with_delivery(Delivery::NotSent));
                }
                Reaction::Drop => return Err(unknown()),
                Reaction::Miss => return Err(Error::new(Kind::NotFound, "missed").with_status(404)),
                Reaction::Answer | Reaction::Lose => {}
            }
            state.log.push(name);
            let result = execute(&mut state);
            if reaction == Reaction::Lose { Err(unknown()) } else { result }
        };
        self.fuse.run(run).await.map_err(|error| error.with_operation(name))
    }

    /// Content of the evidence of an order.
    pub(crate) fn content(id: &str, kind: EvidenceKind) -> Bytes {
        format!("{} of {id}", kind.as_str()).into()
    }
}

#[async_trait]
impl IdentityProvider for SimVendor {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let now = self.clock.wall();
        self.call("open", false, options, |state| {
            state.creates += 1;
            let id = format!("order-{}", state.creates);
            let reference = case.reference.as_ref().unwrap().expose().clone();
            assert!(case.webhook_final.is_some());
            let order =
                Order { reference, outcome: Outcome::Pending, changed: now, recording_requests: 0, deleted: false };
            state.orders.insert(id.clone(), order);
            let mut opened = self.adopt(&id, case.purpose)?;
            opened.state = self.expected_state(case);
            Ok(Opened::new(opened, Some(format!("https://vendor.example/{id}").into())))
        })
        .await
    }

    async fn find(&self, reference: &str, purpose: Purpose, _: Window, options: &CallOptions) -> Result<Found, Error> {
        self.call("find", true, options, |state| {
            let same = state.orders.iter().filter(|(_, order)| order.reference == reference);
            let found = same.map(|(id, _)| self.adopt(id, purpose)).collect::<Result<_, _>>()?;
            Ok(Found::new(found, state.unreadable))
        })
        .await
    }

    fn adopt(&self, id: &str, _: Purpose) -> Result<CaseRef, Error> {
        Ok(CaseRef::new(PROVIDER, id))
    }

    /// The number of documents to sign.
    fn expected_state(&self, case: &NewCase) -> Option<Secret> {
        (!case.documents.is_empty()).then(|| case.documents.len().to_string().into())
    }

    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        self.call("status", true, options, |state| {
            let order = state.order(&case.id)?;
            let status = CaseStatus::new(order.outcome, vec![format!("{:?}", order.outcome)]);
            Ok(status.with_reference(Some(&Pii::new(order.reference.clone()))))
        })
        .await
    }

    async fn planned(&self, case: &CaseRef, options: &CallOptions) -> Result<(CaseStatus, EvidencePlan), Error> {
        self.call("evidence_plan", true, options, |state| {
            let signed = state.signed_documents.map(|_| EvidenceKind::SignedDocument);
            let order = state.order(&case.id)?;
            let plan = match order.outcome {
                Outcome::Positive => {
                    let kinds = [EvidenceKind::IdentData, EvidenceKind::Report];
                    EvidencePlan::new(kinds.into_iter().chain(signed))
                }
                _ => EvidencePlan::default(),
            };
            let status = CaseStatus::new(order.outcome, Vec::new());
            Ok((status.with_reference(Some(&Pii::new(order.reference.clone()))), plan))
        })
        .await
    }

    async fn evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        self.call("evidence", true, options, |state| {
            state.reports += 1;
            let (report, no_audio, refused) = (state.reports, state.no_audio, state.refused);
            let signed = state.signed_documents.unwrap_or_default();
            let order = state.order(&case.id)?;
            if order.deleted || order.outcome != Outcome::Positive {
                return Err(Error::new(Kind::NotFound, "no data").with_status(404));
            }
            if kind == EvidenceKind::Audio && no_audio {
                return Ok(Vec::new());
            }
            if refused == Some(kind) {
                return Err(Error::new(Kind::Rejected, "the account is not enabled for it").with_status(400));
            }
            if kind == EvidenceKind::SignedDocument {
                if case.state.as_ref().is_some_and(|ordered| *ordered.expose() != signed.to_string()) {
                    return Err(Error::new(Kind::Integrity, "not as many documents as ordered"));
                }
                let pieces = (0..signed).map(|index| (None, Content::from_bytes(format!("document {index}"))));
                return Ok(Evidence::list(kind, pieces.collect()));
            }
            assert_ne!(kind, EvidenceKind::Video, "a placeholder");
            let mut content = Self::content(case.id.expose(), kind).to_vec();
            if kind == EvidenceKind::Report {
                content.extend(format!(", copy {report}").into_bytes());
            }
            Ok(vec![Evidence::new(kind, Content::from_bytes(content))])
        })
        .await
    }

    async fn request_evidence(
        &self,
        case: &CaseRef,
        _: EvidenceKind,
        callback: &Secret,
        options: &CallOptions,
    ) -> Result<(), Error> {
        self.call("request_evidence", false, options, |state| {
            let order = state.order(&case.id)?;
            order.recording_requests += 1;
            assert!(callback.expose().ends_with("/Recording"));
            Ok(())
        })
        .await
    }

    async fn evidence_after(
        &self,
        case: &CaseRef,
        event: &Event,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        if event.name != "Recording" {
            return Ok(Vec::new());
        }
        self.call("evidence_after", true, options, |_| {
            let content = Self::content(case.id.expose(), EvidenceKind::Video);
            Ok(vec![Evidence::new(EvidenceKind::Video, Content::from_bytes(content))])
        })
        .await
    }

    fn document_expires(&self, ident_data: &[u8]) -> Option<Date> {
        assert!(ident_data.starts_with(b"ident-data of "));
        self.state().document_expires
    }

    fn stated_reference(&self, ident_data: &[u8]) -> Option<Pii<String>> {
        assert!(ident_data.starts_with(b"ident-data of "));
        self.state().data_reference.clone().map(Pii::new)
    }

    fn was_identified_again(&self, status: &CaseStatus) -> Option<bool> {
        Some(status.vendor_codes == ["Positive"])
    }

    fn announces_end(&self, event: &Event) -> bool {
        event.name == "Final"
    }

    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error> {
        let now = self.clock.wall();
        self.call("cancel", true, options, |state| {
            let order = state.order(&case.id)?;
            if order.outcome.is_final() {
                return Err(Error::new(Kind::InvalidState, "the order has ended").with_status(406));
            }
            (order.outcome, order.changed) = (Outcome::Terminated, now);
            Ok(())
        })
        .await
    }

    async fn delete(&self, case: &CaseRef, permit: &DeletePermit, options: &CallOptions) -> Result<(), Error> {
        let files = Arc::clone(&self.files);
        self.call("delete", false, options, |state| {
            if state.refuses_deletion {
                return Err(Error::new(Kind::InvalidState, "the order has not ended").with_status(406));
            }
            let order = state.order(&case.id)?;
            if order.deleted {
                return Err(Error::new(Kind::NotFound, "no data").with_status(404));
            }
            if order.outcome == Outcome::Positive {
                // The promise: whatever was not saved is lost now.
                assert!(matches!(permit, DeletePermit::Evidence(_)), "{permit:?}");
                let files = files.lock().unwrap();
                for kind in [EvidenceKind::IdentData, EvidenceKind::Report] {
                    let saved = Self::content(case.id.expose(), kind);
                    assert!(
                        files.values().any(|file| file.starts_with(&saved)),
                        "{kind:?} was deleted before it was saved"
                    );
                }
            }
            order.deleted = true;
            state.deletions += 1;
            Ok(())
        })
        .await
    }

    async fn changes(
        &self,
        window: Window,
        after: Option<&Cursor>,
        options: &CallOptions,
    ) -> Result<ChangesPage, Error> {
        let options = options.clone().timeout(Duration::from_secs(1));
        let (pages, time) = self.state().slow_pages;
        let page: usize = after.map_or(0, |after| after.0.parse().unwrap());
        if page < pages {
            tokio::time::sleep(time).await;
            self.state().log.push("page");
            return Ok(ChangesPage::new(Vec::new(), Some(Cursor((page + 1).to_string()))));
        }
        self.call("changes", true, &options, |state| {
            let inside = |order: &Order| window.begin <= order.changed && order.changed <= window.end;
            let changed = state.orders.iter().filter(|(_, order)| inside(order));
            let status = || CaseStatus::new(Outcome::Unknown, Vec::new());
            Ok(ChangesPage::new(changed.map(|(id, _)| (Secret::new(id.as_str()), status())).collect(), None))
        })
        .await
    }
}
