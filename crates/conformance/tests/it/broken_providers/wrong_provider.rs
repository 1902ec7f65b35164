//! A provider that does one thing wrong.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use http::{Request, Response};

use identkit_core::{
    CallOptions, CaseRef, CaseStatus, ChangesPage, Content, Cursor, DeletePermit, Delivery, Descriptor, Error, Event,
    Evidence, EvidenceKind, EvidencePlan, Found, IdentityProvider, Kind, NewCase, Opened, Outcome, Purpose, Secret,
    Violation, Window, async_trait,
};
use identkit_identity_tm::IdentityTm;
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_wire::Body;

/// What the provider does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Nothing,
    RepeatsCreate,
    LosesReference,
    NameInLoginError,
    NameInViolation,
    NameInDebug,
    NameInStatus,
    CutsReport,
    TakesBrokenStream,
    DeletesNothing,
    DeletesLocally,
    TakesNotFoundForDeleted,
    Outcome { vendor: Outcome, reported: Outcome },
    UnknownStatusIsError,
    AcceptsOtherCase,
    RepeatsRead,
    NeverEnds,
    InventsId,
    ReportsFailed,
    ReportsNotSent,
    CancelsNothing,
    TakesAnyEvent,
    RejectsUnknownFields,
}

pub(super) struct WrongProvider {
    inner: IdentityTm,
    wrong: Wrong,
    name: Mutex<String>,
    deleted: Mutex<HashSet<String>>,
}

impl WrongProvider {
    pub(super) fn new(inner: IdentityTm, wrong: Wrong) -> Self {
        Self { inner, wrong, name: Mutex::default(), deleted: Mutex::default() }
    }
}

impl fmt::Debug for WrongProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrongProvider").field("name", &self.name.lock().unwrap()).finish_non_exhaustive()
    }
}

#[async_trait]
impl IdentityProvider for WrongProvider {
    fn descriptor(&self) -> &Descriptor {
        self.inner.descriptor()
    }
    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let name = case.person.family_name.expose();
        let mut case = case.clone();
        if self.wrong == Wrong::LosesReference {
            case.reference = Some("another".into());
        }
        let opened = self.inner.open(&case, options).await;
        match (self.wrong, opened) {
            (Wrong::RepeatsCreate, Err(error)) if error.kind() == Kind::OutcomeUnknown => {
                self.inner.open(&case, options).await
            }
            (Wrong::InventsId, Ok(mut opened)) => {
                opened.case.id = "9992INVENTED".into();
                Ok(opened)
            }
            (Wrong::ReportsFailed, Err(error)) => {
                Err(error.with_kind(Kind::Unavailable, "the vendor is not available"))
            }
            (Wrong::ReportsNotSent, Err(error)) => Err(error.with_delivery(Delivery::NotSent)),
            (Wrong::NameInLoginError, Err(error)) if error.kind() == Kind::Authentication => {
                Err(Error::new(Kind::Authentication, format!("the case of {name} was rejected")))
            }
            (Wrong::NameInViolation, Err(error)) if error.kind() == Kind::InvalidInput => {
                let violation = Violation::new("purpose", format!("{name} is not valid"), "T-1", "[T] 1");
                Err(error.with_violations(vec![violation]))
            }
            (Wrong::NameInDebug, opened) => {
                self.name.lock().unwrap().clone_from(name);
                opened
            }
            (_, opened) => opened,
        }
    }
    async fn find(
        &self,
        reference: &str,
        purpose: Purpose,
        window: Window,
        options: &CallOptions,
    ) -> Result<Found, Error> {
        self.inner.find(reference, purpose, window, options).await
    }
    fn adopt(&self, id: &str, purpose: Purpose) -> Result<CaseRef, Error> {
        self.inner.adopt(id, purpose)
    }
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        if self.wrong == Wrong::NeverEnds {
            std::future::pending::<()>().await;
        }
        let status = IdentityProvider::status(&self.inner, case, options).await;
        let mut status = match status {
            Err(error) if self.wrong == Wrong::AcceptsOtherCase && error.kind() == Kind::Integrity => {
                return Ok(CaseStatus::new(Outcome::Positive, Vec::new()));
            }
            status => status?,
        };
        match self.wrong {
            Wrong::NameInStatus => status.vendor_codes.push("identified as Mustermann".into()),
            Wrong::Outcome { vendor, reported } if status.outcome == vendor => status.outcome = reported,
            Wrong::UnknownStatusIsError if status.vendor_codes.iter().any(|code| code == "9999") => {
                return Err(Error::new(Kind::Protocol, "unknown status"));
            }
            _ => {}
        }
        Ok(status)
    }
    async fn evidence_plan(&self, case: &CaseRef, options: &CallOptions) -> Result<EvidencePlan, Error> {
        self.inner.evidence_plan(case, options).await
    }
    async fn evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        if self.deleted.lock().unwrap().contains(case.id.expose()) {
            return Err(Error::new(Kind::NotFound, "deleted"));
        }
        let read = self.inner.evidence(case, kind, options).await;
        let mut pieces = match read {
            Err(_) if self.wrong == Wrong::RepeatsRead => self.inner.evidence(case, kind, options).await?,
            Err(error) if self.wrong == Wrong::TakesBrokenStream && error.kind() != Kind::NotFound => {
                vec![Evidence::new(kind, Content::from_bytes("%PDF-1.7"))]
            }
            read => read?,
        };
        for piece in &mut pieces {
            let content = std::mem::replace(&mut piece.content, Content::empty());
            piece.content = match self.wrong {
                Wrong::CutsReport if kind == EvidenceKind::Report => {
                    Content::from_bytes(content.collect(u64::MAX).await?.slice(..100))
                }
                Wrong::TakesBrokenStream => {
                    let (mut content, mut bytes) = (content, Vec::new());
                    while let Some(Ok(chunk)) = content.next().await {
                        bytes.extend_from_slice(&chunk);
                    }
                    Content::from_bytes(bytes)
                }
                _ => content,
            };
        }
        Ok(pieces)
    }
    async fn request_evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        callback: &Secret,
        options: &CallOptions,
    ) -> Result<(), Error> {
        self.inner.request_evidence(case, kind, callback, options).await
    }
    async fn evidence_after(
        &self,
        case: &CaseRef,
        event: &Event,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        match self.wrong {
            Wrong::TakesAnyEvent => self.inner.evidence(case, EvidenceKind::Report, options).await,
            _ => self.inner.evidence_after(case, event, options).await,
        }
    }
    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error> {
        let canceled = self.inner.cancel(case, options).await;
        if self.wrong == Wrong::CancelsNothing { Ok(()) } else { canceled }
    }
    async fn delete(&self, case: &CaseRef, permit: &DeletePermit, options: &CallOptions) -> Result<(), Error> {
        if self.wrong == Wrong::DeletesLocally {
            let new = self.deleted.lock().unwrap().insert(case.id.expose().to_owned());
            return if new { Ok(()) } else { Err(Error::new(Kind::NotFound, "deleted")) };
        }
        match (self.wrong, self.inner.delete(case, permit, options).await) {
            (Wrong::DeletesNothing, _) => Ok(()),
            (Wrong::TakesNotFoundForDeleted, Err(error)) if error.kind() == Kind::NotFound => Ok(()),
            (_, deleted) => deleted,
        }
    }
    async fn changes(
        &self,
        window: Window,
        after: Option<&Cursor>,
        options: &CallOptions,
    ) -> Result<ChangesPage, Error> {
        self.inner.changes(window, after, options).await
    }
}

/// Fails if a response has a field that only a later release of the API would send.
#[derive(Debug)]
pub(super) struct Strict(pub(super) Arc<dyn Transport>);

#[async_trait]
impl Transport for Strict {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let response = self.0.send(request, context).await?;
        let text = response.body().as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        match text.is_some_and(|text| text.contains("unknownField")) {
            true => Err(Failure::new(Delivery::MaybeSent, Kind::Protocol, "unknown field")),
            false => Ok(response),
        }
    }
}
