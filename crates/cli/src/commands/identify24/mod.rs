//! `identkit identify24`.

mod account;
mod answer_file;
mod arguments;
mod cases;
mod client;
mod create;
mod ident;
mod ids;
mod sandbox;
mod webhooks;

use std::process::ExitCode;

use identkit_identify24::{CasePolicy, Dialect};

pub(crate) use self::arguments::Arguments;
use self::arguments::Command;
pub(crate) use self::cases::{IdentOpener, Identify24Account};
use self::client::Identify24;
pub(crate) use self::ids::IDENT_ID;
pub(crate) use self::sandbox::{HINTS, SandboxOptions};
pub(crate) use self::webhooks::WEBHOOKS;
use crate::context::{Api, Context};
use crate::exit::Failure;
use crate::output::Format;

pub(crate) async fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let api = Api {
        base_url: &arguments.base_url,
        variable: "IDENTKIT_IDENTIFY24_BASE_URL",
        secret_ids: true,
        changes: matches!(arguments.command, Command::Create { .. }),
        is_probe: matches!(arguments.command, Command::Login | Command::Projects),
    };
    let context = Context::new(arguments, api, &arguments.connection, &arguments.trace, format)?;
    let identify24 = &Identify24::from(context);
    let result = match &arguments.command {
        Command::Login => account::login(identify24).await,
        Command::Create { file, out, reveal, preserve_case, allow_both_pdf_sources, switches } => {
            let case = if *preserve_case { CasePolicy::Preserve } else { CasePolicy::Uppercase };
            let dialect = Dialect::new().case(case).allow_both_pdf_sources(*allow_both_pdf_sources);
            let dialect = switches.apply(dialect);
            create::create(identify24, file, dialect, (out.as_deref(), *reveal)).await
        }
        Command::Get { ident_id, from, any_id, interpretation } => {
            let id = ident::id(identify24, ident_id.as_deref(), from.as_deref(), *any_id).await;
            match id {
                Ok(id) => ident::get(identify24, &id, interpretation).await,
                Err(failure) => Err(failure),
            }
        }
        Command::Projects => account::projects(identify24).await,
        Command::Project { project_id, by_list } => account::project(identify24, project_id, *by_list).await,
    };
    let ended = identify24.finish(result, identify24.probe()).await;
    ended.map(|()| ExitCode::SUCCESS).map_err(|failure| match failure.breaks("AI-19") {
        true => failure.note("remove one of the two PDFs, or send both with --allow-both-pdf-sources"),
        false => failure,
    })
}
