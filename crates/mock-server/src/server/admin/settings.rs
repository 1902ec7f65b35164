//! The settings of the accounts, and values whose schema the vendors define.

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Context, Form, Input, Json, NoMembers, Problem, ProblemKind, RevealQuery, Route, check_masks, route};
use crate::journal::Secrets;
use crate::sandbox::json_key;
use crate::vendors::schemas;
use crate::vendors::schemas::VendorSchemas;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "settings", "getSettings", "The settings of the vendors' accounts", get),
        route(Method::POST, "settings", "changeSettings", "Changes settings and returns all of them", set)
            .describe(
                "Changes the named settings only. Each is replaced as a whole: name all `stories` and URLs that must stay. \
                 If any of them is invalid, none is changed, and `faults` lists all \
                 violations. A masked secret cannot be set (`admin-reveal`).",
            )
            .problems(&[ProblemKind::MaskedSecret, ProblemKind::InvalidSettings, ProblemKind::SettingsConflict]),
    ]
}

async fn get(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Settings>, Problem> {
    all(&context, query.secrets()?)
}

async fn set(context: Context, query: RevealQuery, body: SettingsChange) -> Result<Json<Settings>, Problem> {
    let secrets = query.secrets()?;
    context.sandbox()?;
    match context.worlds.set_up(&context.world, &body.0) {
        Ok(()) => all(&context, secrets),
        Err(Some(refused)) => {
            Err(Problem::refused([ProblemKind::InvalidSettings, ProblemKind::SettingsConflict], &refused))
        }
        Err(None) => Err(Problem::unknown_world(&context.worlds.ids())),
    }
}

/// Returns all settings. Credentials are included, because clients log in with them; secrets in receivers' URLs are
/// masked.
fn all(context: &Context, secrets: Secrets) -> Result<Json<Settings>, Problem> {
    Ok(Json(Settings(secrets.urls(context.sandbox()?.settings()))))
}

/// The settings of all vendors.
#[derive(Serialize, JsonSchema)]
pub(super) struct Settings(#[schemars(schema_with = "settings")] pub(super) Value);

/// Settings to change, by vendor.
#[derive(Deserialize, JsonSchema)]
pub(super) struct SettingsChange(#[schemars(schema_with = "change")] pub(super) Map<String, Value>);

/// The accounts of all vendors.
#[derive(Serialize, JsonSchema)]
pub(super) struct Accounts(#[schemars(schema_with = "accounts")] pub(super) Map<String, Value>);

/// An order or ident.
#[derive(Serialize, JsonSchema)]
pub(super) struct Case(#[schemars(schema_with = "case")] pub(super) Value);

fn settings(generator: &mut SchemaGenerator) -> Schema {
    by_vendor(generator, |vendor| vendor.settings, true)
}

fn change(generator: &mut SchemaGenerator) -> Schema {
    by_vendor(generator, |vendor| vendor.change, false)
}

fn accounts(generator: &mut SchemaGenerator) -> Schema {
    by_vendor(generator, |vendor| vendor.account, true)
}

fn case(generator: &mut SchemaGenerator) -> Schema {
    let cases: Vec<Schema> = schemas().iter().map(|vendor| (vendor.case)(generator)).collect();
    json_schema!({ "oneOf": cases })
}

fn by_vendor(
    generator: &mut SchemaGenerator,
    part: fn(&VendorSchemas) -> fn(&mut SchemaGenerator) -> Schema,
    required: bool,
) -> Schema {
    let members: Map<String, Value> =
        schemas().iter().map(|vendor| (json_key(vendor.name), part(vendor)(generator).to_value())).collect();
    let names: Vec<String> = members.keys().cloned().collect();
    match required {
        true => json_schema!({ "type": "object", "properties": members, "required": names }),
        false => json_schema!({ "type": "object", "properties": members, "additionalProperties": false }),
    }
}

impl Input for SettingsChange {
    const INVALID: ProblemKind = ProblemKind::InvalidBody;

    fn read(members: Map<String, Value>, _: &Form) -> Result<Self, Problem> {
        check_masks(&members)?;
        Ok(Self(members))
    }
}
