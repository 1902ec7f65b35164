//! The account of the partner: login and projects.

use identkit_core::Clock;
use identkit_identify24::Dialect;
use identkit_identify24::operations::Login;
use identkit_transport::SystemClock;
use identkit_wire::{Operation, has_blank_ends};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::client::Identify24;
use crate::context::{document, warn};
use crate::exit::Failure;
use crate::output::{table, text, to_json};
use crate::text::plain;

/// How long after its last use a token expires (I-006).
const LIFETIME: SignedDuration = SignedDuration::from_mins(30);

/// Maximum length of a project id in characters.
const MAX_ID: usize = 64;

/// The members of a project in tables.
const PROJECT: [&str; 3] = ["id", "title", "status"];

pub(super) async fn login(identify24: &Identify24<'_>) -> Result<(), Failure> {
    identify24.reject_raw("the response to a login is the token, which is the result")?;
    let client = identify24.client(|client| client)?;
    let response = client.login(&identify24.options).await.map_err(|error| error.with_operation(Login::META.name));
    let idles_out = SystemClock::new().wall().checked_add(LIFETIME).ok().map(|at| at.strftime("%FT%TZ").to_string());
    let response = warn(response)?;
    let partner = identify24.arguments.account.partner.clone().unwrap_or_default();
    let vendor = to_json(&response.value);
    let more = json!({ "partner": partner, "idles_out_at": idles_out, "hidden": [] });
    identify24.show(document(vendor.clone(), &response, more), |page| {
        let until = idles_out.as_ref().map_or_else(String::new, |at| format!("{at}, unless it is used before"));
        page.pairs([("partner", plain(&partner)), ("token", text(&vendor, "token")), ("expires at", until)]);
    })
}

pub(super) async fn projects(identify24: &Identify24<'_>) -> Result<(), Failure> {
    let client = identify24.client(|client| client)?;
    let response = warn(client.projects(&identify24.options).await)?;
    let projects: Vec<Value> = response.value.iter().map(to_json).collect();
    identify24.show(document(json!({ "projects": projects }), &response, json!({})), |page| {
        let mut table = table(&["Id", "Title", "Status"]);
        for project in &projects {
            table.add_row(PROJECT.map(|name| text(project, name)));
        }
        page.table(table);
        if projects.is_empty() {
            page.note("the account has no projects");
        }
    })
}

pub(super) async fn project(identify24: &Identify24<'_>, project_id: &str, by_list: bool) -> Result<(), Failure> {
    if project_id.is_empty()
        || has_blank_ends(project_id)
        || project_id.chars().count() > MAX_ID
        || project_id.chars().any(char::is_control)
    {
        return Err(Failure::unsent(format!(
            "a project id is 1 to {MAX_ID} characters without blanks around them, e.g. 6"
        )));
    }
    let client = identify24.client(|client| client.dialect(Dialect::new().projects_by_list(by_list)))?;
    let response = warn(client.project(&project_id.into(), &identify24.options).await)?;
    let fell_back = response.warnings.iter().any(|warning| warning.rule == "AI-07");
    let found_by = if by_list || fell_back { "project/getAll" } else { "project/get" };
    let project = to_json(&response.value);
    identify24.show(document(project.clone(), &response, json!({ "found_by": found_by })), |page| {
        page.pairs(PROJECT.map(|name| (name, text(&project, name))));
    })
}
