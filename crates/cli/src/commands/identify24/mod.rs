//! `identkit identify24`.

mod account;
mod create;
mod ident;
mod kept;
mod shown;

use std::process::ExitCode;

use identkit_identify24::messages::CreateIdent;
use identkit_identify24::{CasePolicy, Dialect};
use identkit_wire::json;

use crate::args::{Format, Identify24, Identify24Command};
use crate::connect;
use crate::exit::Failure;

pub(crate) async fn run(identify24: &Identify24, format: Format) -> Result<ExitCode, Failure> {
    let ran = match &identify24.command {
        Identify24Command::Login => account::login(identify24, format).await,
        Identify24Command::Create { file, out, preserve_case, allow_both_pdf_sources } => {
            create::somewhere(identify24.reveal, out.as_deref())?;
            let input = connect::input(file).await?;
            let ident: CreateIdent = json::read(&input.bytes).map_err(|fault| input.unusable(&fault.input()))?;
            let case = if *preserve_case { CasePolicy::Preserve } else { CasePolicy::Uppercase };
            let dialect = Dialect::new().case(case).allow_both_pdf_sources(*allow_both_pdf_sources);
            create::create(identify24, &ident, &input.name, dialect, out.as_deref(), format).await
        }
        Identify24Command::Get { ident_id, from, told } => {
            let id = ident::id(ident_id.as_deref(), from.as_deref()).await?;
            ident::get(identify24, &id, told, format).await
        }
        Identify24Command::Projects => account::projects(identify24, format).await,
        Identify24Command::Project { project_id, by_list } => {
            account::project(identify24, project_id, *by_list, format).await
        }
    };
    ran.map_err(|failure| failure.asked_at(&identify24.base_url, connect::IDENTIFY24_BASE_URL)).map_err(|failure| {
        if failure.breaks("AI-19") {
            failure.note("leave one of the two PDFs out; --allow-both-pdf-sources sends both as they are")
        } else {
            failure
        }
    })
}
