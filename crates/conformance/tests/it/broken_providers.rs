//! The suite notices providers that do not keep their promises.

use std::sync::{Arc, Mutex};

use identkit_conformance::mock_server::InProcess;
use identkit_conformance::{Harness, example_case, run, sandbox};
use identkit_core::{
    CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Cursor, DeletePermit, Descriptor, Error, Evidence,
    EvidenceItem, IdentityProvider, Kind, NewCase, Opened, Outcome, Purpose, Secret, Window, async_trait,
};
use identkit_identity_tm::{Credentials, IdentityTm, PROVIDER};

/// The promises that the liar below can break.
const PROMISES: [&str; 17] = [
    "what is printed never tells who the person is",
    "what the descriptor does not list is unsupported",
    "a cancelled case ends as terminated",
    "a cancelled case can no longer be identified",
    "a case that has ended cannot be cancelled",
    "an unknown case is not found",
    "what changed in a window holds a case that was opened in it",
    "the pages of a window end",
    "reading what changed takes nothing away",
    "what changed in another window holds no case of this one",
    "a window that ends before it begins is refused",
    "a cursor that was made up is refused",
    "a cursor is good for its own window only",
    "deleted data is gone",
    "a fresh case is not final",
    "wrong credentials are refused",
    "a positive case has evidence",
];

/// A provider that breaks one promise.
struct Liar {
    inner: IdentityTm,
    good: IdentityTm,
    breaks: &'static str,
    descriptor: Descriptor,
    /// Ids that it says it has cancelled, and windows that it has told.
    cancelled: Mutex<Vec<Secret>>,
    told: Mutex<Vec<Window>>,
}

impl std::fmt::Debug for Liar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.breaks == "what is printed never tells who the person is" {
            "last case: Mustermann"
        } else {
            "Liar"
        })
    }
}

#[async_trait]
impl IdentityProvider for Liar {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let inner = if self.breaks == "wrong credentials are refused" { &self.good } else { &self.inner };
        inner.open(case, options).await
    }
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        let mut status = IdentityProvider::status(&self.inner, case, options).await?;
        if self.breaks == "a fresh case is not final" {
            status.outcome = Outcome::Positive;
        }
        if self.cancelled.lock().unwrap().contains(&case.id) {
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
            "a cancelled case ends as terminated" => return Ok(()),
            "a cancelled case can no longer be identified" => {
                self.cancelled.lock().unwrap().push(case.id.clone());
                return Ok(());
            }
            _ => {}
        }
        match self.inner.cancel(case, options).await {
            Err(error)
                if self.breaks == "a case that has ended cannot be cancelled" && error.kind() == Kind::InvalidState =>
            {
                Ok(())
            }
            Err(error) if self.breaks == "an unknown case is not found" && error.kind() == Kind::NotFound => Ok(()),
            told => told,
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
        let empty = ChangesPage { cases: Vec::new(), next: None };
        let (mut window, mut after) = (window, after);
        match self.breaks {
            "what changed in a window holds a case that was opened in it" => return Ok(empty),
            "reading what changed takes nothing away" if after.is_none() => {
                let mut told = self.told.lock().unwrap();
                if told.contains(&window) {
                    return Ok(empty);
                }
                told.push(window);
            }
            "what changed in another window holds no case of this one" if window.begin < window.end => {
                window.end = jiff::Timestamp::MAX
            }
            "a window that ends before it begins is refused" if window.end < window.begin => {
                window = Window { begin: window.end, end: window.begin };
            }
            "a cursor that was made up is refused" if after.is_some_and(|Cursor(text)| text == "made up") => {
                after = None
            }
            "a cursor is good for its own window only" if after.is_some() => {
                return Ok(match self.inner.changes(window, after, options).await {
                    Err(error) if error.kind() == Kind::InvalidInput && after != Some(&Cursor("made up".into())) => {
                        empty
                    }
                    told => told?,
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
    let liar = |code: &str| -> Arc<dyn IdentityProvider> {
        let inner = client(code);
        let mut descriptor = inner.descriptor().clone();
        if breaks == "what the descriptor does not list is unsupported" {
            descriptor.capabilities = &[Capability::Open, Capability::Status];
        }
        let (cancelled, told) = (Mutex::default(), Mutex::default());
        Arc::new(Liar { inner, good: client("sandbox-code"), breaks, descriptor, cancelled, told })
    };
    let harness = Harness {
        provider: liar("sandbox-code"),
        intruder: liar("wrong"),
        case: example_case(Purpose::Identification),
        story: "positive",
        outcome: Outcome::Positive,
        unknown: CaseRef { provider: PROVIDER.into(), id: Secret::new("9992UNKNOWN"), state: None },
        sandbox,
    };
    run(&harness).await.into_iter().map(|broken| broken.promise).collect()
}

#[tokio::test]
async fn each_broken_promise_is_noticed() {
    assert_eq!(broken("none").await, Vec::<&str>::new());
    for promise in PROMISES {
        let broken = broken(promise).await;
        assert!(broken.contains(&promise), "{promise}: {broken:?}");
    }
}
