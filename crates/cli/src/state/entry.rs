//! Reads records.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use http::{HeaderMap, StatusCode};
use identkit_core::RawResponse;
use identkit_wire::decode_base64;
use serde_json::Value;

use super::format::{Phase, VERSION};

/// The extension of a record.
pub(super) const EXTENSION: &str = "jsonl";

/// A record as read from its file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    pub(crate) phase: Phase,
    /// Whether the command that writes it is still running.
    pub(crate) running: bool,
    pub(crate) at: String,
    pub(crate) provider: String,
    pub(crate) operation: String,
    /// References and ids of the request by name.
    pub(crate) request_names: Vec<(String, String)>,
    /// References and ids by name: those of the request and, at the end, those of the response.
    pub(crate) names: Vec<(String, String)>,
    pub(crate) status: Option<u64>,
    pub(crate) headers: Vec<(String, String)>,
    /// The body of the last response, as far as it was received.
    pub(crate) body: Vec<u8>,
    /// Whether the body was received to its end.
    pub(crate) complete: bool,
    /// Whether everything that was received of the response is in the record.
    pub(crate) recorded: bool,
    /// Responses to earlier attempts, oldest first.
    pub(crate) earlier: Vec<Earlier>,
}

/// The response to an earlier attempt.
#[derive(Debug)]
pub(crate) struct Earlier {
    pub(crate) status: u64,
    pub(crate) body: Vec<u8>,
    pub(crate) complete: bool,
    pub(crate) recorded: bool,
}

impl Entry {
    /// Reads all records in the directory, oldest first. A directory that does not exist has none.
    ///
    /// # Errors
    /// If the directory or a record cannot be read.
    pub(crate) fn read_all(directory: &Path) -> io::Result<Vec<Self>> {
        let mut entries = Vec::new();
        let files = match std::fs::read_dir(directory) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(entries),
            Err(error) => return Err(error),
        };
        for file in files {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) && path.is_file() {
                entries.push(Self::read(path)?);
            }
        }
        // Names begin with the time.
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }

    /// Reads a record, also one that a running command is writing.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn read(path: PathBuf) -> io::Result<Self> {
        let mut file = File::open(&path)?;
        let running = match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => false,
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut entry = Self {
            path,
            phase: Phase::Damaged,
            running,
            at: String::new(),
            provider: String::new(),
            operation: String::new(),
            request_names: Vec::new(),
            names: Vec::new(),
            status: None,
            headers: Vec::new(),
            body: Vec::new(),
            complete: false,
            recorded: true,
            earlier: Vec::new(),
        };
        let mut damaged = false;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                entry.apply_torn(line);
            } else if entry.apply(line, damaged).is_none() {
                // The lines after it may have the only copy of an id.
                damaged = true;
            }
        }
        if damaged {
            (entry.phase, entry.recorded) = (Phase::Damaged, false);
        }
        Ok(entry)
    }

    /// The responses, the last one first. The headers of earlier ones are not retained.
    pub(crate) fn responses(&self) -> impl Iterator<Item = RawResponse> {
        let status = |status| StatusCode::from_u16(u16::try_from(status).unwrap_or_default()).unwrap_or_default();
        let header = |(name, value): &(String, String)| Some((name.parse().ok()?, value.parse().ok()?));
        let headers: HeaderMap = self.headers.iter().filter_map(header).collect();
        let body = self.body.clone().into();
        let last =
            self.status.map(|code| RawResponse::new(status(code), headers, body, self.complete && self.recorded));
        let earlier = self.earlier.iter().rev().map(move |earlier| {
            let is_whole = earlier.complete && earlier.recorded;
            RawResponse::new(status(earlier.status), HeaderMap::new(), earlier.body.clone().into(), is_whole)
        });
        last.into_iter().chain(earlier)
    }

    /// The name of its file.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Applies an incomplete last line, which a crash can leave: the whole bytes of a piece of the body.
    fn apply_torn(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        // Only a piece of a body has this member.
        let Some(piece) = text.split_once("\"base64\":\"").and_then(|(_, rest)| rest.split('"').next()) else { return };
        let whole = piece.get(..piece.len() / 4 * 4).unwrap_or_default();
        self.body.extend(decode_base64(whole).unwrap_or_default());
        self.recorded &= self.running;
    }

    /// Applies a line; `None` if it is not valid. `damaged`: whether an earlier one was not.
    fn apply(&mut self, line: &[u8], damaged: bool) -> Option<()> {
        let line: Value = serde_json::from_slice(line).ok()?;
        let text = |key: &str| line.get(key).and_then(Value::as_str);
        let names = |value: &Value| -> Option<Vec<(String, String)>> {
            value.as_object()?.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        };
        match text("event")? {
            // Another version may have other states, so its records are never closed.
            "intent" if self.operation.is_empty() && line.get("v")?.as_u64()? == VERSION => {
                self.at = text("at")?.to_owned();
                self.provider = text("provider")?.to_owned();
                self.operation = text("operation")?.to_owned();
                self.names = names(line.get("names")?)?;
                self.request_names.clone_from(&self.names);
                self.phase = Phase::Unsent;
            }
            // Without an intent, the file is not a record; but the line with the intent may be damaged.
            _ if self.operation.is_empty() && !damaged => return None,
            "request" => {
                if let Some(status) = self.status {
                    let body = std::mem::take(&mut self.body);
                    let (complete, recorded) = (self.complete, self.recorded);
                    self.earlier.push(Earlier { status, body, complete, recorded });
                }
                (self.phase, self.status, self.complete) = (Phase::Unanswered, None, false);
                self.recorded = true;
                self.headers.clear();
                self.body.clear();
            }
            "response" => {
                self.phase = Phase::Answered;
                self.status = Some(line.get("status")?.as_u64()?);
                self.headers = pairs(line.get("headers")?)?;
            }
            "body" => self.body.extend(decode_base64(text("base64")?).ok()?),
            "end" => {
                self.complete = line.get("complete")?.as_bool()?;
                if let Some(trailers) = line.get("trailers") {
                    self.headers.extend(pairs(trailers)?);
                }
            }
            "result" => {
                self.phase = Phase::parse(text("result")?)?;
                self.names = names(line.get("names")?)?;
            }
            _ => return None,
        }
        self.recorded &= line.get("recorded") != Some(&false.into());
        Some(())
    }
}

/// Headers from the form of a record.
fn pairs(headers: &Value) -> Option<Vec<(String, String)>> {
    let pair = |pair: &Value| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()));
    headers.as_array()?.iter().map(pair).collect()
}
