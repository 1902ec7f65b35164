//! The context of a command that calls a vendor.

use std::sync::Arc;

use identkit_core::{CallOptions, Error};
use identkit_transport::{BaseUrl, Response, Transport};
use identkit_wire::Warning;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::exit::Failure;
use crate::network;
use crate::output::{Format, Page, say};
use crate::progress::Progress;
use crate::save::StreamDeadline;

/// The context of a command that calls a vendor. `A` is the type of the vendor's options.
pub(crate) struct Context<'a, A> {
    pub(crate) arguments: &'a A,
    pub(crate) options: CallOptions,
    pub(crate) progress: Progress,
    /// The base URL, and the environment variable for it.
    base_url: (&'a str, &'static str),
    connection: &'a Connection,
    format: Format,
}

impl<'a, A> Context<'a, A> {
    pub(crate) fn new(
        arguments: &'a A,
        base_url: (&'a str, &'static str),
        connection: &'a Connection,
        format: Format,
    ) -> Self {
        let options = connection.timeout.map_or(CallOptions::new(), |timeout| CallOptions::new().timeout(timeout));
        Self { arguments, options, progress: Progress::new(format), base_url, connection, format }
    }

    /// Creates the transport to the vendor, with a progress bar.
    pub(crate) fn transport(&self) -> Result<Arc<dyn Transport>, Failure> {
        let (base_url, variable) = self.base_url;
        BaseUrl::parse(base_url)
            .map_err(|error| Failure::usage(format!("--base-url or {variable} cannot be used: {}", error.detail())))?;
        Ok(self.progress.watch(network::vendor(self.connection)?))
    }

    /// Starts the deadline of a stream.
    pub(crate) fn stream_deadline(&self) -> StreamDeadline {
        StreamDeadline::start(self.connection.timeout)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn show(&self, json: Value, table: impl FnOnce(&mut Page)) -> Result<(), Failure> {
        self.format.show(&json, table)
    }

    /// Adds the base URL to a failure that it may have caused.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        failure.base_url(self.base_url.0, self.base_url.1)
    }
}

pub(crate) fn required<'a>(value: Option<&'a String>, flag: &str, variable: &str) -> Result<&'a str, Failure> {
    value
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::usage(format!("{flag} is missing: pass it, or set {variable}")))
}

pub(crate) fn warn<T>(result: Result<Response<T>, Error>) -> Result<Response<T>, Error> {
    result.inspect(|response| say_all(&response.warnings))
}

pub(crate) fn say_all(warnings: &[Warning]) {
    warnings.iter().for_each(|warning| say(&format!("note: {} ({})", warning.message, warning.rule)));
}

/// Warnings as JSON.
pub(crate) fn to_list(warnings: &[Warning]) -> Value {
    warnings.iter().map(|warning| json!({ "message": warning.message, "rule": warning.rule })).collect()
}

/// The metadata of a response, with the members that the command adds.
pub(crate) fn summary<T>(response: &Response<T>, more: Value) -> Value {
    let mut summary = json!({
        "http_status": response.status.as_u16(),
        "attempts": response.attempts,
        "milliseconds": u64::try_from(response.elapsed.as_millis()).unwrap_or(u64::MAX),
        "warnings": to_list(&response.warnings),
    });
    if let (Some(summary), Value::Object(more)) = (summary.as_object_mut(), more) {
        summary.extend(more);
    }
    summary
}

/// The vendor's JSON, with the [`summary`] as member `identkit`.
pub(crate) fn document<T>(mut vendor: Value, response: &Response<T>, more: Value) -> Value {
    if let Some(object) = vendor.as_object_mut() {
        object.insert("identkit".into(), summary(response, more));
    }
    vendor
}
