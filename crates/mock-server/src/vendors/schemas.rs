//! The vendors' schemas for the admin API: accounts, settings and cases.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::AccountState;

type Describe = fn(&mut SchemaGenerator) -> Schema;

pub(crate) struct VendorSchemas {
    pub(crate) name: &'static str,
    pub(crate) account: Describe,
    pub(crate) settings: Describe,
    pub(crate) change: Describe,
    pub(crate) case: Describe,
}

impl VendorSchemas {
    pub(super) fn new<State: AccountState<Settings: JsonSchema>, Case: JsonSchema>(name: &'static str) -> Self {
        Self {
            name,
            account: account::<State>,
            settings: SchemaGenerator::subschema_for::<State::Settings>,
            change: SchemaGenerator::subschema_for::<Change<State::Settings>>,
            case: SchemaGenerator::subschema_for::<Case>,
        }
    }
}

/// Returns the schema of an account: the base path, and both halves of the credentials, with their settings' schemas.
fn account<State: AccountState<Settings: JsonSchema>>(generator: &mut SchemaGenerator) -> Schema {
    let settings = State::Settings::json_schema(generator);
    let names = State::credentials(&mut State::Settings::default()).map(|(name, _)| name);
    let own = names.map(|name| (name.to_owned(), settings.pointer(&format!("/properties/{name}")).cloned().into()));
    let base = json!({ "type": "string", "description": "Beginning of the vendor's paths." });
    let properties: Map<String, Value> = own.into_iter().chain([("base_path".to_owned(), base)]).collect();
    let required: Vec<&String> = properties.keys().collect();
    json_schema!({ "type": "object", "properties": properties, "required": required })
}

struct Change<S>(std::marker::PhantomData<S>);

impl<S: JsonSchema> JsonSchema for Change<S> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}Change", S::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = S::json_schema(generator);
        schema.remove("required");
        schema.insert("additionalProperties".into(), false.into());
        schema
    }
}
