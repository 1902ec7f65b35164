//! The suite detects providers that break their promises.

mod wrong_provider;
mod wrong_vendor;
mod wrongs;

use std::sync::{Arc, Mutex};

use identkit_conformance::{Harness, Scenario, example_case, run, sandbox};
use identkit_core::{
    CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Content, Cursor, DeletePermit, Descriptor, Error, Event,
    Evidence, EvidenceKind, EvidencePlan, Found, IdentityProvider, Kind, NewCase, Opened, Outcome, Purpose, Secret,
    Window, async_trait,
};
use identkit_identity_tm::{Credentials, IdentityTm, PROVIDER};

/// The promises that `BrokenProvider` can break.
const PROMISES: [&str; 39] = [
    "Debug output contains no personal data",
    "a capability that is not listed is unsupported",
    UNLISTED,
    "a canceled case ends as terminated",
    "a canceled case can no longer be identified",
    "an ended case cannot be canceled",
    "an unknown case is not found",
    "the changes in a window contain a case that was opened in it",
    "the pages of a window end",
    "reading changes removes nothing",
    "the changes in another window do not contain this case",
    "a window that ends before it begins is rejected",
    "an invented cursor is rejected",
    "a cursor is valid for its window only",
    "deleted data is gone",
    "a fresh case is not final",
    "wrong credentials are rejected",
    "a positive case has evidence",
    "all cases with a reference are found as they were opened",
    "another reference finds nothing",
    "a part of the reference finds nothing",
    "a window before the case finds nothing",
    "an empty reference is rejected",
    "finding in a window that ends before it begins is rejected",
    "an adopted case is the opened one",
    "an id of any shape can be adopted",
    "an empty id is rejected",
    "a state that cannot be read is rejected",
    "a state that cannot be read is rejected before anything is sent",
    "violations name the fields of the case",
    "an open case has no evidence",
    "the plan of the evidence downloads none",
    "each kind of evidence takes one download",
    "the pieces of a kind are numbered from 0",
    "evidence can be read and has its type",
    "evidence that does not exist is an error",
    "a recording is not read before the vendor announced it",
    "an event that announces no evidence has none",
    "a provider that cannot judge reports no end",
];

/// Broken by a provider that signs, but does not list it.
const UNLISTED: &str = "a case that needs a capability that is not listed is unsupported";

/// A provider that breaks one promise.
struct BrokenProvider {
    inner: IdentityTm,
    /// Client with the right credentials.
    authorized: IdentityTm,
    breaks: &'static str,
    descriptor: Descriptor,
    /// Ids that it claims to have canceled.
    canceled: Mutex<Vec<Secret>>,
    /// Windows that were read.
    windows: Mutex<Vec<Window>>,
}

impl std::fmt::Debug for BrokenProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.breaks == "Debug output contains no personal data" {
            "last case: Mustermann"
        } else {
            "BrokenProvider"
        })
    }
}

#[async_trait]
impl IdentityProvider for BrokenProvider {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let inner = if self.breaks == "wrong credentials are rejected" { &self.authorized } else { &self.inner };
        let opened = inner.open(case, options).await;
        match self.breaks {
            "violations name the fields of the case" => opened.map_err(|error| {
                let mut violations = error.violations().to_vec();
                violations.iter_mut().for_each(|one| one.field = one.vendor_field.take().unwrap_or_default());
                error.with_violations(violations)
            }),
            _ => opened,
        }
    }
    async fn find(
        &self,
        reference: &str,
        purpose: Purpose,
        mut window: Window,
        options: &CallOptions,
    ) -> Result<Found, Error> {
        let valid = window.begin <= window.end && !reference.is_empty();
        let own = "conformance-1";
        let reference = match self.breaks {
            "another reference finds nothing" if valid => own,
            "a part of the reference finds nothing" if valid && own.contains(reference) => own,
            "an empty reference is rejected" if reference.is_empty() => own,
            _ => reference,
        };
        match self.breaks {
            "a window before the case finds nothing" if valid => window.end = jiff::Timestamp::MAX,
            "finding in a window that ends before it begins is rejected" if window.end < window.begin => {
                window = Window { begin: window.end, end: window.begin };
            }
            _ => {}
        }
        let mut found = self.inner.find(reference, purpose, window, options).await?;
        if self.breaks == "all cases with a reference are found as they were opened" {
            found.cases.truncate(1);
        }
        Ok(found)
    }
    fn adopt(&self, id: &str, purpose: Purpose) -> Result<CaseRef, Error> {
        match self.breaks {
            "an adopted case is the opened one" => self.inner.adopt(id, Purpose::Signature),
            "an id of any shape can be adopted" => {
                identkit_identity_tm::OrderId::parse(id)?;
                self.inner.adopt(id, purpose)
            }
            "an empty id is rejected" if id.trim().is_empty() => Ok(CaseRef::new(PROVIDER, id)),
            _ => self.inner.adopt(id, purpose),
        }
    }
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        let mut case = case.clone();
        match self.breaks {
            "a state that cannot be read is rejected" => case.state = None,
            "a state that cannot be read is rejected before anything is sent" => {
                IdentityProvider::status(&self.inner, &CaseRef { state: None, ..case.clone() }, options).await?;
            }
            _ => {}
        }
        let mut status = IdentityProvider::status(&self.inner, &case, options).await?;
        if self.breaks == "a fresh case is not final" {
            status.outcome = Outcome::Positive;
        }
        if self.canceled.lock().unwrap().contains(&case.id) {
            status.outcome = Outcome::Terminated;
        }
        Ok(status)
    }
    async fn evidence_plan(&self, case: &CaseRef, options: &CallOptions) -> Result<EvidencePlan, Error> {
        let plan = self.inner.evidence_plan(case, options).await?;
        match self.breaks {
            "a positive case has evidence" => return Ok(EvidencePlan::default()),
            "an open case has no evidence" => return Ok(EvidencePlan::new([EvidenceKind::Report])),
            "the plan of the evidence downloads none" => {
                for kind in plan.kinds() {
                    self.inner.evidence(case, kind, options).await?;
                }
            }
            _ => {}
        }
        Ok(plan)
    }
    async fn evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        let read = self.inner.evidence(case, kind, options).await;
        match self.breaks {
            "each kind of evidence takes one download" => self.inner.evidence(case, kind, options).await,
            "the pieces of a kind are numbered from 0" => read.map(|mut pieces| {
                pieces.iter_mut().for_each(|piece| piece.item.index = 7);
                pieces
            }),
            "evidence can be read and has its type" => {
                let damage = |mut piece: Evidence| {
                    piece.content = Content::from_bytes("<html>");
                    piece
                };
                read.map(|pieces| pieces.into_iter().map(damage).collect())
            }
            "evidence that does not exist is an error" => read.or_else(|_| Ok(Vec::new())),
            "a recording is not read before the vendor announced it" if kind == EvidenceKind::Video => {
                Ok(vec![Evidence::new(kind, Content::from_bytes("a placeholder"))])
            }
            _ => read,
        }
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
        if self.breaks == "an event that announces no evidence has none" {
            return self.inner.evidence(case, EvidenceKind::Report, options).await;
        }
        self.inner.evidence_after(case, event, options).await
    }
    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error> {
        match self.breaks {
            "a canceled case ends as terminated" => return Ok(()),
            "a canceled case can no longer be identified" => {
                self.canceled.lock().unwrap().push(case.id.clone());
                return Ok(());
            }
            _ => {}
        }
        match self.inner.cancel(case, options).await {
            Err(error) if self.breaks == "an ended case cannot be canceled" && error.kind() == Kind::InvalidState => {
                Ok(())
            }
            Err(error) if self.breaks == "an unknown case is not found" && error.kind() == Kind::NotFound => Ok(()),
            result => result,
        }
    }
    async fn delete(&self, case: &CaseRef, permit: &DeletePermit, options: &CallOptions) -> Result<(), Error> {
        if self.breaks == "deleted data is gone" { Ok(()) } else { self.inner.delete(case, permit, options).await }
    }
    async fn changes(
        &self,
        window: Window,
        after: Option<&Cursor>,
        options: &CallOptions,
    ) -> Result<ChangesPage, Error> {
        let empty = ChangesPage::default();
        let (mut window, mut after) = (window, after);
        match self.breaks {
            "the changes in a window contain a case that was opened in it" => return Ok(empty),
            "reading changes removes nothing" if after.is_none() => {
                let mut windows = self.windows.lock().unwrap();
                if windows.contains(&window) {
                    return Ok(empty);
                }
                windows.push(window);
            }
            "the changes in another window do not contain this case" if window.begin < window.end => {
                window.end = jiff::Timestamp::MAX
            }
            "a window that ends before it begins is rejected" if window.end < window.begin => {
                window = Window { begin: window.end, end: window.begin };
            }
            "an invented cursor is rejected" if after.is_some_and(|Cursor(text)| text == "invented") => after = None,
            "a cursor is valid for its window only" if after.is_some() => {
                return Ok(match self.inner.changes(window, after, options).await {
                    Err(error) if error.kind() == Kind::InvalidInput && after != Some(&Cursor("invented".into())) => {
                        empty
                    }
                    result => result?,
                });
            }
            _ => {}
        }
        let mut page = self.inner.changes(window, after, options).await?;
        if self.breaks == "the pages of a window end" {
            page.next = page.next.or_else(|| after.cloned());
        }
        Ok(page)
    }
}

async fn broken(breaks: &'static str) -> Vec<&'static str> {
    let case = example_case(Purpose::Identification);
    let positive = Scenario::story("positive", Outcome::Positive, true);
    let harness = Harness::new(PROVIDER, sandbox(), case, positive, move |link| {
        let client = |secret: Secret| {
            let builder = IdentityTm::builder(Credentials::new(link.identity.clone(), secret));
            builder.transport(link.transport.clone()).clock(link.clock.clone()).build().unwrap()
        };
        let inner = client(link.secret.clone());
        let mut descriptor = inner.descriptor().clone();
        if breaks == UNLISTED || breaks == "a capability that is not listed is unsupported" {
            descriptor.capabilities = &[Capability::Open, Capability::Status, Capability::Judge];
        }
        if breaks == "a provider that cannot judge reports no end" {
            descriptor.capabilities = &[Capability::Open, Capability::Status];
        }
        let (canceled, windows) = (Mutex::default(), Mutex::default());
        let authorized = client("sandbox-code".into());
        Arc::new(BrokenProvider { inner, authorized, breaks, descriptor, canceled, windows })
    });
    let harness = harness.unknown_id("9992UNKNOWN").faults([]);
    run(&harness).await.broken().iter().map(|broken| broken.promise).collect()
}

#[tokio::test]
async fn each_broken_promise_is_detected() {
    assert_eq!(broken("none").await, Vec::<&str>::new());
    for promise in PROMISES {
        let broken = broken(promise).await;
        assert!(broken.contains(&promise), "{promise}: {broken:?}");
    }
}
