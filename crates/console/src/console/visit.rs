//! One request to the console: its world, its query, and the calls of the admin API that the page makes.

use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request};
use identkit_mock_server::server::AdminApi;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::api::{self, Refused};

/// Everything except the characters that never need an encoding in a path segment or a query value.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The world without `?world=`.
const DEFAULT: &str = "default";

/// Encodes a path segment, or a name or value of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Decodes the pairs of a query, or of the body of a form.
pub(super) fn pairs(encoded: &str) -> Vec<(String, String)> {
    let text = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = encoded.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// Adds a parameter to a path.
pub(super) fn with(path: &str, name: &str, value: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{}={}", encode(name), encode(value))
}

pub(super) struct Visit<'a> {
    admin: &'a AdminApi,
    request: &'a Request<Bytes>,
    pub(super) world: String,
    query: Vec<(String, String)>,
    /// The calls that the page made, and those that its forms can make, for "the same with curl".
    pub(super) calls: Vec<Call>,
}

/// A call of the admin API: method, path below its root, and body.
pub(super) struct Call(pub(super) Method, pub(super) String, pub(super) Value);

impl<'a> Visit<'a> {
    pub(super) fn new(admin: &'a AdminApi, request: &'a Request<Bytes>) -> Self {
        let query = pairs(request.uri().query().unwrap_or_default());
        let named = query.iter().find(|(name, value)| name == "world" && !value.is_empty());
        let world = named.map_or(DEFAULT, |(_, world)| world).to_owned();
        Self { admin, request, world, query, calls: Vec::new() }
    }

    pub(super) fn method(&self) -> &'a Method {
        self.request.method()
    }

    pub(super) fn body(&self) -> &'a [u8] {
        self.request.body()
    }

    pub(super) fn path(&self) -> &'a str {
        self.request.uri().path()
    }

    /// The decoded segments of the path.
    pub(super) fn segments(&self) -> Vec<String> {
        let segments = self.path().split('/').filter(|segment| !segment.is_empty());
        segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
    }

    /// A parameter of the query; `None` if it is empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name)?;
        Some(found.1.trim()).filter(|value| !value.is_empty())
    }

    /// Whether secrets are shown.
    pub(super) fn reveals(&self) -> bool {
        self.parameter("reveal") == Some("true")
    }

    /// A path of the console in the same world.
    pub(super) fn link(&self, path: &str) -> String {
        if self.world == DEFAULT { path.to_owned() } else { with(path, "world", &self.world) }
    }

    /// The path of this page with these parameters; the others of its query are left out.
    pub(super) fn here(&self, parameters: &[(&str, &str)]) -> String {
        let given = parameters.iter().filter(|(_, value)| !value.is_empty());
        given.fold(self.link(self.path()), |path, (name, value)| with(&path, name, value))
    }

    /// The path of this page with its whole query, except for the notice of the last action.
    pub(super) fn same(&self) -> String {
        let kept = self.query.iter().filter(|(name, _)| name != "done" && name != "world");
        kept.fold(self.link(self.path()), |path, (name, value)| with(&path, name, value))
    }

    /// Address of the admin API, as the browser reached it.
    pub(super) fn origin(&self) -> String {
        let host = self.request.headers().get(HOST).and_then(|host| host.to_str().ok());
        format!("http://{}", host.unwrap_or("127.0.0.1:8444"))
    }

    /// Adds the world to a path of the admin API, which applies to one world.
    pub(super) fn in_world(&self, path: &str) -> String {
        let names_it = path.starts_with("worlds") || path.starts_with("version") || path.starts_with("openapi");
        if names_it { path.to_owned() } else { self.link(path) }
    }

    /// Makes a call that changes nothing.
    pub(super) async fn get(&mut self, path: &str) -> Result<Value, Refused> {
        let path = self.in_world(path);
        self.calls.push(Call(Method::GET, path.clone(), Value::Null));
        api::call(self.admin, Method::GET, &path, &Value::Null).await
    }

    /// Makes a call that changes the world.
    pub(super) async fn change(&self, method: Method, path: &str, body: &Value) -> Result<Value, Refused> {
        api::call(self.admin, method, &self.in_world(path), body).await
    }

    /// Makes a call for the page itself, which says nothing about the world and is not shown.
    pub(super) async fn describe(&self, path: &str) -> Result<Value, Refused> {
        api::call(self.admin, Method::GET, &self.in_world(path), &Value::Null).await
    }

    /// Shows a call that a form of the page makes.
    pub(super) fn offer(&mut self, path: &str, body: Value) {
        self.calls.push(Call(Method::POST, self.in_world(path), body));
    }

    /// Reads a file.
    pub(super) async fn file(&mut self, path: &str) -> Result<api::File, Refused> {
        let path = self.in_world(path);
        self.calls.push(Call(Method::GET, path.clone(), Value::Null));
        api::file(self.admin, &path).await
    }
}
