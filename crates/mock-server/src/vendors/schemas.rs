//! The schemas of what the vendors write into the admin API: accounts, settings and cases. One block for each vendor.

#[cfg(any(feature = "identify24", feature = "identity-tm"))]
use schemars::JsonSchema;
use schemars::{Schema, SchemaGenerator};

type Describe = fn(&mut SchemaGenerator) -> Schema;

/// The schemas of a vendor.
pub(crate) struct VendorSchemas {
    pub(crate) name: &'static str,
    pub(crate) account: Describe,
    pub(crate) settings: Describe,
    /// Settings to change.
    pub(crate) change: Describe,
    pub(crate) case: Describe,
}

#[cfg(any(feature = "identify24", feature = "identity-tm"))]
impl VendorSchemas {
    fn new<Account: JsonSchema, Settings: JsonSchema, Case: JsonSchema>(name: &'static str) -> Self {
        Self {
            name,
            account: SchemaGenerator::subschema_for::<Account>,
            settings: SchemaGenerator::subschema_for::<Settings>,
            change: SchemaGenerator::subschema_for::<Change<Settings>>,
            case: SchemaGenerator::subschema_for::<Case>,
        }
    }
}

#[cfg(any(feature = "identify24", feature = "identity-tm"))]
/// Settings, of which any can be left out.
struct Change<S>(std::marker::PhantomData<S>);

#[cfg(any(feature = "identify24", feature = "identity-tm"))]
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

/// The schemas of every vendor of this crate that its features name.
pub(crate) fn all() -> Vec<VendorSchemas> {
    vec![
        #[cfg(feature = "identify24")]
        VendorSchemas::new::<super::identify24::AccountView, super::identify24::Settings, super::identify24::CaseView>(
            identkit_identify24::PROVIDER,
        ),
        #[cfg(feature = "identity-tm")]
        VendorSchemas::new::<super::identity_tm::AccountView, super::identity_tm::Settings, super::identity_tm::CaseView>(
            identkit_identity_tm::PROVIDER,
        ),
    ]
}
