//! The context of a command that calls a vendor.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use identkit_core::{CallOptions, Delivery, Error, Kind, Secret};
use identkit_transport::{Observer, Response, Transport};
use identkit_wire::Warning;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::exchange::{Exchanges, RawResponses};
use crate::exit::{CLOSED_PIPE, Failure};
use crate::input::secret_of;
use crate::network;
use crate::output::{Format, Page, say};
use crate::progress::Progress;
use crate::state::{self, Recorder, StateDirectory};
use crate::stopping;
use crate::stream_deadline::StreamDeadline;
use crate::text::ids;
use crate::trace::TraceOptions;
use crate::verbose::{Observers, Verbose};

/// What a command says about its vendor's API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) base_url: &'a str,
    /// The environment variable for the base URL.
    pub(crate) variable: &'a str,
    /// Whether ids in paths are secret.
    pub(crate) secret_ids: bool,
    /// Whether the command changes something at the vendor.
    pub(crate) changes: bool,
    /// Whether the command's own call exists at every base URL of the API, so that its 404 needs no other call.
    pub(crate) is_probe: bool,
}

/// The context of a command that calls a vendor. `A` is the type of the vendor's options.
pub(crate) struct Context<'a, A> {
    pub(crate) arguments: &'a A,
    pub(crate) options: CallOptions,
    pub(crate) progress: Progress,
    /// The record of the request, if it must not be repeated.
    pub(crate) recorder: Recorder,
    api: Api<'a>,
    connection: &'a Connection,
    trace: &'a TraceOptions,
    exchanges: Exchanges,
    raw: Option<RawResponses>,
    format: Format,
}

impl<'a, A> Context<'a, A> {
    /// # Errors
    /// If `--raw` cannot be used.
    pub(crate) fn new(
        arguments: &'a A,
        api: Api<'a>,
        connection: &'a Connection,
        trace: &'a TraceOptions,
        format: Format,
    ) -> Result<Self, Failure> {
        let options = connection.timeout.map_or(CallOptions::new(), |timeout| CallOptions::new().timeout(timeout));
        let raw = match &trace.raw {
            Some(_) if api.changes => return Err(Failure::unsent("--raw is for commands that only read")),
            raw => raw.as_deref().map(RawResponses::prepare).transpose()?,
        };
        let recorder = Recorder::new(&trace.state);
        recorder.report_before_forced_end();
        Ok(Self {
            arguments,
            options,
            progress: Progress::new(format),
            recorder,
            api,
            connection,
            trace,
            exchanges: Exchanges::new(api.secret_ids, raw.clone()),
            raw,
            format,
        })
    }

    /// The directory with the records.
    pub(crate) fn state(&self) -> &StateDirectory {
        &self.trace.state.directory
    }

    /// Creates the transport to the vendor, with a progress bar.
    ///
    /// # Errors
    /// If the base URL or a connection option is unusable, or if a command that changes something could not write a record.
    pub(crate) fn transport(&self) -> Result<Arc<dyn Transport>, Failure> {
        if self.api.changes {
            self.recorder.check_place()?;
        }
        let Api { base_url, variable, .. } = self.api;
        let base = network::base_url(base_url, "--base-url", variable)?;
        let transport = self.exchanges.watch(network::vendor(&self.connection.route, &base)?);
        Ok(self.progress.watch(state::record(transport, self.recorder.clone())))
    }

    /// The observer of all calls, with `-v` or `--raw`.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        let verbose = self.trace.verbose.then(|| Arc::new(Verbose) as Arc<dyn Observer>);
        let raw = self.raw.clone().map(|raw| Arc::new(raw) as Arc<dyn Observer>);
        let all: Vec<_> = verbose.into_iter().chain(raw).collect();
        (!all.is_empty()).then(|| Arc::new(Observers(all)) as Arc<dyn Observer>)
    }

    /// Starts the deadline of a stream.
    pub(crate) fn stream_deadline(&self) -> StreamDeadline {
        StreamDeadline::start(self.connection.timeout)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Fails if `--raw` is given, for a command without a response for it.
    pub(crate) fn reject_raw(&self, why: &str) -> Result<(), Failure> {
        match self.raw {
            Some(_) => Err(Failure::unsent(format!("--raw cannot be used: {why}"))),
            None => Ok(()),
        }
    }

    /// Whether the result is left out, because `--raw -` writes the response to standard output.
    pub(crate) fn is_replaced(&self) -> bool {
        self.raw.as_ref().is_some_and(RawResponses::is_standard_output)
    }

    pub(crate) fn show(&self, json: Value, table: impl FnOnce(&mut Page)) -> Result<(), Failure> {
        if self.is_replaced() {
            return Ok(());
        }
        match (self.recorder.is_open(), self.api.changes) {
            (true, _) => self.show_part(json, table).inspect(|()| self.recorder.delivered()),
            (false, true) => self.show_part(json, table).map_err(|failure| failure.note("the call succeeded")),
            (false, false) => self.format.show(&json, table),
        }
    }

    /// Shows what could be read of a response. The record stays open.
    pub(crate) fn show_part(&self, json: Value, table: impl FnOnce(&mut Page)) -> Result<(), Failure> {
        // The result may be the only copy: a closed pipe is an error.
        self.format.write(&json, table).map_err(|error| self.recorder.undelivered(&error))
    }

    /// Ends the command: writes raw responses, closes the record, and explains a failure. `probe` is a call without
    /// side effects that exists at every base URL of the API.
    pub(crate) async fn finish(
        &self,
        result: Result<(), Failure>,
        probe: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let raw = self.raw.as_ref().map(RawResponses::deliver).transpose();
        let Err(failure) = result else {
            if let Some(note) = raw?.flatten() {
                say(&format!("note: {note}"));
            }
            self.recorder.delivered();
            return Ok(());
        };
        let failure = match raw {
            Ok(note) => failure.notes(note.flatten()),
            Err(other) if other.code == CLOSED_PIPE => failure,
            Err(other) => failure.note(other.sentence),
        };
        let failure = match failure.kind() {
            // The same request may succeed later: a read changes nothing, and a failed login sends no request.
            Some(Kind::RateLimited) if !self.api.changes || failure.delivery() == Some(Delivery::NotSent) => {
                failure.with_code(7)
            }
            _ if failure.status() == Some(404) && !failure.is_confirmed() => {
                self.explain_not_found(failure, probe).await
            }
            _ => failure,
        };
        // After the explanation, which can take a call: if a signal stops it, the recorder shows the response.
        let failure = self.recorder.failed(self.salvage(failure));
        Err(failure.base_url(self.api.base_url, self.api.variable))
    }

    /// Adds the ids in a response that cannot be read: they may be the only copy (AT-97). Secret ones are in the record
    /// only.
    fn salvage(&self, mut failure: Failure) -> Failure {
        let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for (name, value) in failure.salvaged_ids() {
            found.entry(name).or_default().push(value);
        }
        // If a name has several ids, all are kept (AT-95).
        for (name, values) in found {
            let (value, shown) = (values.join(", "), ids(values.iter().map(String::as_str)));
            if self.api.secret_ids {
                self.recorder.add_secret(name, &value);
            } else {
                self.recorder.add_name(name, &value);
                // Who has a person's URL can act as the person: it is shown only if it would be lost.
                if values.iter().any(|value| value.contains("://")) && self.recorder.has_response() {
                    continue;
                }
                failure = failure.note(format!("the vendor's response contains {name} {shown}"));
            }
        }
        failure
    }

    /// A 404 means that the vendor does not know the id, or that the base URL is wrong.
    async fn explain_not_found(&self, failure: Failure, probe: impl Future<Output = Result<(), Failure>>) -> Failure {
        let Some(seen) = self.exchanges.take_not_found() else { return failure };
        // A login exists at every base URL, so it needs no probe.
        let is_login = failure.operation() != Some(seen.operation);
        // After a signal the vendor's answer counts without a probe.
        let is_absent = async {
            let probed = stopping::unless_stopped(probe).await;
            probed.is_some_and(|probed| probed.is_err_and(|failure| failure.status() == Some(404)))
        };
        let is_api = seen.may_be_the_api() && !is_login && !self.api.is_probe && !is_absent.await;
        let failure = if failure.kind() == Some(Kind::OutcomeUnknown) {
            failure
        } else if failure.has_earlier_attempt() {
            // A 404 of another server says nothing about the earlier attempt.
            if is_api { failure } else { failure.into_unknown() }
        } else if !is_api {
            let code = if self.api.changes { 5 } else { 1 };
            let variable = self.api.variable;
            let message = format!(
                "nothing of the vendor's API was found (HTTP 404); wrong base URL? --base-url or {variable} changes it"
            );
            failure.reword(code, &message)
        } else if self.api.changes && !seen.has_id {
            failure.with_code(5)
        } else {
            failure
        };
        failure.note(format!("the URL called is {}", seen.url))
    }
}

pub(crate) fn required<'a>(value: Option<&'a String>, flag: &str, variable: &str) -> Result<&'a str, Failure> {
    value
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::usage(format!("{flag} is missing: pass it, or set {variable}")))
}

/// A secret of an option, a variable or a file; `names` are option and variable.
pub(crate) fn secret(value: Option<&String>, file: Option<&Path>, names: (&str, &str)) -> Result<Secret, Failure> {
    match file.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) if value.is_none_or(String::is_empty) => secret_of(&format!("{}-file", names.0), path),
        Some(_) => {
            let (flag, variable) = names;
            Err(Failure::unsent(format!("{flag} and {flag}-file (or {variable} and {variable}_FILE) are both given")))
        }
        None => required(value, names.0, names.1).map(Secret::new),
    }
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
