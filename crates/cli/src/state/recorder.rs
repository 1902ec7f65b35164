//! Writes the record of a command.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, response};
use identkit_core::{Clock, Delivery, Kind, RawResponse};
use identkit_files::{AppendLog, Draft, OpenError, Tail, cause, create_dirs};
use identkit_transport::{AttemptContext, SystemClock};
use identkit_wire::{Meta, RetrySafety, encode_base64};
use serde_json::{Map, Value, json};

use super::entry::EXTENSION;
use super::format::{LINE_START, Phase, VERSION, can_hold_id, line};
use super::options::StateOptions;
use crate::exit::Failure;
use crate::output::{self, announce, say};
use crate::signals;
use crate::text::{self, plain};

/// Number of characters of the random part of a file name.
const RANDOM: usize = 8;

/// Space that must be free before a change whose record is written afterwards: for a response of 64 KiB, in Base64.
const RESERVED: usize = 128 * 1024;

/// Whether an operation must not be repeated, so that its response may be the only copy.
pub(super) fn is_unrepeatable(meta: &Meta) -> bool {
    matches!(meta.safety, RetrySafety::Creating | RetrySafety::DestructiveRead | RetrySafety::SideEffect)
}

/// The record of the request that a command sends, if it must not be repeated. Clones share it.
#[derive(Clone)]
pub(crate) struct Recorder {
    options: StateOptions,
    record: Arc<Mutex<Option<Record>>>,
    /// The last request that may be repeated but changes something.
    change: Arc<Mutex<Option<Change>>>,
}

/// A request that may be repeated but changes something, and what arrived of its response.
struct Change {
    meta: &'static Meta,
    /// The id at the end of its path.
    id: String,
    options: StateOptions,
    received: Option<Received>,
    complete: bool,
}

/// An open record.
struct Record {
    meta: &'static Meta,
    /// The file; `None` with `--no-state`.
    file: Option<(AppendLog, PathBuf)>,
    names: Vec<Name>,
    phase: Phase,
    /// The last attempt that was sent.
    attempt: Option<AttemptContext>,
    /// Whether the vendor answered an attempt.
    answered: bool,
    /// Whether a part of the last response is not in the file.
    incomplete: bool,
    /// The last response as far as it was received, until it is saved elsewhere.
    received: Option<Received>,
}

/// A response, complete or not.
struct Received {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A reference or an id.
struct Name {
    key: &'static str,
    value: String,
    kept: Kept,
}

impl Name {
    /// The value for a message. Several ids of one name are in one value (AT-95).
    fn shown(&self) -> String {
        let values: Vec<&str> = self.value.split(", ").collect();
        text::ids(values.into_iter())
    }
}

/// Where a name is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// In the record and in errors.
    Public,
    /// In the record, and in an error only if the record does not have the response.
    Secret,
    /// Only in an error, if the record does not have the response.
    LastResort,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names may be personal.
        f.debug_struct("Recorder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Recorder {
    pub(crate) fn new(options: &StateOptions) -> Self {
        Self { options: options.clone(), record: Arc::default(), change: Arc::default() }
    }

    fn lock_change(&self) -> MutexGuard<'_, Option<Change>> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request that may be repeated but changes something. It has a record only if its outcome is unknown.
    pub(super) fn remember(&self, meta: &'static Meta, id: &str) {
        let mut change = self.lock_change();
        // Until another response arrives, the last one is that of an earlier attempt.
        let earlier = change.take().and_then(|mut earlier| Some((earlier.received.take()?, earlier.complete)));
        let (received, complete) = earlier.unzip();
        let (options, complete) = (self.options.clone(), complete.unwrap_or_default());
        *change = Some(Change { meta, id: id.to_owned(), options, received, complete });
    }

    /// Remembers the head of the response to such a request, for a signal that stops the command before its outcome is known.
    pub(super) fn remember_response(&self, status: StatusCode, headers: &HeaderMap) {
        if let Some(change) = &mut *self.lock_change() {
            change.received = Some(Received { status, headers: headers.clone(), body: Vec::new() });
            change.complete = false;
        }
    }

    /// Remembers what was received of a response to such a request without a whole or valid head.
    pub(super) fn remember_answer(&self, answer: &RawResponse) {
        self.remember_response(answer.status(), answer.headers());
        self.remember_piece(Some(answer.body()));
    }

    /// Remembers a piece of the body of this response. `None` is its end.
    pub(super) fn remember_piece(&self, piece: Option<&[u8]>) {
        let mut change = self.lock_change();
        let Some(Change { received: Some(received), complete, .. }) = &mut *change else { return };
        match piece {
            Some(bytes) => {
                let room = RawResponse::LIMIT.saturating_sub(received.body.len());
                received.body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
            None => *complete = true,
        }
    }

    /// Forgets the request: its outcome is known.
    pub(crate) fn forget_change(&self) {
        if let Some(mut change) = self.lock_change().take() {
            change.received = None;
        }
    }

    /// Records an answered change whose outcome is unknown (AT-97).
    fn keep_unknown(&self, failure: &Failure) {
        let Some(mut change) = self.lock_change().take() else { return };
        change.received = None;
        let (meta, Some(answer)) = (change.meta, failure.answer()) else { return };
        if failure.kind() != Some(Kind::OutcomeUnknown) || failure.operation() != Some(meta.name) || self.is_open() {
            return;
        }
        self.record_change(meta, change.id.clone(), answer);
    }

    /// Writes the record of an answered change.
    fn record_change(&self, meta: &'static Meta, id: String, answer: &RawResponse) {
        let key = meta.path.rsplit('/').next().unwrap_or_default().trim_matches(['{', '}']);
        let names = vec![Name { key, value: id, kept: Kept::Public }];
        let file = if self.options.no_state {
            None
        } else {
            let directory =
                self.options.directory.path().map_err(|failure| io::Error::other(failure.reason().to_owned()));
            let created = directory.and_then(|directory| create(directory, meta, &names));
            let why = |error: &io::Error| format!("note: the vendor's response cannot be recorded (--state): {error}");
            created.inspect_err(|error| say(&why(error))).ok()
        };
        self.open(meta, file, names);
        // An error here is reported with the response.
        let _ = self.request(meta, None);
        self.answer(answer);
    }

    /// Records a response that was received before the client could pass it on in pieces.
    pub(super) fn answer(&self, answer: &RawResponse) {
        let mut response = http::Response::new(());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        self.response(&response.into_parts().0, Some(answer.body()));
        self.end(answer.is_complete(), &HeaderMap::new());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Record>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the command is about to send an operation. `names` identify it at the vendor.
    ///
    /// # Errors
    /// If the record cannot be written: then nothing must be sent.
    pub(crate) fn prepare(&self, meta: &'static Meta, names: &[(&'static str, &str)]) -> Result<(), Failure> {
        let names: Vec<Name> =
            names.iter().map(|(key, value)| Name { key, value: (*value).to_owned(), kept: Kept::Public }).collect();
        let file = if self.options.no_state {
            let names: String = names.iter().map(|name| format!(", {} {}", name.key, name.value)).collect();
            let note = format!("note: no record is written (--no-state); about to send {}{names}", meta.name);
            announce(&note).map_err(|error| {
                Failure::unsent(format!(
                    "--no-state needs standard error, where what is about to be sent is printed: {}",
                    cause(&error)
                ))
            })?;
            None
        } else {
            let directory = self.options.directory.path()?;
            let created = create(directory.clone(), meta, &names);
            Some(created.map_err(|error| unwritable(&directory, &error))?)
        };
        self.open(meta, file, names);
        Ok(())
    }

    /// Checks that a record can be written. A call that may be repeated has one only if its outcome is unknown.
    ///
    /// # Errors
    /// If it cannot: then nothing must be sent.
    pub(crate) fn check_place(&self) -> Result<(), Failure> {
        if self.options.no_state {
            return Ok(());
        }
        let directory = self.options.directory.path()?;
        let created = create_dirs(&directory).map_err(|error| unwritable(&directory, &error))?;
        let checked = Draft::new(directory.join("check")).and_then(Draft::discard);
        // `remove_dir` fails if a directory is not empty.
        created.iter().for_each(|created| drop(std::fs::remove_dir(created)));
        checked.map_err(|error| unwritable(&directory, &error))
    }

    /// Checks that there is space for the record of a change, which is written afterwards.
    pub(super) fn check_space(&self) -> io::Result<()> {
        if self.options.no_state {
            return Ok(());
        }
        let directory = self.options.directory.path().map_err(|failure| io::Error::other(failure.sentence))?;
        create_dirs(&directory)?;
        let mut draft = Draft::new(directory.join("check"))?;
        let reserved = draft.reserve(RESERVED);
        draft.discard().and(reserved)
    }

    fn open(&self, meta: &'static Meta, file: Option<(AppendLog, PathBuf)>, names: Vec<Name>) {
        let (phase, attempt, answered, incomplete, received) = (Phase::Unsent, None, false, false, None);
        *self.lock() = Some(Record { meta, file, names, phase, attempt, answered, incomplete, received });
    }

    /// Adds a name that the response contains.
    pub(crate) fn add_name(&self, key: &'static str, value: &str) {
        self.add(Name { key, value: value.to_owned(), kept: Kept::Public });
    }

    /// Adds a name that the response contains and that errors must not contain, if the record has it.
    pub(crate) fn add_secret(&self, key: &'static str, value: &str) {
        self.add(Name { key, value: value.to_owned(), kept: Kept::Secret });
    }

    /// Adds a part of the response that errors contain only if the record does not have the response.
    pub(crate) fn add_last_resort(&self, key: &'static str, value: &str) {
        if !value.is_empty() {
            self.add(Name { key, value: value.to_owned(), kept: Kept::LastResort });
        }
    }

    fn add(&self, name: Name) {
        // A name that was sent stays: the response may be about another order.
        if let Some(record) = &mut *self.lock()
            && !record.names.iter().any(|known| known.key == name.key)
        {
            record.names.push(name);
        }
    }

    /// Whether a record is open.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Path of the open record.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.lock().as_ref()?.path().map(Path::to_owned)
    }

    /// Whether the open record has the whole response.
    pub(crate) fn has_response(&self) -> bool {
        self.lock().as_ref().is_some_and(|record| !record.is_partly_lost())
    }

    /// Notes that this number of bytes of the response is in another file, or on a stream for the user.
    pub(crate) fn saved(&self, length: usize) {
        if let Some(record) = &mut *self.lock() {
            record.received.take_if(|received| received.body.len() <= length);
        }
    }

    /// Body of the last response as far as it was received, if it begins with these bytes: an error has only its first MiB.
    pub(crate) fn body_after(&self, start: &[u8]) -> Option<Vec<u8>> {
        let record = self.lock();
        let body = &record.as_ref()?.received.as_ref()?.body;
        body.starts_with(start).then(|| body.clone())
    }

    /// Reports the record if the process ends while the command is blocked.
    pub(crate) fn report_before_forced_end(&self) {
        // Not a clone: an interrupted command reports its record when the last one is dropped.
        let record = Arc::downgrade(&self.record);
        signals::before_forced_end(move || {
            let Some(record) = record.upgrade() else { return };
            // The command may be blocked while it has the lock.
            let Ok(mut record) = record.try_lock() else { return };
            let Some(record) = record.as_mut().filter(|record| !record.phase.is_closed()) else { return };
            let (ids, response) = record.take_lost().unzip();
            let response = response.and_then(|response: Received| response.text());
            let notes = record.place().into_iter().chain(ids.into_iter().flatten()).chain(response);
            notes.for_each(|note| say(&format!("note: {note}")));
        });
    }

    /// Records that an attempt is about to be sent.
    pub(super) fn request(&self, meta: &'static Meta, attempt: Option<&AttemptContext>) -> io::Result<()> {
        if !self.is_open() {
            self.prepare(meta, &[]).map_err(|failure| io::Error::other(failure.sentence))?;
        }
        match &mut *self.lock() {
            Some(record) => record.append("request", Value::Null).inspect(|()| {
                (record.phase, record.incomplete, record.received) = (Phase::Unanswered, false, None);
                record.attempt = attempt.cloned();
            }),
            None => Ok(()),
        }
    }

    /// Records the head of a response, in one step with the first piece of its body if that has arrived.
    pub(super) fn response(&self, head: &response::Parts, first: Option<&[u8]>) {
        let headers = pairs(&head.headers);
        let head_event = ("response", json!({ "status": head.status.as_u16(), "headers": headers }));
        let body_event = first.map(|bytes| ("body", json!({ "base64": encode_base64(bytes) })));
        self.received([head_event].into_iter().chain(body_event).collect());
        if let Some(record) = &mut *self.lock() {
            let (status, headers) = (head.status, head.headers.clone());
            record.received = Some(Received { status, headers, body: first.unwrap_or_default().to_vec() });
        }
    }

    pub(super) fn body(&self, bytes: &[u8]) {
        self.received(vec![("body", json!({ "base64": encode_base64(bytes) }))]);
        if let Some(received) = self.lock().as_mut().and_then(|record| record.received.as_mut()) {
            received.body.extend_from_slice(bytes);
        }
    }

    /// Records the end of a response, with its trailers.
    pub(super) fn end(&self, complete: bool, trailers: &HeaderMap) {
        let mut members = json!({ "complete": complete });
        if let Some(members) = members.as_object_mut().filter(|_| !trailers.is_empty()) {
            members.insert("trailers".into(), pairs(trailers));
        }
        self.received(vec![("end", members)]);
        if let Some(received) = self.lock().as_mut().and_then(|record| record.received.as_mut()) {
            for (name, value) in trailers {
                received.headers.append(name, value.clone());
            }
        }
    }

    /// Records a part of the response. If it cannot be written, the command goes on: the response is still in memory.
    fn received(&self, events: Vec<(&str, Value)>) {
        let mut record = self.lock();
        let Some(record) = &mut *record else { return };
        (record.phase, record.answered) = (Phase::Answered, true);
        if record.incomplete && events.iter().all(|(event, _)| *event != "end") {
            // A later piece would look like the start of the body.
            return;
        }
        if let Err(error) = record.append_all(events)
            && !std::mem::replace(&mut record.incomplete, true)
        {
            let path = record.file.as_ref().map(|(_, path)| path.display().to_string()).unwrap_or_default();
            say(&format!("note: the vendor's response could not be written to {path}: {}", cause(&error)));
        }
    }

    /// Body of the last response as far as it was received, if it is not saved elsewhere and has bytes.
    pub(crate) fn received_body(&self) -> Option<Vec<u8>> {
        let record = self.lock();
        let body = &record.as_ref()?.received.as_ref()?.body;
        (!body.is_empty()).then(|| body.clone())
    }

    /// Closes the record after the result was written to standard output.
    pub(crate) fn delivered(&self) {
        self.forget_change();
        if let Some(mut record) = self.lock().take() {
            record.conclude(Phase::Done);
        }
    }

    /// The failure of a command that succeeded but could not write its result.
    pub(crate) fn undelivered(&self, error: &io::Error) -> Failure {
        let why = output::unwritten(error);
        let Some(mut record) = self.lock().take() else { return Failure::local(why) };
        record.conclude(Phase::Undelivered);
        // The names are the only copy if the response is not in a file.
        let lost = record.is_partly_lost();
        let names: String = record
            .names
            .iter()
            .filter(|name| lost || name.kept == Kept::Public)
            .map(|name| format!("; {} {}", name.key, name.shown()))
            .collect();
        let failure = Failure::local(format!("{} succeeded, but {why}{names}", record.meta.name));
        failure.notes(record.place()).notes(record.lost_text())
    }

    /// Closes the record of a command that failed, and adds to the failure where the response is.
    pub(crate) fn failed(&self, failure: Failure) -> Failure {
        self.keep_unknown(&failure);
        let Some(mut record) = self.lock().take() else { return failure };
        let phase = match (record.phase, failure.kind(), failure.delivery()) {
            // An attempt is repeated only if the vendor surely refused it; the failure is about the repetition.
            (_, _, Some(Delivery::NotSent)) if record.answered => Phase::Refused,
            (Phase::Unsent, ..) | (_, _, Some(Delivery::NotSent)) => Phase::Unsent,
            (_, Some(Kind::OutcomeUnknown), _) | (_, _, Some(Delivery::MaybeSent)) | (Phase::Unanswered, ..) => {
                Phase::Unknown
            }
            (_, Some(_), _) => Phase::Refused,
            // The call succeeded; the command failed on this machine.
            (_, None, _) => Phase::Undelivered,
        };
        record.conclude(phase);
        if phase.is_closed() {
            return failure;
        }
        failure.without_advice().notes(record.place()).notes(record.lost_text())
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        // The command was interrupted.
        let Some(Received { status, headers, body }) = self.received.take() else { return };
        let answer = RawResponse::new(status, headers, body.into(), self.complete);
        Recorder::new(&self.options).record_change(self.meta, std::mem::take(&mut self.id), &answer);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // The command was interrupted.
        if self.attempt.as_ref().is_some_and(|attempt| attempt.refused().is_some()) && !self.phase.is_closed() {
            self.conclude(Phase::Refused);
        }
        if !self.phase.is_closed() {
            self.place().iter().for_each(|note| say(&format!("note: {note}")));
            self.show_lost();
        }
    }
}

impl Received {
    /// Writes the response to standard error, if it can hold an id.
    fn say(&self) {
        // An error has no other place: nothing else has the response.
        self.text().iter().for_each(|text| drop(announce(&format!("note: {text}"))));
    }

    /// The response as a note, if it can hold an id.
    fn text(&self) -> Option<String> {
        let headers = self.headers.iter().filter(|(name, _)| can_hold_id(name.as_str()));
        let text = |value: &http::HeaderValue| plain(&String::from_utf8_lossy(value.as_bytes()));
        let headers: String = headers.map(|(name, value)| format!("; {name}: {}", text(value))).collect();
        let body = match std::str::from_utf8(&self.body) {
            _ if self.body.is_empty() => String::new(),
            Ok(text) => format!("; body: {}", plain(text)),
            Err(_) => format!("; body in Base64: {}", encode_base64(&self.body)),
        };
        let shown = format!(
            "the vendor's response was not saved to a file; save it now: HTTP {}{headers}{body}",
            self.status.as_u16()
        );
        (!headers.is_empty() || !body.is_empty()).then_some(shown)
    }
}

impl Record {
    fn append(&mut self, event: &str, members: Value) -> io::Result<()> {
        self.append_all(vec![(event, members)])
    }

    /// Appends events in one step.
    fn append_all(&mut self, events: Vec<(&str, Value)>) -> io::Result<()> {
        let Some((log, _)) = &mut self.file else { return Ok(()) };
        let mut lines = Vec::new();
        for (event, mut members) in events {
            if let Some(members) = members.as_object_mut().filter(|_| self.incomplete) {
                members.insert("recorded".into(), false.into());
                members.entry("complete").and_modify(|complete| *complete = false.into());
            }
            lines.extend(line(SystemClock::new().wall(), event, members));
        }
        log.append(&lines)
    }

    fn conclude(&mut self, phase: Phase) {
        let names = names(&self.names);
        if let Err(error) = self.append("result", json!({ "result": phase.word(), "names": names })) {
            say(&format!("note: the record of the request could not be closed: {}", cause(&error)));
        }
        // Its place is reported once.
        self.phase = if phase.is_closed() { phase } else { Phase::Done };
    }

    /// Whether a part of the response is in no file, or in one that was moved or deleted.
    fn is_partly_lost(&self) -> bool {
        self.incomplete || self.path().is_none()
    }

    /// The path of the file, if it is still there.
    fn path(&self) -> Option<&Path> {
        self.file.as_ref().filter(|(log, _)| log.is_in_place()).map(|(_, path)| &**path)
    }

    /// Shows what arrived of a response that is in no file: it may be the only copy of an id (AT-97).
    fn show_lost(&mut self) {
        let Some((ids, response)) = self.take_lost() else { return };
        // Standard output can block.
        let response = Arc::new(response);
        let unwritten = Arc::clone(&response);
        signals::before_forced_end(move || unwritten.say());
        ids.iter().for_each(|note| drop(announce(&format!("note: {note}"))));
        if !response.body.is_empty() && output::write(&response.body).is_ok() {
            say("note: what arrived of the vendor's response is on standard output: save it");
        } else {
            response.say();
        }
        signals::before_forced_end(|| ());
    }

    /// The response as a note, if a part of it is in no file.
    fn lost_text(&mut self) -> Option<String> {
        self.take_lost()?.1.text()
    }

    /// The response, if a part of it is in no file, with a note on each id in it.
    fn take_lost(&mut self) -> Option<(Vec<String>, Received)> {
        let is_lost = self.is_partly_lost();
        let received = self.received.take().filter(|_| is_lost)?;
        let body = Bytes::copy_from_slice(&received.body);
        let response = RawResponse::new(received.status, received.headers.clone(), body, false);
        let ids = response.with_id_names(self.meta.ids).with_id_urls(self.meta.id_urls).ids();
        // The response itself is shown too.
        let names: BTreeSet<&'static str> = ids.iter().map(|found| found.name).collect();
        let note = |name: &&'static str| {
            let values: Vec<&str> =
                ids.iter().filter(|found| found.name == *name).map(|found| found.value.expose()).collect();
            format!("the vendor's response contains {name} {}", text::ids(values.into_iter()))
        };
        Some((names.iter().map(note).collect(), received))
    }

    /// A note on where the record is.
    fn place(&self) -> Option<String> {
        let path = self.path()?;
        let what =
            if self.incomplete { "the request is" } else { "the request and the vendor's response, if any, are" };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Some(format!("{what} recorded in {}: identkit state show {name}", path.display()))
    }
}

/// Headers in the form of a record.
fn pairs(headers: &HeaderMap) -> Value {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| json!([name.as_str(), text(value)])).collect()
}

/// The failure of a request whose record cannot be written.
fn unwritable(directory: &Path, error: &io::Error) -> Failure {
    let place = directory.display();
    Failure::unsent(format!(
        "the record of the request cannot be written to {place}: {error}; --state names another directory, --no-state \
         sends the request without a record"
    ))
}

/// Creates the file with the intent.
fn create(directory: PathBuf, meta: &Meta, names: &[Name]) -> io::Result<(AppendLog, PathBuf)> {
    create_dirs(&directory)?;
    let at = SystemClock::new().wall();
    let random: String = std::iter::repeat_with(fastrand::lowercase).take(RANDOM).collect();
    let operation = meta.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let path = directory.join(format!("{}-{operation}-{random}.{EXTENSION}", at.strftime("%Y%m%dT%H%M%SZ")));
    let opened = AppendLog::open(&path, LINE_START, Tail::Cut, |_| true);
    let (mut log, _) = opened.map_err(|error| match error {
        OpenError::Io(error) => error,
        other => io::Error::other(other),
    })?;
    let members =
        json!({ "v": VERSION, "provider": meta.provider, "operation": meta.name, "names": self::names(names) });
    if let Err(error) = log.append(&line(at, "intent", members)) {
        drop(log);
        // An empty file would look like a damaged record.
        let _ = std::fs::remove_file(&path);
        return Err(error);
    }
    Ok((log, path))
}

fn names(names: &[Name]) -> Map<String, Value> {
    let recorded = names.iter().filter(|name| name.kept != Kept::LastResort);
    recorded.map(|name| (name.key.to_owned(), name.value.clone().into())).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use identkit_core::Error;
    use identkit_identity_tm::PutOrder;
    use identkit_wire::Operation as _;

    use super::super::Entry;
    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        state: StateOptions,
    }

    /// What happened before the command failed.
    #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
    enum Until {
        Prepared,
        Sent,
        Answered,
    }

    /// The word of a record whose command failed, and whether the failure says where the record is.
    fn failed(until: Until, failure: Failure) -> (&'static str, bool) {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::parse_from(["test", "--state", folder.path().to_str().unwrap()]);
        let recorder = Recorder::new(&options.state);
        recorder.prepare(PutOrder::META, &[("Ref", "my-ref")]).unwrap();
        if until >= Until::Sent {
            recorder.request(PutOrder::META, None).unwrap();
        }
        if until >= Until::Answered {
            recorder.answer(&RawResponse::new(StatusCode::OK, HeaderMap::new(), "{}".into(), true));
        }
        let notes = recorder.failed(failure).lines(false).join(" ");
        let entries = Entry::read_all(folder.path()).unwrap();
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        (entry.phase.word(), notes.contains("identkit state show"))
    }

    #[test]
    fn at_97_a_part_without_a_file_is_kept_with_its_ids() {
        let recorder = Recorder::new(&Options::parse_from(["test", "--no-state"]).state);
        recorder.prepare(PutOrder::META, &[]).unwrap();
        let body = r#"{"OrderID":"9992SAVED","Ref":"#;
        for part in ["refused", body] {
            recorder.request(PutOrder::META, None).unwrap();
            recorder.answer(&RawResponse::new(StatusCode::ACCEPTED, HeaderMap::new(), part.into(), false));
        }
        let mut record = recorder.lock().take().unwrap();
        let (notes, kept) = record.take_lost().unwrap();
        assert_eq!(
            (notes.as_slice(), kept.body.as_slice()),
            (&["the vendor's response contains OrderID 9992SAVED".to_owned()][..], body.as_bytes())
        );
        assert!(record.take_lost().is_none());
        record.phase = Phase::Done;
        // An id in a header, before the body.
        recorder.prepare(PutOrder::META, &[]).unwrap();
        let head = http::Response::builder().header("Location", "https://example.com/status/1").body(()).unwrap();
        recorder.response(&head.into_parts().0, None);
        let mut record = recorder.lock().take().unwrap();
        let (notes, kept) = record.take_lost().unwrap();
        assert_eq!(notes, ["the vendor's response contains TargetURL https://example.com/status/1"]);
        assert!(kept.body.is_empty() && kept.text().unwrap().ends_with("location: https://example.com/status/1"));
        record.phase = Phase::Done;
    }

    #[test]
    fn each_failure_has_its_phase() {
        let error = |kind, delivery| Failure::from(Error::new(kind, "why").with_delivery(delivery));
        let local = || Failure::local("why");
        for (until, failure, word) in [
            (Until::Prepared, error(Kind::InvalidInput, Delivery::NotSent), "unsent"),
            (Until::Prepared, local(), "unsent"),
            (Until::Sent, error(Kind::Unreachable, Delivery::NotSent), "unsent"),
            // The failure is about a repetition; the first attempt was refused.
            (Until::Answered, error(Kind::Unreachable, Delivery::NotSent), "refused"),
            (Until::Answered, error(Kind::Rejected, Delivery::Answered), "refused"),
            (Until::Answered, error(Kind::OutcomeUnknown, Delivery::Answered), "unknown"),
            (Until::Answered, error(Kind::Protocol, Delivery::MaybeSent), "unknown"),
            (Until::Sent, error(Kind::Timeout, Delivery::MaybeSent), "unknown"),
            (Until::Sent, error(Kind::Rejected, Delivery::Answered), "unknown"),
            (Until::Sent, local(), "unknown"),
            (Until::Answered, local(), "undelivered"),
        ] {
            let shown = format!("{until:?} {failure:?}");
            let is_open = matches!(word, "unknown" | "undelivered");
            assert_eq!(failed(until, failure), (word, is_open), "{shown}");
        }
    }
}
