//! Deleting the data at the vendor: only with a permit, and proved by a read.

use std::time::Duration;

use identkit_core::{
    Absence, Advice, Capability, CaseRef, DeletePermit, Delivery, Error, EvidenceKind, EvidenceProof, Kind,
    NothingToCollect, Outcome,
};
use identkit_store::{Artifact, Deletion};

use super::collect::digests;
use crate::control::Deleting;
use crate::fault;
use crate::setup::DeletePolicy;
use crate::state::CaseState;
use crate::work::{Failure, Next, Stored as _, Work};

/// Name in the deletion ledger for a deletion that a person asked for.
const OPERATOR: &str = "operator";

impl Work<'_> {
    pub(crate) async fn delete(&mut self) -> Result<Next, Failure> {
        let Some(case) = self.case.opened.clone() else {
            self.enter(CaseState::Closed);
            return Ok(Next::Step);
        };
        if !self.setup.provider.descriptor().can(Capability::Delete) {
            self.enter(CaseState::Closed);
            return Ok(Next::Step);
        }
        match self.until_deletion() {
            Some(Duration::ZERO) => {}
            Some(wait) => return Ok(self.rest(wait)),
            None => return Ok(Next::RestForever),
        }
        if self.record.contradicted {
            // The data would be another person's.
            let options = self.call_options().await.stored()?;
            let status = self.setup.provider.status(&case, &options).await.step()?;
            if self.is_of_another(status.reference.as_ref()) {
                return Ok(self.rest(self.poll()));
            }
        }
        let artifacts = self.collector.store.artifacts(self.case.id).await.stored()?;
        let permit = self.permit(&artifacts).await?;
        self.delete_with(&case, &permit, &artifacts, &self.collector.actor).await
    }

    /// Deletes now, because a person wants it.
    pub(crate) async fn delete_for_operator(&mut self, deleting: Deleting) -> Result<Next, Failure> {
        let Some(case) = self.case.opened.clone() else { return Err(Failure::Step(fault::no_case())) };
        let artifacts = self.collector.store.artifacts(self.case.id).await.stored()?;
        let permit = match deleting {
            Deleting::WithEvidence => self.permit(&artifacts).await?,
            Deleting::WithoutEvidence => {
                // A person gives up what is not saved, not what was saved and is lost.
                self.compare(&artifacts).await?;
                DeletePermit::Operator
            }
        };
        self.delete_with(&case, &permit, &artifacts, OPERATOR).await
    }

    async fn delete_with(
        &mut self,
        case: &CaseRef,
        permit: &DeletePermit,
        artifacts: &[Artifact],
        actor: &str,
    ) -> Result<Next, Failure> {
        // An earlier request may have been executed, and its response was lost, e.g. with the process.
        let was_sent = self.record.deletion_sent.is_some();
        self.record.deletion_sent.get_or_insert(self.collector.now());
        self.save().await.stored()?;
        let options = self.call_options().await.stored()?;
        let result = self.setup.provider.delete(case, permit, &options).await;
        if !was_sent && result.as_ref().is_err_and(|error| !may_be_executed(error)) {
            self.record.deletion_sent = None;
        }
        let unconfirmed = match result {
            Ok(()) => None,
            Err(error) if error.kind() == Kind::InvalidState => {
                // The vendor has nothing to delete (AT-63), or says that the case has not ended.
                return match permit {
                    DeletePermit::NothingToCollect(_) => {
                        self.enter(CaseState::Closed);
                        Ok(Next::Step)
                    }
                    DeletePermit::Evidence(_) => self.reconsider(error).await,
                    _ => Err(Failure::Step(error)),
                };
            }
            // It was deleted before, e.g. by a worker that stopped before it could record it, or that is unknown. The read
            // decides.
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::OutcomeUnknown) => Some(error),
            Err(error) => return Err(Failure::Step(error)),
        };
        let is_deleted = self.is_deleted(case).await?;
        if let (Some(error), true) = (&unconfirmed, is_deleted) {
            // A 404 can be a transient error, also twice: only reads that lie apart prove it.
            let has_nothing = matches!(permit, DeletePermit::NothingToCollect(_)) && error.kind() == Kind::NotFound;
            let may_be_ours = self.record.deletion_sent.is_some();
            if self.record.saved.is_empty() && !has_nothing && !may_be_ours {
                let detail =
                    "it is unknown whether the vendor has deleted the data: it has none that could be read before";
                return Err(Failure::Step(Error::new(error.kind(), detail)));
            }
            let since = *self.record.missing_since.get_or_insert(self.collector.now());
            if self.since(since) < Absence::GONE_AFTER {
                let wait = Absence::GONE_AFTER.saturating_sub(self.since(since));
                return Ok(self.rest(wait.unsigned_abs()));
            }
            if self.record.saved.is_empty() && !may_be_ours {
                // No read has worked before, so that a deletion is not proved (AT-09). Nothing is left to be done, either:
                // e.g. the vendor has deleted the data itself, because the case timed out.
                let why = "there was nothing to collect, and the vendor has no data of the case: two requests to delete \
                           them, at least 5 minutes apart, got a 404";
                self.record.closed_because = Some(why.to_owned());
                self.enter(CaseState::Closed);
                return Ok(Next::Step);
            }
        }
        if !is_deleted {
            self.record.missing_since = None;
            let detail = "the vendor confirmed the deletion, but the data can still be read";
            return Err(Failure::Step(unconfirmed.unwrap_or_else(|| Error::new(Kind::Integrity, detail))));
        }
        let now = self.now();
        let actor = self.actor(actor, unconfirmed.is_some());
        let deletion = Deletion::new(now, actor, artifacts.iter().map(|one| one.sha256).collect())
            .with_subject(self.record.folder.clone());
        (self.record.deleted, self.record.deletion_sent) = (Some(now), None);
        self.enter(CaseState::Deleted);
        self.save_deletion(&deletion).await.stored()?;
        Ok(Next::Step)
    }

    /// The actor for the deletion ledger, with what an auditor must know: that only reads prove the deletion, and which evidence
    /// a person gave up. The reasons are texts of a person, so that they are in the encrypted case only.
    fn actor(&self, actor: &str, is_unconfirmed: bool) -> String {
        let proof = is_unconfirmed.then(|| "proved by reads".to_owned());
        let given_up = self.record.given_up.iter().map(|(kind, _)| format!("without {}", kind.as_str()));
        let notes: Vec<_> = proof.into_iter().chain(given_up).collect();
        if notes.is_empty() { actor.to_owned() } else { format!("{actor} ({})", notes.join(", ")) }
    }

    /// Time until the deletion; `None` if the policy is not to delete.
    fn until_deletion(&self) -> Option<Duration> {
        let DeletePolicy::After(wait) = self.collector.delete else { return None };
        let since = self.record.collected.map(|collected| self.since(collected).unsigned_abs()).unwrap_or_default();
        Some(wait.saturating_sub(since))
    }

    /// The proof that nothing is lost. Every artifact is read from the sink again.
    async fn permit(&self, artifacts: &[Artifact]) -> Result<DeletePermit, Failure> {
        let plan = self.record.plan.clone().unwrap_or_default();
        self.compare(artifacts).await?;
        if plan.is_empty() {
            let outcome = self.record.outcome.unwrap_or(Outcome::Unknown);
            return NothingToCollect::new(outcome, &plan).map(DeletePermit::NothingToCollect).step();
        }
        EvidenceProof::new(&plan, digests(artifacts)).map(DeletePermit::Evidence).step()
    }

    /// Reads every artifact from the sink again, and compares it.
    async fn compare(&self, artifacts: &[Artifact]) -> Result<(), Failure> {
        for artifact in artifacts {
            let found = match self.collector.sink.digest(artifact.sink.expose()).await {
                Err(error) if error.kind() == Kind::NotFound => None,
                found => Some(found.step()?),
            };
            if found != Some((artifact.length, artifact.sha256)) {
                let what = if found.is_none() { "missing" } else { "not the one that was verified" };
                let detail = format!("an artifact in the sink is {what}: nothing is deleted at the vendor");
                return Err(Failure::Step(Error::new(Kind::Integrity, detail)));
            }
        }
        Ok(())
    }

    /// Reads something that the vendor had, or would have.
    async fn is_deleted(&self, case: &CaseRef) -> Result<bool, Failure> {
        let kind = self.record.saved.iter().copied().find(|kind| *kind != EvidenceKind::Video);
        let options = self.call_options().await.stored()?;
        match self.setup.provider.evidence(case, kind.unwrap_or(EvidenceKind::IdentData), &options).await {
            Err(error) if error.kind() == Kind::NotFound => Ok(true),
            Err(error) => Err(Failure::Step(error)),
            // An empty list is no data either.
            Ok(pieces) => Ok(pieces.is_empty()),
        }
    }

    /// Reads the status again: if the case has another outcome, all begins again.
    async fn reconsider(&mut self, error: Error) -> Result<Next, Failure> {
        let Some(case) = self.case.opened.clone() else { return Err(Failure::Step(error)) };
        let options = self.call_options().await.stored()?;
        let status = self.setup.provider.status(&case, &options).await.step()?;
        if self.is_of_another(status.reference.as_ref()) {
            return Ok(self.rest(self.poll()));
        }
        if Some(status.outcome) == self.record.outcome {
            return Err(Failure::Step(error));
        }
        self.reopen();
        self.save().await.stored()?;
        Ok(Next::Step)
    }
}

/// Whether a request to delete that failed may have been executed. After an earlier attempt of the same call without a response,
/// the advice of a refusal is to reconcile.
fn may_be_executed(error: &Error) -> bool {
    let is_refused = error.status().is_some_and(|status| status < 500) && error.advice() != Advice::Reconcile;
    error.kind() == Kind::OutcomeUnknown || !(is_refused || error.delivery() == Some(Delivery::NotSent))
}
