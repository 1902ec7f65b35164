//! `identkit case explain`.

use serde_json::json;

use super::find::Arguments;
use crate::exit::Failure;
use crate::output::{Format, to_json};
use crate::text::{id, plain};

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let report = arguments.report().await?;
    let next = report.next.map(|next| next.to_string());
    let json = json!({
        "case": report.case.0,
        "state": report.state.as_str(),
        "why": report.reason,
        "next": report.next_step,
        "next_at": next,
        "failures": report.failures,
        "paused": report.paused,
        "missing": to_json(&report.missing),
        "candidates": report.candidates.iter().map(|id| id.expose()).collect::<Vec<_>>(),
    });
    format.show(&json, |page| {
        page.line(format!("case {} is {}: {}", report.case.0, report.state, plain(&report.reason)));
        page.line(format!("next: {}", plain(&report.next_step)));
        if let Some(next) = next {
            page.line(format!("the next step is due at {next}, or earlier if a webhook arrives"));
        }
        for candidate in &report.candidates {
            page.line(format!("it can be the vendor's {}", id(candidate.expose())));
        }
    })
}
