//! The suite notices providers that do not keep their promises.

use std::sync::{Arc, Mutex};

use identkit_conformance::mock_server::InProcess;
use identkit_conformance::{Harness, example_case, run, sandbox};
use identkit_core::{
    CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Cursor, DeletePermit, Descriptor, Error, Evidence,
    EvidenceItem, IdentityProvider, Kind, NewCase, Opened, Outcome, Purpose, Secret, Window, async_trait,
};
use identkit_identity_tm::{Credentials, IdentityTm, PROVIDER};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Vice {
    None,
    Talks,
    ConcealsChanges,
    CancelsNothing,
    PretendsToCancel,
    CancelsWhatHasEnded,
    CancelsWhatNobodyKnows,
    ForgetsChanges,
    ChangesWithoutEnd,
    TellsChangesOnce,
    TakesAnyWindow,
    TakesTurnedWindows,
    TakesAnyCursor,
    TakesCursorsOfOthers,
    DeletesSilently,
    AlwaysFinal,
    LetsEverybodyIn,
    HidesEvidence,
}

struct Liar {
    inner: IdentityTm,
    good: IdentityTm,
    vice: Vice,
    descriptor: Descriptor,
    /// Ids that it says it has cancelled, and windows that it has told.
    cancelled: Mutex<Vec<Secret>>,
    told: Mutex<Vec<Window>>,
}

impl std::fmt::Debug for Liar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.vice == Vice::Talks { "last case: Mustermann" } else { "Liar" })
    }
}

#[async_trait]
impl IdentityProvider for Liar {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let inner = if self.vice == Vice::LetsEverybodyIn { &self.good } else { &self.inner };
        inner.open(case, options).await
    }
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        let mut status = IdentityProvider::status(&self.inner, case, options).await?;
        if self.vice == Vice::AlwaysFinal {
            status.outcome = Outcome::Positive;
        }
        if self.cancelled.lock().unwrap().contains(&case.id) {
            status.outcome = Outcome::Terminated;
        }
        Ok(status)
    }
    async fn evidence_list(&self, case: &CaseRef, options: &CallOptions) -> Result<Vec<EvidenceItem>, Error> {
        if self.vice == Vice::HidesEvidence { Ok(Vec::new()) } else { self.inner.evidence_list(case, options).await }
    }
    async fn evidence(&self, case: &CaseRef, item: &EvidenceItem, options: &CallOptions) -> Result<Evidence, Error> {
        self.inner.evidence(case, item, options).await
    }
    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error> {
        match self.vice {
            Vice::CancelsNothing => return Ok(()),
            Vice::PretendsToCancel => {
                self.cancelled.lock().unwrap().push(case.id.clone());
                return Ok(());
            }
            _ => {}
        }
        match self.inner.cancel(case, options).await {
            Err(error) if self.vice == Vice::CancelsWhatHasEnded && error.kind() == Kind::InvalidState => Ok(()),
            Err(error) if self.vice == Vice::CancelsWhatNobodyKnows && error.kind() == Kind::NotFound => Ok(()),
            told => told,
        }
    }
    async fn delete(&self, case: &CaseRef, permit: &DeletePermit, options: &CallOptions) -> Result<(), Error> {
        if self.vice == Vice::DeletesSilently { Ok(()) } else { self.inner.delete(case, permit, options).await }
    }
    async fn changes(
        &self,
        window: Window,
        after: Option<&Cursor>,
        options: &CallOptions,
    ) -> Result<ChangesPage, Error> {
        let empty = ChangesPage { cases: Vec::new(), next: None };
        let (mut window, mut after) = (window, after);
        match self.vice {
            Vice::ForgetsChanges => return Ok(empty),
            Vice::TellsChangesOnce if after.is_none() => {
                let mut told = self.told.lock().unwrap();
                if told.contains(&window) {
                    return Ok(empty);
                }
                told.push(window);
            }
            Vice::TakesAnyWindow if window.begin < window.end => window.end = jiff::Timestamp::MAX,
            Vice::TakesTurnedWindows if window.end < window.begin => {
                window = Window { begin: window.end, end: window.begin };
            }
            Vice::TakesAnyCursor if after.is_some_and(|Cursor(text)| text == "made up") => after = None,
            Vice::TakesCursorsOfOthers if after.is_some() => {
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
        if self.vice == Vice::ChangesWithoutEnd {
            page.next = page.next.or_else(|| after.cloned());
        }
        Ok(page)
    }
}

async fn broken(vice: Vice) -> Vec<&'static str> {
    let sandbox = sandbox();
    let client = |code: &str| {
        let account = Credentials::new("sandbox-customer", Secret::new(code));
        let transport = Arc::new(InProcess(sandbox.clone()));
        IdentityTm::builder(account).transport(transport).clock(Arc::new(sandbox.clock().clone())).build().unwrap()
    };
    let liar = |code: &str| -> Arc<dyn IdentityProvider> {
        let inner = client(code);
        let mut descriptor = inner.descriptor().clone();
        if vice == Vice::ConcealsChanges {
            descriptor.capabilities = &[Capability::Open, Capability::Status];
        }
        let (cancelled, told) = (Mutex::default(), Mutex::default());
        Arc::new(Liar { inner, good: client("sandbox-code"), vice, descriptor, cancelled, told })
    };
    let bench = Harness {
        provider: liar("sandbox-code"),
        intruder: liar("wrong"),
        case: example_case(Purpose::Identification),
        story: "positive",
        outcome: Outcome::Positive,
        unknown: CaseRef { provider: PROVIDER.into(), id: Secret::new("9992UNKNOWN"), state: None },
        sandbox,
    };
    run(&bench).await.into_iter().map(|broken| broken.promise).collect()
}

#[tokio::test]
async fn each_vice_is_noticed_by_its_promise() {
    assert_eq!(broken(Vice::None).await, Vec::<&str>::new());
    for (vice, promise) in [
        (Vice::Talks, "what is printed never tells who the person is"),
        (Vice::ConcealsChanges, "what the descriptor does not list is unsupported"),
        (Vice::CancelsNothing, "a cancelled case ends as terminated"),
        (Vice::PretendsToCancel, "a cancelled case can no longer be identified"),
        (Vice::CancelsWhatHasEnded, "a case that has ended cannot be cancelled"),
        (Vice::CancelsWhatNobodyKnows, "an unknown case is not found"),
        (Vice::ForgetsChanges, "what changed in a window holds a case that was opened in it"),
        (Vice::ChangesWithoutEnd, "the pages of a window end"),
        (Vice::TellsChangesOnce, "reading what changed takes nothing away"),
        (Vice::TakesAnyWindow, "what changed in another window holds no case of this one"),
        (Vice::TakesTurnedWindows, "a window that ends before it begins is refused"),
        (Vice::TakesAnyCursor, "a cursor that was made up is refused"),
        (Vice::TakesCursorsOfOthers, "a cursor is good for its own window only"),
        (Vice::DeletesSilently, "deleted data is gone"),
        (Vice::AlwaysFinal, "a fresh case is not final"),
        (Vice::LetsEverybodyIn, "wrong credentials are refused"),
        (Vice::HidesEvidence, "a positive case has evidence"),
    ] {
        let broken = broken(vice).await;
        assert!(broken.contains(&promise), "{vice:?}: {broken:?}");
    }
}
