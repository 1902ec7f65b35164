//! `identkit identify24`.

use std::process::ExitCode;

use identkit_identify24::messages::{CreateIdent, IdentId};
use identkit_identify24::{CasePolicy, Dialect};
use identkit_wire::json;
use serde_json::{Value, json};

use super::{warn, with_about};
use crate::args::{Format, Identify24, Identify24Command};
use crate::exit::Failure;
use crate::{connect, output};

pub(crate) async fn run(identify24: &Identify24, format: Format) -> Result<ExitCode, Failure> {
    match &identify24.command {
        Identify24Command::Create { file, preserve_case, allow_both_pdf_sources } => {
            let bytes = connect::input(file)?;
            let ident: CreateIdent =
                json::read(&bytes).map_err(|fault| fault.input().with_operation("ident/create"))?;
            let case = if *preserve_case { CasePolicy::Preserve } else { CasePolicy::Uppercase };
            let dialect = Dialect::new().case(case).allow_both_pdf_sources(*allow_both_pdf_sources);
            create(identify24, &ident, dialect, format).await
        }
        Identify24Command::Get { ident_id } => get(identify24, &IdentId::from_typed(ident_id)?, format).await,
    }
}

async fn create(
    identify24: &Identify24,
    ident: &CreateIdent,
    dialect: Dialect,
    format: Format,
) -> Result<ExitCode, Failure> {
    let client = connect::identify24(identify24, dialect)?;
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
            output::print(&table.to_string())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(identify24: &Identify24, ident_id: &IdentId, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identify24(identify24, Dialect::new())?;
    let read = client.get_ident(ident_id, &connect::options(&identify24.calls)).await?;
    warn(&read);
    let vendor = serde_json::to_value(&read.value).unwrap_or(Value::Null);
    match format {
        Format::Json => output::print_json(&with_about(vendor, &read, json!({})))?,
        Format::Table => {
            let mut table = output::table(&[]);
            for (name, value) in vendor.as_object().into_iter().flatten() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                table.add_row([name.as_str(), &output::plain(&text)]);
            }
            output::print(&table.to_string())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
