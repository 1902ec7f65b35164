//! How the accounts are set up.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::input::{Form, Input, NoMembers, RevealQuery, check_masks};
use super::problem::{Problem, ProblemKind};
use super::route::{Context, Json, Route, route};
use super::schemas::Settings;
use crate::journal::Secrets;

pub(super) fn routes() -> Vec<Route> {
    let all = ("getSettings", "The settings of the vendors' accounts", "All settings.");
    let change = ("changeSettings", "Changes settings", "All settings as they are now.");
    vec![
        route(Method::GET, "settings", all, get),
        route(Method::POST, "settings", change, set)
            .describe(
                "Changes the named settings; the others stay. If any of them is invalid, none is changed, and `faults` \
                 lists all of them. A masked secret cannot be set (`admin-reveal`).",
            )
            .problems(&[ProblemKind::MaskedSecret, ProblemKind::InvalidSettings, ProblemKind::SettingsConflict]),
    ]
}

async fn get(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Settings>, Problem> {
    all(&context, query.reveal)
}

/// The settings to change, by vendor. The vendors check them, so that all violations are reported at once.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct SettingsChange(Map<String, Value>);

impl Input for SettingsChange {
    const INVALID: ProblemKind = ProblemKind::InvalidBody;

    fn read(members: Map<String, Value>, _: &Form) -> Result<Self, Problem> {
        check_masks(&members)?;
        Ok(Self(members))
    }
}

super::schemas::by_vendor!(SettingsChange, "SettingsChange", "Settings to change, by vendor.", change, false);

async fn set(context: Context, query: RevealQuery, body: SettingsChange) -> Result<Json<Settings>, Problem> {
    context.sandbox()?;
    match context.worlds.set_up(&context.world, &body.0) {
        Ok(()) => all(&context, query.reveal),
        Err(Some(refused)) => {
            Err(Problem::refused([ProblemKind::InvalidSettings, ProblemKind::SettingsConflict], &refused))
        }
        Err(None) => Err(Problem::unknown_world(&context.worlds.ids())),
    }
}

/// The accounts' credentials are returned, since clients log in with them; secrets in URLs of receivers are masked.
fn all(context: &Context, secrets: Secrets) -> Result<Json<Settings>, Problem> {
    Ok(Json(Settings(secrets.urls(context.sandbox()?.settings()))))
}
