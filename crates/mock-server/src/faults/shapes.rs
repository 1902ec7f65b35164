//! The shapes that the documents leave open: each vendor's are data, and one of them is put on an answer.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, HeaderMap};
use identkit_core::Content;
use serde_json::{Map, Value};

use super::rule::names;

/// A shape that an answer may have besides the usual one.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its name, for [`Fault::ShapeVariant`](super::Fault::ShapeVariant).
    pub name: &'static str,
    /// What it is, and the trap of the contract that knows it.
    pub says: &'static str,
    /// The calls whose answers may have it; all when empty.
    pub operations: &'static [&'static str],
    /// What is done to the answer.
    pub change: Reshape,
}

/// What is done to an answer. Each says whether it has changed anything.
#[derive(Clone, Copy, Debug)]
pub enum Reshape {
    /// To its JSON.
    Value(fn(&mut Value) -> bool),
    /// To the text of its JSON.
    Text(fn(&str) -> Option<String>),
    /// To its headers.
    Head(fn(&mut HeaderMap) -> bool),
}

impl Shape {
    /// A shape that changes the JSON of these calls' responses; of all when there are none.
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

/// Gives an answer of success one of the shapes that fit, and says whether one did.
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

/// Changes each object of a JSON text, the inner ones first, and says whether any was changed.
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

/// Puts what stands under a name under another one.
pub fn rename(object: &mut Map<String, Value>, name: &str, other: &str) -> bool {
    match object.remove(name) {
        Some(value) => object.insert(other.to_owned(), value).is_none(),
        None => false,
    }
}

/// Puts another value under a name, and returns whether that changed anything.
pub fn put(object: &mut Map<String, Value>, name: &str, value: Value) -> bool {
    object.insert(name.to_owned(), value.clone()) != Some(value)
}

/// Puts an object into a list of its own.
pub fn as_list(value: &mut Value) -> bool {
    let changed = value.is_object();
    if changed {
        *value = Value::from([value.take()]);
    }
    changed
}

/// Replaces a list of one item by that item.
pub fn as_item(value: &mut Value) -> bool {
    let item = value.as_array_mut().filter(|list| list.len() == 1).and_then(Vec::pop);
    item.map(|item| *value = item).is_some()
}

/// Replaces the body by what `change` makes of it, and returns whether it made anything.
pub(super) fn rewrite(response: &mut Response<Content>, change: impl FnOnce(&Bytes) -> Option<Bytes>) -> bool {
    let Some(body) = response.body().as_bytes().and_then(change) else { return false };
    *response.body_mut() = Content::from_bytes(body);
    response.headers_mut().remove(CONTENT_LENGTH);
    true
}
