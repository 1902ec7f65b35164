//! What a command that calls a vendor works with.

use std::sync::Arc;

use identkit_core::{CallOptions, Error};
use identkit_transport::{BaseUrl, Response, Transport};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::exit::Failure;
use crate::network;
use crate::output::{Format, Render, say};
use crate::progress::Progress;
use crate::save::Patience;

/// The options of a vendor's commands.
pub(crate) trait Vendor {
    /// The environment variable for the base URL.
    const BASE_URL: &'static str;
    fn base_url(&self) -> &str;
    fn connection(&self) -> &Connection;
}

/// What a command that calls a vendor works with, built once. `A` are the options of the vendor's commands.
pub(crate) struct Context<'a, A> {
    pub(crate) arguments: &'a A,
    pub(crate) options: CallOptions,
    pub(crate) progress: Progress,
    format: Format,
}

impl<'a, A: Vendor> Context<'a, A> {
    pub(crate) fn new(arguments: &'a A, format: Format) -> Self {
        let options = match arguments.connection().timeout {
            Some(timeout) => CallOptions::new().timeout(timeout),
            None => CallOptions::new(),
        };
        Self { arguments, options, progress: Progress::new(format), format }
    }

    /// The way to the vendor, with its progress shown.
    pub(crate) fn transport(&self) -> Result<Arc<dyn Transport>, Failure> {
        let base_url = self.arguments.base_url();
        BaseUrl::parse(base_url).map_err(|error| Failure::setting("--base-url", A::BASE_URL, &error))?;
        Ok(self.progress.watch(network::vendor(self.arguments.connection(), base_url)?))
    }

    /// The deadline for a stream, from now.
    pub(crate) fn patience(&self) -> Patience {
        Patience::begin(self.arguments.connection().timeout)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn show(&self, result: impl Render) -> Result<(), Failure> {
        self.format.show(result)
    }

    /// Adds where the API was called to a failure that may be due to that.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        failure.base_url(self.arguments.base_url(), A::BASE_URL)
    }
}

/// The value of an option that a command needs.
pub(crate) fn required<'a>(value: Option<&'a String>, flag: &str, variable: &str) -> Result<&'a str, Failure> {
    value
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::usage(format!("{flag} is missing: give it, or set {variable}")))
}

/// Writes the warnings of a response to standard error.
pub(crate) fn warn<T>(result: Result<Response<T>, Error>) -> Result<Response<T>, Error> {
    result.inspect(|response| {
        for warning in &response.warnings {
            say(&format!("note: {} ({})", warning.message, warning.rule));
        }
    })
}

/// How a call went, with what the command adds.
pub(crate) fn summary<T>(response: &Response<T>, more: Value) -> Value {
    let warnings: Vec<Value> =
        response.warnings.iter().map(|warning| json!({ "message": warning.message, "rule": warning.rule })).collect();
    let mut summary = json!({
        "http_status": response.status.as_u16(),
        "attempts": response.attempts,
        "milliseconds": u64::try_from(response.elapsed.as_millis()).unwrap_or(u64::MAX),
        "warnings": warnings,
    });
    if let (Some(summary), Value::Object(more)) = (summary.as_object_mut(), more) {
        summary.extend(more);
    }
    summary
}

/// What the vendor sent, with [`summary`] under one key.
pub(crate) fn document<T>(mut vendor: Value, response: &Response<T>, more: Value) -> Value {
    if let Some(object) = vendor.as_object_mut() {
        object.insert("identkit".into(), summary(response, more));
    }
    vendor
}
