//! Values whose form the vendors decide: accounts, settings, cases.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::sandbox::in_json;
use crate::vendors::schemas;
use crate::vendors::schemas::VendorSchemas;

/// Implements [`JsonSchema`] for an object with one member for each vendor.
macro_rules! by_vendor {
    ($name:ident, $called:literal, $about:literal, $part:ident, $required:literal) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $called.into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::server::admin::schemas::members(generator, $about, |vendor| vendor.$part, $required)
            }
        }
    };
}
pub(super) use by_vendor;

/// An object with one member for each vendor.
pub(super) fn members(
    generator: &mut SchemaGenerator,
    about: &str,
    part: fn(&VendorSchemas) -> fn(&mut SchemaGenerator) -> Schema,
    required: bool,
) -> Schema {
    let members: Map<String, Value> =
        schemas().iter().map(|vendor| (in_json(vendor.name), part(vendor)(generator).to_value())).collect();
    let names: Vec<String> = members.keys().cloned().collect();
    match required {
        true => json_schema!({ "type": "object", "description": about, "properties": members, "required": names }),
        false => json_schema!({
            "type": "object", "description": about, "properties": members, "additionalProperties": false,
        }),
    }
}

/// The settings of all vendors.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Settings(pub(super) Value);

by_vendor!(Settings, "Settings", "The settings of all vendors.", settings, true);

/// The accounts of all vendors.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Accounts(pub(super) Map<String, Value>);

by_vendor!(Accounts, "Accounts", "The accounts of all vendors.", account, true);

/// An order or ident.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Case(pub(super) Value);

impl JsonSchema for Case {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Case".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let cases: Vec<Schema> = schemas().iter().map(|vendor| (vendor.case)(generator)).collect();
        json_schema!({ "description": "An order or ident.", "oneOf": cases })
    }
}
