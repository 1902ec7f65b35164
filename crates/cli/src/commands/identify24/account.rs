//! The partner's account: login and projects.

use std::process::ExitCode;

use identkit_core::Clock;
use identkit_identify24::Dialect;
use identkit_identify24::messages::Project;
use identkit_identify24::operations::Login;
use identkit_transport::SystemClock;
use identkit_wire::Operation;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::shown::Shown;
use crate::args::{Format, Identify24};
use crate::commands::{warn, with_about};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::{connect, output};

/// A token that was not used for so long is dead (I-006).
const IDLE: SignedDuration = SignedDuration::from_mins(30);

/// The longest project id that is taken for one, in characters.
const PROJECT_ID: usize = 64;

pub(super) async fn login(identify24: &Identify24, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identify24(identify24, &Progress::new(format), |client| client)?;
    let answered = client.login(&connect::options(&identify24.calls)).await;
    let answered = answered.map_err(|error| error.with_operation(Login::META.name))?;
    let idles_out = SystemClock::new().wall().checked_add(IDLE).ok().map(|at| at.strftime("%FT%TZ").to_string());
    warn(&answered);
    let partner = identify24.partner.clone().unwrap_or_default();
    let vendor = serde_json::to_value(&answered.value).unwrap_or(Value::Null);
    let shown = Shown::new(vendor, &["result", "response_status"], identify24.reveal);
    match format {
        Format::Json => {
            let more = json!({ "partner": partner, "idles_out_at": idles_out, "hidden": shown.hidden });
            output::print_json(&with_about(shown.value, &answered, more))?;
        }
        Format::Table => {
            let mut table = output::table(&[]);
            table.add_row(["partner".to_owned(), output::plain(&partner)]);
            table.add_row(["token".to_owned(), shown.text("token").unwrap_or_default()]);
            let idles_out = idles_out.map_or_else(String::new, |at| format!("{at}, if it is not used before"));
            table.add_row(["idles out at".to_owned(), idles_out]);
            output::print_table(&table)?;
            shown.note();
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A project as it may be printed.
fn shown(project: &Project, reveal: bool) -> Shown {
    Shown::new(serde_json::to_value(project).unwrap_or(Value::Null), &["id", "title", "status"], reveal)
}

pub(super) async fn projects(identify24: &Identify24, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identify24(identify24, &Progress::new(format), |client| client)?;
    let answered = client.projects(&connect::options(&identify24.calls)).await?;
    warn(&answered);
    let projects: Vec<Shown> = answered.value.iter().map(|project| shown(project, identify24.reveal)).collect();
    match format {
        Format::Json => {
            let list: Vec<Value> = projects.into_iter().map(|shown| shown.value).collect();
            output::print_json(&with_about(json!({ "projects": list }), &answered, json!({})))?;
        }
        Format::Table => {
            let mut table = output::table(&["Id", "Title", "Status"]);
            for project in &projects {
                table.add_row(["id", "title", "status"].map(|name| project.text(name).unwrap_or_default()));
            }
            output::print_table(&table)?;
            if projects.is_empty() {
                output::say("note: the account has no projects");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn project(
    identify24: &Identify24,
    project_id: &str,
    by_list: bool,
    format: Format,
) -> Result<ExitCode, Failure> {
    let project_id = project_id.trim();
    if project_id.is_empty() || project_id.chars().count() > PROJECT_ID || project_id.chars().any(char::is_control) {
        let told = format!("a project id is 1 to {PROJECT_ID} characters, e.g. 6; nothing was sent");
        return Err(Failure::usage(told));
    }
    let dialect = Dialect::new().projects_by_list(by_list);
    let client = connect::identify24(identify24, &Progress::new(format), |client| client.dialect(dialect))?;
    let answered = client.project(&project_id.into(), &connect::options(&identify24.calls)).await?;
    warn(&answered);
    let fell_back = answered.warnings.iter().any(|warning| warning.rule == "AI-07");
    let found_by = if by_list || fell_back { "project/getAll" } else { "project/get" };
    let shown = shown(&answered.value, identify24.reveal);
    match format {
        Format::Json => output::print_json(&with_about(shown.value, &answered, json!({ "found_by": found_by })))?,
        Format::Table => {
            let mut table = output::table(&[]);
            for name in ["id", "title", "status"] {
                table.add_row([name.to_owned(), shown.text(name).unwrap_or_default()]);
            }
            output::print_table(&table)?;
            shown.note();
        }
    }
    Ok(ExitCode::SUCCESS)
}
