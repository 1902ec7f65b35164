//! The suite detects providers that break their promises.

use std::sync::{Arc, Mutex};

use identkit_conformance::mock_server::InProcess;
use identkit_conformance::{Harness, example_case, run, sandbox};
use identkit_core::{
    CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Cursor, DeletePermit, Descriptor, Error, Evidence,
    EvidenceItem, IdentityProvider, Kind, NewCase, Opened, Outcome, Purpose, Secret, Window, async_trait,
};
use identkit_identity_tm::{Credentials, IdentityTm, PROVIDER};

/// The promises that `BrokenProvider` can break.
const PROMISES: [&str; 17] = [
    "Debug output contains no personal data",
    "a capability that is not listed is unsupported",
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
];

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
        inner.open(case, options).await
    }
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        let mut status = IdentityProvider::status(&self.inner, case, options).await?;
        if self.breaks == "a fresh case is not final" {
            status.outcome = Outcome::Positive;
        }
        if self.canceled.lock().unwrap().contains(&case.id) {
            status.outcome = Outcome::Terminated;
        }
        Ok(status)
    }
    async fn evidence_list(&self, case: &CaseRef, options: &CallOptions) -> Result<Vec<EvidenceItem>, Error> {
        if self.breaks == "a positive case has evidence" {
            Ok(Vec::new())
        } else {
            self.inner.evidence_list(case, options).await
        }
    }
    async fn evidence(&self, case: &CaseRef, item: &EvidenceItem, options: &CallOptions) -> Result<Evidence, Error> {
        self.inner.evidence(case, item, options).await
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
    let sandbox = sandbox();
    let client = |code: &str| {
        let account = Credentials::new("sandbox-customer", Secret::new(code));
        let transport = Arc::new(InProcess(sandbox.clone()));
        IdentityTm::builder(account).transport(transport).clock(Arc::new(sandbox.clock().clone())).build().unwrap()
    };
    let provider = |code: &str| -> Arc<dyn IdentityProvider> {
        let inner = client(code);
        let mut descriptor = inner.descriptor().clone();
        if breaks == "a capability that is not listed is unsupported" {
            descriptor.capabilities = &[Capability::Open, Capability::Status];
        }
        let (canceled, windows) = (Mutex::default(), Mutex::default());
        Arc::new(BrokenProvider { inner, authorized: client("sandbox-code"), breaks, descriptor, canceled, windows })
    };
    let harness = Harness {
        provider: provider("sandbox-code"),
        intruder: provider("wrong"),
        case: example_case(Purpose::Identification),
        story: "positive",
        outcome: Outcome::Positive,
        unknown: CaseRef { provider: PROVIDER.into(), id: Secret::new("9992UNKNOWN"), state: None },
        sandbox,
    };
    run(&harness).await.into_iter().map(|broken| broken.promise).collect()
}

#[tokio::test]
async fn each_broken_promise_is_detected() {
    assert_eq!(broken("none").await, Vec::<&str>::new());
    for promise in PROMISES {
        let broken = broken(promise).await;
        assert!(broken.contains(&promise), "{promise}: {broken:?}");
    }
}
