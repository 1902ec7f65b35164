//! What went wrong, as problem+json (RFC 9457) with a `rule` that programs can go by.

use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use identkit_core::Content;
use identkit_wire::json;
use serde_json::{Map, Value, json};

use crate::rejection::Rejection;
use crate::worlds::WorldError;

/// A refusal.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    title: &'static str,
    detail: String,
    rule: &'static str,
    allow: Option<String>,
    /// What else the caller may want to know, e.g. as `faults` what is wrong where.
    more: Map<String, Value>,
}

impl Problem {
    pub(super) fn new(status: u16, title: &'static str, detail: impl Into<String>, rule: &'static str) -> Self {
        Self { status, title, detail: detail.into(), rule, allow: None, more: Map::new() }
    }

    /// The same, telling this too.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn nowhere(detail: &str) -> Self {
        let detail = format!("{detail}; the calls are described in docs/sandbox-openapi.json");
        Self::new(404, "no such call", detail, "admin-path")
    }

    pub(super) fn another_method<'a>(methods: impl Iterator<Item = &'a Method>) -> Self {
        let allow = methods.map(Method::as_str).collect::<Vec<_>>().join(", ");
        let problem = Self::new(405, "another method", format!("this path is called with {allow}"), "admin-method");
        Self { allow: Some(allow), ..problem }
    }

    pub(super) fn no_world(ids: &[String]) -> Self {
        let some = ids.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if ids.len() > 10 { format!(" and {} more", ids.len() - 10) } else { String::new() };
        Self::new(404, "no such world", format!("the worlds are: {some}{more}"), "admin-world")
    }

    /// It was taken away, or another one has taken its place.
    pub(super) fn world_ended(id: &str) -> Self {
        let detail = format!("{id} was reset, restored or taken away meanwhile");
        Self::new(404, "no such world any more", detail, "admin-world")
    }

    pub(super) fn no_case() -> Self {
        Self::new(404, "no such case", "no vendor of this world has an order or ident of this id", "admin-case")
    }

    /// What a vendor would not do: a hundred reasons, and how many more there are.
    pub(super) fn refused(title: &'static str, refused: &Rejection) -> Self {
        let refused = refused.bounded();
        let rule = refused.violations.first().map_or("admin", |fault| fault.rule);
        let faults = refused.violations.iter().map(|fault| {
            json!({ "field": fault.field, "message": fault.message, "rule": fault.rule, "section": fault.section })
        });
        let faults: Vec<Value> = faults.collect();
        let problem = Self::new(refused.status, title, refused.text(), rule);
        if faults.is_empty() { problem } else { problem.with("faults", faults) }
    }

    pub(super) fn response(self) -> Response<Content> {
        let Self { status, title, detail, rule, allow, more } = self;
        let mut value =
            json!({ "type": "about:blank", "status": status, "title": title, "detail": detail, "rule": rule });
        if let Some(object) = value.as_object_mut() {
            object.extend(more);
        }
        let mut response = json::response(status, &value).unwrap_or_else(|_| Response::new(Content::empty()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(allow) = allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

impl From<WorldError> for Problem {
    fn from(error: WorldError) -> Self {
        let (status, title) = match error {
            WorldError::Unknown => (404, "no such world"),
            WorldError::UnknownSnapshot => (404, "no such snapshot"),
            WorldError::TooManySnapshots => (409, "as many snapshots as a world keeps"),
            WorldError::Taken => (409, "there is such a world already"),
            WorldError::Default => (409, "the default world stays"),
            WorldError::SameCredentials => (409, "the credentials are taken"),
            WorldError::NotAnId => (400, "not an id"),
        };
        Self::new(status, title, error.to_string(), "admin-world")
    }
}
