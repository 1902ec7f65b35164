//! `identkit identify24`.

use std::process::ExitCode;

use identkit_identify24::messages::{CreateIdent, IdentId};
use identkit_identify24::{CasePolicy, Dialect};
use identkit_wire::json;
use serde_json::{Value, json};

use super::{warn, with_about};
use crate::args::{Format, Identify24, Identify24Command};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::{connect, output};

/// The order in which an ident is told; what the vendor adds follows.
const ORDER: [&str; 12] = [
    "id",
    "status",
    "project_id",
    "person_first_name",
    "person_last_name",
    "created_at",
    "appointment_date",
    "custom_id",
    "custom1",
    "custom2",
    "custom3",
    "custom4",
];

pub(crate) async fn run(identify24: &Identify24, format: Format) -> Result<ExitCode, Failure> {
    let ran = match &identify24.command {
        Identify24Command::Create { file, preserve_case, allow_both_pdf_sources } => {
            let input = connect::input(file)?;
            let ident: CreateIdent = json::read(&input.bytes).map_err(|fault| input.unusable(&fault.input()))?;
            let case = if *preserve_case { CasePolicy::Preserve } else { CasePolicy::Uppercase };
            let dialect = Dialect::new().case(case).allow_both_pdf_sources(*allow_both_pdf_sources);
            create(identify24, &ident, dialect, format).await
        }
        Identify24Command::Get { ident_id } => get(identify24, &IdentId::from_typed(ident_id)?, format).await,
    };
    ran.map_err(|failure| failure.asked_at(&identify24.base_url, connect::IDENTIFY24_BASE_URL)).map_err(|failure| {
        if failure.breaks("AI-19") {
            failure.note("leave one of the two PDFs out; --allow-both-pdf-sources sends both as they are")
        } else {
            failure
        }
    })
}

async fn create(
    identify24: &Identify24,
    ident: &CreateIdent,
    dialect: Dialect,
    format: Format,
) -> Result<ExitCode, Failure> {
    let client = connect::identify24(identify24, dialect, &Progress::new(format))?;
    let created = client.create_ident(ident, &connect::options(&identify24.calls)).await?;
    warn(&created);
    match format {
        Format::Json => {
            let vendor = serde_json::to_value(&created.value).unwrap_or(Value::Null);
            output::print_json(&with_about(vendor, &created, json!({})))?;
        }
        Format::Table => {
            let mut table = output::table(&[]);
            table.add_row(["ident_id", &output::plain(created.value.ident_id.as_ref().map_or("", IdentId::expose))]);
            let url = created.value.conference_url.as_ref().map_or("", |url| url.expose());
            table.add_row(["conference_url", &output::plain(url)]);
            output::print_table(&table)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(identify24: &Identify24, ident_id: &IdentId, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identify24(identify24, Dialect::new(), &Progress::new(format))?;
    let read = client.get_ident(ident_id, &connect::options(&identify24.calls)).await?;
    warn(&read);
    let vendor = serde_json::to_value(&read.value).unwrap_or(Value::Null);
    match format {
        Format::Json => output::print_json(&with_about(vendor, &read, json!({})))?,
        Format::Table => {
            let mut table = output::table(&[]);
            let mut rows: Vec<_> = vendor.as_object().into_iter().flatten().collect();
            rows.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
            for (name, value) in rows {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                table.add_row([output::plain(name), output::plain(&text)]);
            }
            output::print_table(&table)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
