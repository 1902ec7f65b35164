//! `identkit case status`.

use identkit_collector::CaseReport;
use identkit_core::Secret;
use jiff::Timestamp;

use super::find::Arguments;
use super::json::{full, kind, name, word};
use crate::exit::Failure;
use crate::hex::hex;
use crate::output::{Format, Page, prevent_wrapping, table};
use crate::text::{id, plain};

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let report = arguments.report().await?;
    format.show(&full(&report), |page| show(page, &report))
}

/// The kinds of evidence that a person gave up.
fn given_up(report: &CaseReport) -> Option<String> {
    let kinds: Vec<_> =
        report.given_up.iter().map(|(kind, reason)| format!("{} ({})", kind.as_str(), plain(reason))).collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

fn show(page: &mut Page, report: &CaseReport) {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let secret = |secret: Option<&Secret>| secret.map(|secret| id(secret.expose()));
    let rows = [
        ("case", Some(report.case.0.to_string())),
        ("provider", Some(plain(&report.provider))),
        ("vendor's id", secret(report.vendor_id.as_ref())),
        ("reference", secret(report.reference.as_ref())),
        ("state", Some(report.state.to_string())),
        ("outcome", report.outcome.map(|outcome| word(outcome).to_owned())),
        ("signed data", report.reuse.map(|reuse| reuse.to_string())),
        ("person's URL", secret(report.person_url.as_ref())),
        ("created", Some(report.created.to_string())),
        ("ended", time(report.ended)),
        ("collected", time(report.collected)),
        ("deleted", time(report.deleted)),
        ("given up", given_up(report)),
        ("why", Some(plain(&report.reason))),
        ("next", Some(plain(&report.next_step))),
        ("next at", time(report.next)),
    ];
    page.pairs(rows.into_iter().filter_map(|(name, value)| Some((name, value?))));
    if report.artifacts.is_empty() {
        return;
    }
    let header = ["Name", "Kind", "Bytes", "SHA-256", "Location"];
    let mut artifacts = table(&header);
    for file in &report.artifacts {
        let (name, location) = (plain(name(file)), plain(&file.location));
        artifacts.add_row([name, kind(file), file.length.to_string(), hex(&file.sha256), location]);
    }
    prevent_wrapping(&mut artifacts, &header, &["SHA-256"]);
    page.table(artifacts);
}
