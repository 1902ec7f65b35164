//! Reads the description of the admin API, which says what settings and faults mean.

use serde_json::Value;

/// Follows a reference inside the description.
pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// The schema of a member, also if the parent is a reference.
pub(super) fn member<'a>(document: &'a Value, schema: &'a Value, name: &str) -> Option<&'a Value> {
    Some(resolve(document, resolve(document, schema).get("properties")?.get(name)?))
}
