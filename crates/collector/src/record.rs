//! What the collector stores about a case: everything that the next step needs, after any crash.

use identkit_core::{Absence, CaseRef, Error, Event, EvidenceKind, EvidencePlan, Outcome, Pii, Purpose, Secret};
use identkit_store::Case;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault;
use crate::hooks::Notice;
use crate::state::{CaseState, ReuseOutcome};
use crate::trouble::Trouble;

/// Version of the format. A later release reads the earlier ones.
const FORMAT: u32 = 1;

/// Evidence in addition to what every case of its kind has.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceWishes {
    /// Whether to request the recording of the video, and wait for it.
    #[serde(default)]
    pub video: bool,
    /// Whether to read the audio recordings, if there are any.
    #[serde(default)]
    pub audio: bool,
    /// Whether to read the signed result for a later case, if there is one.
    #[serde(default)]
    pub signed_ident_data: bool,
}

impl EvidenceWishes {
    /// Adds the wishes to the plan of a case that has evidence.
    pub(crate) fn add_to(self, plan: EvidencePlan) -> EvidencePlan {
        let wishes = [
            (self.audio, EvidenceKind::Audio),
            (self.signed_ident_data, EvidenceKind::SignedIdentData),
            (self.video, EvidenceKind::Video),
        ];
        wishes.into_iter().filter(|(wished, _)| *wished).fold(plan, |plan, (_, kind)| match kind {
            // The vendor prepares it on request, so it must arrive.
            EvidenceKind::Video => plan.require(kind),
            kind => plan.allow(kind),
        })
    }
}

/// The first and the last of several 404s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NotFoundSpan {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// The state of a case in the words of the collector.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    format: u32,
    /// Never [`CaseState::Stuck`]: that follows from the trouble.
    pub(crate) stage: CaseState,
    pub(crate) purpose: Purpose,
    pub(crate) wishes: EvidenceWishes,
    /// Folder of the artifacts.
    pub(crate) folder: String,
    /// Keyed hash of the service's name of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) person: Option<String>,
    /// Last day on which the person's document is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) document_expires: Option<Date>,
    /// Whether the request contained the signed data of an earlier case.
    #[serde(default)]
    pub(crate) has_signed_data: bool,
    /// What the vendor did with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reuse: Option<ReuseOutcome>,
    /// State of the reference at the vendor that the request asks for: what the case must return. Records of an earlier release
    /// lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<Secret>,
    /// Time before the request was sent.
    pub(crate) sent: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) person_url: Option<Secret>,
    #[serde(default)]
    pub(crate) absence: Absence,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<Outcome>,
    /// Time at which the case ended: the vendor's, or that of the read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<EvidencePlan>,
    /// Kinds of which every piece is in the artifact ledger.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) saved: Vec<EvidenceKind>,
    /// Times at which the recording was requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) recording_requests: Vec<Timestamp>,
    /// Events that announce evidence, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) announcements: Vec<Event>,
    /// Number of webhook payloads in the artifact ledger.
    #[serde(default)]
    pub(crate) payloads: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) collected: Option<Timestamp>,
    /// Number of files in the folder that are not in the artifact ledger.
    #[serde(default)]
    pub(crate) unrecorded_files: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deleted: Option<Timestamp>,
    /// Kinds of evidence that the vendor did not have, with the time of the first 404.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) absent: Vec<(EvidenceKind, Timestamp)>,
    /// Time of the first 404 of data whose deletion was not confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) missing_since: Option<Timestamp>,
    /// 404s of the present stage without another response in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_found: Option<NotFoundSpan>,
    /// Time of a request to delete of which no response is recorded: it can have been executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deletion_sent: Option<Timestamp>,
    /// Kinds of evidence that a person gave up, with the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) given_up: Vec<(EvidenceKind, String)>,
    /// Number of searches for a case of unknown outcome.
    #[serde(default)]
    pub(crate) searches: u32,
    /// Cases at the vendor that can be this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) candidates: Vec<CaseRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trouble: Option<Trouble>,
    /// Number of alarms about the vendor's retention that were raised.
    #[serde(default)]
    pub(crate) alarms: u32,
    #[serde(default)]
    pub(crate) paused: bool,
    /// Whether an operator wants the case canceled at the vendor.
    #[serde(default)]
    pub(crate) cancel: bool,
    /// Whether a person has given the case its id at the vendor.
    #[serde(default)]
    pub(crate) adopted: bool,
    /// Whether the vendor may state another reference than that of the case, because a person says so.
    #[serde(default)]
    pub(crate) any_reference: bool,
    /// Whether the vendor states another reference, so that the id is that of another case.
    #[serde(default)]
    pub(crate) contradicted: bool,
    /// Why the vendor did not cancel the case, as a person wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_canceled: Option<String>,
    /// Why a person has closed the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) closed_because: Option<String>,
    /// Why the case is closed, if it was not opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_opened: Option<String>,
    /// Notices that the service has not confirmed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) outbox: Vec<Notice>,
    /// Number of notices so far.
    #[serde(default)]
    pub(crate) notices: u64,
    /// Last event that was read.
    #[serde(default)]
    pub(crate) last_event: u64,
    /// Time of the next step, if no event arrives before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Timestamp>,
    /// Members of the next release, which works on the same cases on another machine during an upgrade.
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Record {
    pub(crate) fn new(purpose: Purpose, wishes: EvidenceWishes, folder: String, sent: Timestamp) -> Self {
        Self {
            format: FORMAT,
            stage: CaseState::Intended,
            purpose,
            wishes,
            folder,
            person: None,
            document_expires: None,
            has_signed_data: false,
            reuse: None,
            expected: None,
            sent,
            person_url: None,
            absence: Absence::new(),
            outcome: None,
            ended: None,
            plan: None,
            saved: Vec::new(),
            recording_requests: Vec::new(),
            announcements: Vec::new(),
            payloads: 0,
            collected: None,
            unrecorded_files: 0,
            deleted: None,
            absent: Vec::new(),
            missing_since: None,
            not_found: None,
            deletion_sent: None,
            given_up: Vec::new(),
            searches: 0,
            candidates: Vec::new(),
            trouble: None,
            alarms: 0,
            paused: false,
            cancel: false,
            adopted: false,
            any_reference: false,
            contradicted: false,
            not_canceled: None,
            closed_because: None,
            not_opened: None,
            outbox: Vec::new(),
            notices: 0,
            last_event: 0,
            next: None,
            others: Map::new(),
        }
    }

    /// The reference of a case that was found by its id, with what the case must return.
    pub(crate) fn expecting(&self, case: CaseRef) -> CaseRef {
        match &self.expected {
            Some(state) => case.with_state(state.clone()),
            None => case,
        }
    }

    /// The 404s that show that the vendor has lost the case, if they do: a single one can be a transient error. A case of which
    /// something was saved is deleted instead.
    pub(crate) fn lost(&self) -> Option<NotFoundSpan> {
        let can_be_lost = !self.stage.is_end() && self.saved.is_empty();
        let is_proof = |span: &NotFoundSpan| span.last.duration_since(span.first) >= Absence::GONE_AFTER;
        self.not_found.filter(is_proof).filter(|_| can_be_lost)
    }

    /// Whether evidence of a kind that was wished is still to be read.
    pub(crate) fn awaits(&self, wish: bool, kind: EvidenceKind) -> bool {
        wish && self.stage == CaseState::Collecting && !self.saved.contains(&kind)
    }

    /// The state that operators see.
    pub(crate) fn state(&self) -> CaseState {
        let stuck = self.trouble.as_ref().is_some_and(|trouble| trouble.stuck) && !self.stage.is_end();
        if stuck { CaseState::Stuck } else { self.stage }
    }

    pub(crate) fn decode(case: &Case) -> Result<Self, Error> {
        let record: Self = serde_json::from_slice(case.data.expose()).map_err(|_| fault::unreadable())?;
        if record.format > FORMAT { Err(fault::newer()) } else { Ok(record) }
    }

    pub(crate) fn encode(&self) -> Result<Pii<Vec<u8>>, Error> {
        serde_json::to_vec(self).map(Pii::new).map_err(|_| fault::unreadable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_the_next_release_are_kept() {
        let wishes = EvidenceWishes::default();
        let new = Record::new(Purpose::Identification, wishes, "folder".to_owned(), Timestamp::UNIX_EPOCH);
        let mut written = serde_json::to_value(&new).unwrap();
        let members = written.as_object_mut().unwrap();
        assert!(!members.contains_key("others"));
        members.insert("later".to_owned(), serde_json::json!({"a": [1, "2"]}));
        let read: Record = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), written);
    }

    #[test]
    fn wishes_are_added_to_a_plan_once() {
        let plan = EvidencePlan::new([EvidenceKind::IdentData]);
        assert_eq!(EvidenceWishes::default().add_to(plan.clone()), plan);
        let all = EvidenceWishes { video: true, audio: true, signed_ident_data: true }.add_to(plan);
        let kinds = [EvidenceKind::IdentData, EvidenceKind::Video, EvidenceKind::Audio, EvidenceKind::SignedIdentData];
        assert_eq!(all.kinds(), kinds);
        let mut without = all;
        without.mark_absent(EvidenceKind::Audio).unwrap();
        assert!(without.mark_absent(EvidenceKind::Video).is_err(), "a recording that was wished must arrive");
    }
}
