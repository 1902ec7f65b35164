//! The suite notices providers that do not keep their promises.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use identkit_conformance::mock_server::InProcess;
use identkit_conformance::{Bench, example_case, run, sandbox};
use identkit_core::{
    CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Cursor, DeletePermit, Descriptor, Error, Evidence,
    EvidenceItem, IdentityProvider, NewCase, Opened, Outcome, Purpose, Secret, Window, async_trait,
};
use identkit_identity_tm::{Account, IdentityTm, PROVIDER};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Vice {
    None,
    Talks,
    ClaimsToCancel,
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
        Ok(status)
    }
    async fn evidence_list(&self, case: &CaseRef, options: &CallOptions) -> Result<Vec<EvidenceItem>, Error> {
        if self.vice == Vice::HidesEvidence { Ok(Vec::new()) } else { self.inner.evidence_list(case, options).await }
    }
    async fn evidence(&self, case: &CaseRef, item: &EvidenceItem, options: &CallOptions) -> Result<Evidence, Error> {
        self.inner.evidence(case, item, options).await
    }
    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error> {
        if self.vice == Vice::ClaimsToCancel { Ok(()) } else { self.inner.cancel(case, options).await }
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
        self.inner.changes(window, after, options).await
    }
}

async fn broken(vice: Vice) -> Vec<&'static str> {
    let sandbox = sandbox();
    let client = |code: &str| {
        let account = Account::new("sandbox-customer", Secret::new(code));
        let transport = Arc::new(InProcess(sandbox.clone()));
        IdentityTm::builder(account).build(transport, Arc::clone(sandbox.clock())).unwrap()
    };
    let liar = |code: &str| -> Arc<dyn IdentityProvider> {
        let inner = client(code);
        let descriptor = inner.descriptor().clone();
        Arc::new(Liar { inner, good: client("sandbox-code"), vice, descriptor })
    };
    let bench = Bench {
        provider: liar("sandbox-code"),
        intruder: liar("wrong"),
        case: example_case(Purpose::Identification),
        story: "positive",
        outcome: Outcome::Positive,
        unknown: CaseRef { provider: PROVIDER.into(), id: Secret::new("9992UNKNOWN"), state: None },
        sandbox,
    };
    assert!(!bench.provider.descriptor().can(Capability::Cancel));
    run(&bench).await.into_iter().map(|broken| broken.promise).collect()
}

#[tokio::test]
async fn each_vice_is_noticed_by_its_promise() {
    assert_eq!(broken(Vice::None).await, Vec::<&str>::new());
    for (vice, promise) in [
        (Vice::Talks, "what is printed never tells who the person is"),
        (Vice::ClaimsToCancel, "what the descriptor does not list is unsupported"),
        (Vice::DeletesSilently, "deleted data is gone"),
        (Vice::AlwaysFinal, "a fresh case is not final"),
        (Vice::LetsEverybodyIn, "wrong credentials are refused"),
        (Vice::HidesEvidence, "a positive case has evidence"),
    ] {
        let broken = broken(vice).await;
        assert!(broken.contains(&promise), "{vice:?}: {broken:?}");
    }
}
