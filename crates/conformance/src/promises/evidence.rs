//! Evidence: the plan, one download per kind, and what may not be read yet.

use identkit_core::{
    Artifact, Capability, CaseRef, DeletePermit, Event, EvidenceKind, EvidenceProof, Kind, NothingToCollect, Secret,
};

use super::Suite;

/// Maximum size of a piece of evidence in memory, in bytes.
pub(super) const CAP: u64 = 64 * 1024 * 1024;

impl Suite<'_> {
    /// An open case has no evidence.
    pub(super) async fn evidence_before_the_end(&mut self, case: &CaseRef) {
        if !self.can(Capability::Evidence) {
            return;
        }
        let plan = self.provider.evidence_plan(case, &self.options).await;
        let none = plan.as_ref().is_ok_and(|plan| plan.is_empty());
        self.check("an open case has no evidence", none, || format!("{plan:?}"));
    }

    /// Reads all evidence of an ended case.
    pub(super) async fn evidence_at_the_end(&mut self, case: &CaseRef) {
        if !self.can(Capability::Evidence) {
            return;
        }
        let before = self.calls();
        let plan = self.provider.evidence_plan(case, &self.options).await;
        self.check_calls("the plan of the evidence downloads none", before, 1);
        let Some(plan) = self.succeeds("an ended case has a plan of its evidence", plan) else { return };
        self.check("a positive case has evidence", !plan.is_empty(), || "none is planned".into());
        let nothing = NothingToCollect::new(self.main().outcome, &plan).is_ok();
        self.check("a case with evidence is not a case without", !nothing, || format!("{plan:?}"));
        let mut digests = Vec::new();
        for kind in plan.kinds() {
            let before = self.calls();
            let read = self.provider.evidence(case, kind, &self.options).await;
            let Some(pieces) = self.succeeds("planned evidence can be read", read) else { continue };
            self.check_debug(&pieces);
            let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
            let numbered = (0..count)
                .zip(&pieces)
                .all(|(index, piece)| (piece.item.kind, piece.item.index, piece.item.count) == (kind, index, count));
            let actual = || format!("{:?}", pieces.iter().map(|piece| &piece.item).collect::<Vec<_>>());
            self.check("the pieces of a kind are numbered from 0", numbered && count > 0, actual);
            for piece in pieces {
                let item = piece.item.clone();
                let bytes = piece.content.collect(CAP).await;
                let valid = bytes.as_ref().is_ok_and(|bytes| fits(kind, bytes));
                self.check("evidence can be read and has its type", valid, || format!("{item:?}"));
                digests.push((item, [0; 32]));
            }
            self.check_calls("each kind of evidence takes one download", before, 1);
        }
        let proof = EvidenceProof::new(&plan, digests);
        self.succeeds("all planned evidence together is a proof", proof);

        for kind in [EvidenceKind::SignedDocument, EvidenceKind::SignedHash] {
            if !plan.kinds().contains(&kind) {
                let read = self.provider.evidence(case, kind, &self.options).await;
                let actual = || "the call succeeded".into();
                self.check("evidence that does not exist is an error", read.is_err(), actual);
            }
        }
        self.announced_evidence(case).await;
    }

    /// Tries to read a recording that the vendor has not announced.
    async fn announced_evidence(&mut self, case: &CaseRef) {
        if !self.can(Capability::RequestEvidence) {
            return;
        }
        let (provider, options) = (self.provider.clone(), self.options.clone());
        let before = self.calls();
        let early = provider.evidence(case, EvidenceKind::Video, &options).await;
        self.fails("a recording is not read before the vendor announced it", Kind::InvalidState, early);
        let mut event = Event::new(provider.descriptor().name, "SomethingElse", "key");
        event.case_id = Some(case.id.clone());
        let read = provider.evidence_after(case, &event, &options).await;
        let none = read.as_ref().is_ok_and(Vec::is_empty);
        self.check("an event that announces no evidence has none", none, || format!("{read:?}"));
        let callback = Secret::new("https://shop.example/callback");
        let wrong = provider.request_evidence(case, EvidenceKind::IdentData, &callback, &options).await;
        self.fails("only evidence that the vendor prepares can be requested", Kind::InvalidInput, wrong);
        self.check_calls("evidence that is not announced sends nothing", before, 0);
    }

    pub(super) async fn delete(&mut self, case: &CaseRef) {
        if !self.can(Capability::Delete) {
            return;
        }
        let (sandbox, id) = (&self.harness.sandbox, case.id.expose());
        if let Some(unknown) = self.unknown() {
            let result = self.provider.delete(&unknown, &DeletePermit::Operator, &self.options).await;
            self.fails("deleting an unknown case is not a success", Kind::NotFound, result);
        }
        let before = sandbox.inspect(id);
        let calls = self.calls();
        let deleted = self.provider.delete(case, &DeletePermit::Operator, &self.options).await;
        self.succeeds("an ended case can be deleted", deleted);
        let sent = self.calls() > calls;
        self.check("deleting a case calls the vendor", sent, || "nothing was sent".into());
        let changed = sandbox.inspect(id) != before;
        self.check("a deletion changes the case at the mock vendor", changed, || "it is unchanged".into());
        if self.can(Capability::Evidence) {
            // Another client, which cannot remember the deletion.
            let other = self.harness.provider(sandbox);
            let gone = other.evidence(case, EvidenceKind::IdentData, &self.options).await;
            self.fails("deleted data is gone for every client", Kind::NotFound, gone);
        }
        if self.can(Capability::Evidence) {
            let gone = self.provider.evidence(case, EvidenceKind::IdentData, &self.options).await;
            self.fails("deleted data is gone", Kind::NotFound, gone);
        }
        let twice = self.provider.delete(case, &DeletePermit::Operator, &self.options).await;
        self.fails("deleting twice is not a success", Kind::NotFound, twice);
    }
}

fn fits(kind: EvidenceKind, bytes: &[u8]) -> bool {
    match kind {
        EvidenceKind::Report | EvidenceKind::SignedDocument => Artifact::Pdf.check(bytes).is_ok(),
        EvidenceKind::IdentData => serde_json::from_slice::<serde_json::Value>(bytes).is_ok(),
        _ => !bytes.is_empty(),
    }
}
