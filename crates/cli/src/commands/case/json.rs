//! A case as JSON and as rows for people.

use identkit_collector::{CaseReport, SavedFile};
use identkit_core::{EvidenceKind, Outcome, Pii, Secret};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hex::hex;
use crate::output::to_json;
use crate::verdict;

/// A case without its artifacts.
pub(super) fn summary(report: &CaseReport) -> Value {
    json!({
        "case": report.case.0,
        "provider": report.provider,
        "vendor_id": text(report.vendor_id.as_ref()),
        "reference": text(report.reference.as_ref()),
        "state": report.state.as_str(),
        "outcome": report.outcome.map(word),
        "created_at": report.created.to_string(),
        "ended_at": time(report.ended),
        "collected_at": time(report.collected),
        "deleted_at": time(report.deleted),
    })
}

/// A case with its artifacts, and what happens next.
pub(super) fn full(report: &CaseReport) -> Value {
    let mut full = summary(report);
    let more = json!({
        "person_url": text(report.person_url.as_ref()),
        "artifacts": report.artifacts.iter().map(artifact).collect::<Vec<_>>(),
        "missing": to_json(&report.missing),
        "reuse": report.reuse.map(|reuse| to_json(&reuse)),
        "given_up": report.given_up.iter().map(given_up).collect::<Vec<_>>(),
        "why": report.reason,
        "next": report.next_step,
        "next_at": time(report.next),
        "failures": report.failures,
        "paused": report.paused,
        "candidates": report.candidates.iter().map(Secret::expose).collect::<Vec<_>>(),
    });
    if let (Some(full), Value::Object(more)) = (full.as_object_mut(), more) {
        full.extend(more);
    }
    full
}

fn given_up((kind, reason): &(EvidenceKind, String)) -> Value {
    json!({ "kind": to_json(kind), "reason": reason })
}

fn artifact(file: &SavedFile) -> Value {
    json!({
        "name": name(file),
        "vendor_name": file.vendor_name.as_ref().map(Pii::expose),
        "kind": kind(file),
        "location": file.location,
        "bytes": file.length,
        "sha256": hex(&file.sha256),
    })
}

/// The name of the file in the sink.
pub(super) fn name(file: &SavedFile) -> &str {
    file.location.rsplit('/').next().unwrap_or_default()
}

/// The kind of the evidence, or `webhook` for the payload of one.
pub(super) fn kind(file: &SavedFile) -> String {
    file.kind.map_or_else(|| "webhook".to_owned(), |kind| to_json(&kind).as_str().unwrap_or_default().to_owned())
}

/// The word of an outcome that a case can have.
pub(super) fn word(outcome: Outcome) -> &'static str {
    verdict::word(outcome)
}

fn text(secret: Option<&Secret>) -> Option<&str> {
    secret.map(Secret::expose)
}

fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}
