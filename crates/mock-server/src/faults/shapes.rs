//! Alternative shapes of responses that the documents leave open. Each vendor lists its shapes as data.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, HeaderMap};
use identkit_core::Content;
use serde_json::{Map, Value};

use super::rule::names;

/// An alternative shape of a response.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Name for [`Fault::ShapeVariant`](super::Fault::ShapeVariant).
    pub name: &'static str,
    /// Description, with the trap of the contract.
    pub says: &'static str,
    /// The calls whose responses can have the shape; empty for all.
    pub operations: &'static [&'static str],
    /// The change of the response.
    pub change: Reshape,
}

/// A change of a response. Each function returns whether it changed anything.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Reshape {
    /// Changes the JSON value.
    Value(fn(&mut Value) -> bool),
    /// Changes the JSON text.
    Text(fn(&str) -> Option<String>),
    /// Changes the headers.
    Head(fn(&mut HeaderMap) -> bool),
}

impl Shape {
    /// Creates a shape that changes the JSON of these calls' responses; an empty list stands for all calls.
    pub const fn new(
        name: &'static str,
        says: &'static str,
        operations: &'static [&'static str],
        change: fn(&mut Value) -> bool,
    ) -> Self {
        Self { name, says, operations, change: Reshape::Value(change) }
    }

    fn fits(&self, operation: Option<&str>, variant: Option<&str>) -> bool {
        variant.is_none_or(|wanted| wanted == self.name)
            && (self.operations.is_empty()
                || operation.is_some_and(|name| self.operations.iter().any(|wanted| names(wanted, name))))
    }

    fn apply(&self, response: &mut Response<Content>) -> bool {
        match self.change {
            Reshape::Value(change) => rewrite(response, |body| {
                let mut value = serde_json::from_slice(body).ok()?;
                change(&mut value).then(|| serde_json::to_vec(&value).ok().map(Bytes::from)).flatten()
            }),
            Reshape::Text(change) => rewrite(response, |body| {
                serde_json::from_slice::<serde::de::IgnoredAny>(body).ok()?;
                change(std::str::from_utf8(body).ok()?).map(Bytes::from)
            }),
            Reshape::Head(change) => change(response.headers_mut()),
        }
    }
}

/// Applies a matching shape to a successful response, and returns whether any shape changed it.
pub(super) fn reshaped(
    response: &mut Response<Content>,
    shapes: &[Shape],
    operation: Option<&str>,
    variant: Option<&str>,
    choose: impl FnOnce(usize) -> usize,
) -> bool {
    let fitting: Vec<_> = shapes.iter().filter(|shape| shape.fits(operation, variant)).collect();
    let first = choose(fitting.len());
    response.status().is_success() && fitting.iter().cycle().skip(first).take(fitting.len()).any(|s| s.apply(response))
}

/// Changes each object of a JSON value, inner objects first, and returns whether any was changed.
pub fn each_object(value: &mut Value, change: &mut dyn FnMut(&mut Map<String, Value>) -> bool) -> bool {
    let mut changed = false;
    match value {
        Value::Object(object) => {
            for value in object.values_mut() {
                changed |= each_object(value, change);
            }
            changed |= change(object);
        }
        Value::Array(list) => {
            for value in list {
                changed |= each_object(value, change);
            }
        }
        _ => {}
    }
    changed
}

/// Renames a member, and returns whether it existed and the new name was free.
pub fn rename(object: &mut Map<String, Value>, name: &str, other: &str) -> bool {
    match object.remove(name) {
        Some(value) => object.insert(other.to_owned(), value).is_none(),
        None => false,
    }
}

/// Sets a member, and returns whether that changed anything.
pub fn put(object: &mut Map<String, Value>, name: &str, value: Value) -> bool {
    object.insert(name.to_owned(), value.clone()) != Some(value)
}

/// Wraps an object in an array, and returns whether the value was an object.
pub fn as_list(value: &mut Value) -> bool {
    let changed = value.is_object();
    if changed {
        *value = Value::from([value.take()]);
    }
    changed
}

/// Replaces an array of one item by that item, and returns whether it was one.
pub fn as_item(value: &mut Value) -> bool {
    let item = value.as_array_mut().filter(|list| list.len() == 1).and_then(Vec::pop);
    item.map(|item| *value = item).is_some()
}

/// Replaces the body by the result of `change`, and returns whether it had one.
pub(super) fn rewrite(response: &mut Response<Content>, change: impl FnOnce(&Bytes) -> Option<Bytes>) -> bool {
    let Some(body) = response.body().as_bytes().and_then(change) else { return false };
    *response.body_mut() = Content::from_bytes(body);
    response.headers_mut().remove(CONTENT_LENGTH);
    true
}
