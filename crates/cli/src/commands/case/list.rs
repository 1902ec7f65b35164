//! `identkit case list`.

use std::collections::VecDeque;

use clap::Args;
use identkit_collector::{CaseReader, CaseReport, CaseState};
use identkit_core::Secret;
use identkit_store::CaseId;
use serde_json::Value;

use super::json::{summary, word};
use crate::exit::Failure;
use crate::json_array::JsonArray;
use crate::output::{Format, prevent_wrapping, table};
use crate::progress::Progress;
use crate::store::{Missing, StoreArguments};
use crate::text::{id, plain};

/// Number of cases that are read at once.
const PAGE: usize = 500;

/// Lists the cases of a store, the newest last.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,

    /// Lists only cases in this state: intended, unknown, open, final, collecting, collected, deleted, closed or stuck.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<CaseState>,

    /// Lists only this number of cases: the newest ones.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
}

/// Reads the word of a state.
pub(super) fn state(text: &str) -> Result<CaseState, String> {
    CaseState::parse(text).ok_or_else(|| {
        let words: Vec<&str> = CaseState::ALL.into_iter().map(CaseState::as_str).collect();
        format!("must be one of {}", words.join(", "))
    })
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    match (format, arguments.limit) {
        (Format::Json, None) => {
            let mut array = JsonArray::default();
            for_each(arguments, format, |report| array.push(&summary(&report))).await?;
            array.end()
        }
        (_, limit) => {
            let mut newest = VecDeque::new();
            for_each(arguments, format, |report| {
                newest.push_back(report);
                if limit.is_some_and(|limit| newest.len() > limit) {
                    newest.pop_front();
                }
                Ok(())
            })
            .await?;
            show(&newest, format)
        }
    }
}

/// Calls `each` with every case that is to be listed, oldest first.
async fn for_each(
    arguments: &Arguments,
    format: Format,
    mut each: impl FnMut(CaseReport) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let store = arguments.store.open(Missing::Fail).await?;
    let reader = CaseReader::new(store.clone());
    let progress = Progress::new(format);
    let read = progress.count("cases");
    let (status, mut after) = (arguments.state.map(CaseState::as_str), CaseId::default());
    loop {
        let page = store.cases(status, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        read.add(page.len() as u64);
        // The others were opened elsewhere, and are known from webhooks only.
        for case in page.iter().filter(|case| case.version > 0) {
            each(reader.describe(case, &[])?)?;
        }
    }
}

fn show(cases: &VecDeque<CaseReport>, format: Format) -> Result<(), Failure> {
    let json: Value = cases.iter().map(summary).collect();
    format.show(&json, |page| {
        if cases.is_empty() {
            return page.line("no cases");
        }
        let header = ["Case", "Created", "Provider", "Vendor's id", "Reference", "State", "Outcome"];
        let mut table = table(&header);
        for case in cases {
            let secret = |secret: Option<&Secret>| secret.map(|secret| id(secret.expose())).unwrap_or_default();
            table.add_row([
                case.case.0.to_string(),
                case.created.strftime("%FT%TZ").to_string(),
                plain(&case.provider),
                secret(case.vendor_id.as_ref()),
                secret(case.reference.as_ref()),
                case.state.to_string(),
                case.outcome.map(|outcome| word(outcome).to_owned()).unwrap_or_default(),
            ]);
        }
        prevent_wrapping(&mut table, &header, &["Case", "Created"]);
        page.table(table);
    })
}
