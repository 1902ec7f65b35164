//! Collecting: each kind of evidence is read once, stored, read back, and recorded in the artifact ledger.

use std::time::Duration;

use bytes::Bytes;
use identkit_core::{
    Absence, CallOptions, CaseRef, Content, Delivery, Error, Evidence, EvidenceItem, EvidenceKind, Kind, Secret,
};
use identkit_store::{Artifact, Entry, EventId};

use crate::hooks::NoticeKind;
use crate::ledger::Item;
use crate::reuse;
use crate::sink::ArtifactName;
use crate::state::CaseState;
use crate::work::{Failure, Next, Stored as _, Work};

/// Number of times that a recording is requested (AT-38: each request makes the vendor prepare it).
const REQUESTS: usize = 2;

/// Time until a case whose recording this process cannot request is looked at again.
const WITHOUT_WEBHOOK: Duration = Duration::from_secs(60);

/// Maximum size of identification data, with pictures, in bytes.
const LONGEST_DATA: u64 = 256 * 1024 * 1024;

/// Number of events that are read at once.
const PAGE: usize = 100;

impl Work<'_> {
    pub(crate) async fn collect(&mut self) -> Result<Next, Failure> {
        let (Some(case), Some(plan)) = (self.case.opened.clone(), self.record.plan.clone()) else {
            self.enter(CaseState::Final);
            return Ok(Next::Step);
        };
        let (mut waits, mut failed) = (Next::RestForever, None);
        for kind in plan.kinds() {
            if self.record.saved.contains(&kind) {
                continue;
            }
            // A kind that fails must not keep the others from being saved before the vendor deletes them.
            match self.collect_kind(&case, kind).await {
                Ok(None) => {}
                // Nothing of another person's case is saved.
                Ok(Some(next)) if self.record.contradicted => return Ok(next),
                Ok(Some(next)) => waits = waits.earlier(next),
                Err(Failure::Step(error)) => failed = failed.or(Some(error)),
                Err(lost) => return Err(lost),
            }
        }
        match (failed, waits) {
            (Some(error), _) => return Err(Failure::Step(error)),
            (None, Next::RestForever) => {}
            (None, next) => return Ok(next),
        }
        self.save_payloads().await?;
        self.count_unrecorded_files().await?;
        self.remember_signed_data().await?;
        self.record.collected = Some(self.now());
        if !self.collector.store.artifacts(self.case.id).await.stored()?.is_empty() {
            self.notice(NoticeKind::Collected, "all evidence is saved and verified");
        }
        self.enter(CaseState::Collected);
        self.save().await.stored()?;
        Ok(Next::Step)
    }

    /// Makes the signed data of the case known for the person's next case.
    async fn remember_signed_data(&mut self) -> Result<(), Failure> {
        let Some(person) = self.record.person.clone() else { return Ok(()) };
        if !self.record.saved.contains(&EvidenceKind::SignedIdentData) {
            return Ok(());
        }
        let artifacts = self.collector.store.artifacts(self.case.id).await.stored()?;
        if let Some(artifact) = reuse::find(&artifacts, EvidenceKind::IdentData)
            && let Some(data) = self.collector.read_artifact(artifact).await.step()?
        {
            self.record.document_expires = self.setup.provider.document_expires(&data);
        }
        self.collector.remember_person(&self.case.provider, &person, self.case.id).await.stored()
    }

    /// Reads and stores a kind. Returns for how long to wait if it cannot be read yet.
    async fn collect_kind(&mut self, case: &CaseRef, kind: EvidenceKind) -> Result<Option<Next>, Failure> {
        let pieces = if kind == EvidenceKind::Video {
            match self.recording(case).await? {
                Ok(pieces) => pieces,
                Err(next) => return Ok(Some(next)),
            }
        } else {
            let options = self.call_options().await.stored()?;
            self.setup.provider.evidence(case, kind, &options).await
        };
        let pieces = match pieces {
            Ok(pieces) if kind == EvidenceKind::IdentData => match self.check_reference(pieces).await? {
                Some(pieces) => Ok(pieces),
                None => return Ok(Some(self.rest(self.poll()))),
            },
            pieces => pieces,
        };
        if pieces.as_ref().is_err_and(|error| error.kind() == Kind::NotFound)
            && let Some(next) = self.wait_for_second_404(kind)
        {
            self.save().await.stored()?;
            return Ok(Some(next));
        }
        self.save_kind(kind, pieces).await?;
        Ok(None)
    }

    /// Returns identification data if they do not state the reference of another case.
    async fn check_reference(&mut self, pieces: Vec<Evidence>) -> Result<Option<Vec<Evidence>>, Failure> {
        let mut checked = Vec::with_capacity(pieces.len());
        for mut piece in pieces {
            let data = piece.content.collect(LONGEST_DATA).await.step()?;
            if self.is_of_another(self.setup.provider.stated_reference(&data).as_ref()) {
                return Ok(None);
            }
            piece.content = Content::from_bytes(data);
            checked.push(piece);
        }
        Ok(Some(checked))
    }

    /// A 404 can be a transient error: only two that lie apart show that the vendor has no evidence of a kind.
    fn wait_for_second_404(&mut self, kind: EvidenceKind) -> Option<Next> {
        let now = self.now();
        let first = self.record.absent.iter().find(|(absent, _)| *absent == kind).map(|(_, first)| *first);
        if first.is_none() {
            self.record.absent.push((kind, now));
        }
        let wait = Absence::GONE_AFTER.saturating_sub(now.duration_since(first.unwrap_or(now)));
        wait.is_positive().then(|| self.rest(wait.unsigned_abs()))
    }

    /// Stores all pieces of a kind, and records them together.
    async fn save_kind(&mut self, kind: EvidenceKind, pieces: Result<Vec<Evidence>, Error>) -> Result<(), Failure> {
        let (pieces, not_found) = match pieces {
            Err(error) if error.kind() == Kind::NotFound => (Vec::new(), Some(error)),
            pieces => (pieces.step()?, None),
        };
        if pieces.is_empty() {
            let plan = self.record.plan.get_or_insert_default();
            // The vendor's 404 says more: it can have lost the case.
            plan.mark_absent(kind).map_err(|error| not_found.unwrap_or(error)).step()?;
            return self.save().await.stored();
        }
        let mut entries = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let (name, item) = (piece.file_name(), Item::Evidence(piece.item));
            entries.push(self.store_artifact(name, &item, piece.content).await?);
        }
        self.record.saved.push(kind);
        self.record_artifacts(&entries).await
    }

    /// Records artifacts that were just stored. If the claim is lost, another worker stores them: a file that only this
    /// worker can have written is removed.
    async fn record_artifacts(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let recorded = self.save_entries(entries).await;
        if recorded.as_ref().is_err_and(|error| error.kind() == Kind::Conflict) {
            let own = format!(".{}.", self.held.claim().fence());
            for entry in entries {
                if let Entry::Artifact(artifact) = entry
                    && artifact.sink.expose().contains(&own)
                {
                    self.collector.sink.remove(artifact.sink.expose()).await.step()?;
                }
            }
        }
        recorded.stored()
    }

    async fn store_artifact(&self, file: String, item: &Item, content: Content) -> Result<Entry, Failure> {
        let name = ArtifactName::new(self.record.folder.clone(), file, self.held.claim().fence());
        let saved = self.collector.sink.store(&name, content).await.step()?;
        let artifact = Artifact::new(item.encode().step()?, saved.location, saved.length, saved.sha256);
        Ok(Entry::Artifact(artifact.verified()))
    }

    /// The recording: requested once, and read only after the vendor's announcement.
    async fn recording(&mut self, case: &CaseRef) -> Result<Result<Result<Vec<Evidence>, Error>, Next>, Failure> {
        while let Some(event) = self.record.announcements.first().cloned() {
            let options = self.call_options().await.stored()?;
            match self.setup.provider.evidence_after(case, &event, &options).await {
                // Another kind of event, or one of another case.
                Ok(pieces) if pieces.is_empty() => {}
                Err(error) if matches!(error.kind(), Kind::InvalidInput | Kind::InvalidState | Kind::NotFound) => {}
                result => return Ok(Ok(result)),
            }
            self.record.announcements.remove(0);
        }
        let patience = self.collector.timing.recording;
        if self.setup.on_recording.is_none() {
            // E.g. a process that works on one case: a collector with a receiver requests it.
            return Ok(Err(self.rest(WITHOUT_WEBHOOK)));
        }
        if let Some(last) = self.record.recording_requests.last() {
            let waited = self.since(*last);
            if waited.unsigned_abs() < patience {
                return Ok(Err(self.rest(patience.saturating_sub(waited.unsigned_abs()))));
            }
            if self.record.recording_requests.len() >= REQUESTS {
                self.decide("the vendor has not announced the recording: ask the vendor, or collect without it");
                return Ok(Err(self.rest(patience)));
            }
        }
        let callback = self.recording_callback(case).await?;
        // Before it is sent, so that no crash makes it be sent more often.
        let now = self.now();
        self.record.recording_requests.push(now);
        self.save().await.stored()?;
        let options: CallOptions = self.call_options().await.stored()?;
        let requested = self.setup.provider.request_evidence(case, EvidenceKind::Video, &callback, &options).await;
        match requested {
            Err(error) if error.kind() != Kind::OutcomeUnknown && error.delivery() != Some(Delivery::MaybeSent) => {
                // It was certainly not executed, so it does not count.
                self.record.recording_requests.pop();
                self.save().await.stored()?;
                Err(Failure::Step(error))
            }
            _ => Ok(Err(self.rest(patience))),
        }
    }

    async fn recording_callback(&self, case: &CaseRef) -> Result<Secret, Failure> {
        let Some(webhook) = &self.setup.on_recording else {
            let detail = "no webhook for recordings is configured: ProviderSetup::on_recording";
            return Err(Failure::Step(Error::new(Kind::Unsupported, detail)));
        };
        let name = self.setup.provider.descriptor().name;
        let token = self.collector.store.create_case_token(self.held.claim(), name, &webhook.event).await.stored()?;
        (webhook.url)(&token, Some(&case.id)).step()
    }

    /// Stores the payloads of the case's webhooks: they can contain data that no call returns.
    async fn save_payloads(&mut self) -> Result<(), Failure> {
        let (mut after, mut index) = (EventId::default(), 0_u32);
        loop {
            // An event that cannot be read was reported when it arrived.
            let page = self.collector.store.event_page_of(self.case.id, after, PAGE).await.stored()?;
            let Some(last) = page.last else { return Ok(()) };
            after = last;
            for stored in page.events {
                let Some(payload) = &stored.delivery.event.payload else { continue };
                index += 1;
                if index <= self.record.payloads {
                    continue;
                }
                let item = Item::Payload { event: stored.delivery.event.name.clone(), index };
                let content = Content::from_bytes(Bytes::copy_from_slice(payload.expose().as_bytes()));
                let entry = self.store_artifact(format!("webhook-{index}.json"), &item, content).await?;
                self.record.payloads = index;
                self.record_artifacts(&[entry]).await?;
            }
        }
    }
}

/// The evidence of artifacts, for a proof.
pub(crate) fn digests(artifacts: &[Artifact]) -> Vec<(EvidenceItem, [u8; 32])> {
    let verified = artifacts.iter().filter(|artifact| artifact.verified);
    verified
        .filter_map(|artifact| match Item::decode(artifact.item.expose()) {
            Some(Item::Evidence(item)) => Some((item, artifact.sha256)),
            _ => None,
        })
        .collect()
}
