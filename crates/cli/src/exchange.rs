//! What a command remembers of its exchanges: the last 404, and with `--raw` the responses as received.

use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use http::{Request, Response, StatusCode, Uri};
use identkit_core::Content;
use identkit_files::{Draft, Existing, cause};
use identkit_transport::{
    AttemptContext, AttemptReport, CallInfo, CallObserver, CallReport, Failure as TransportFailure, Observer,
    StreamReport, Transport,
};
use identkit_wire::{Body, Meta, RetrySafety, trim_body};

use crate::exit::Failure;
use crate::output::print_bytes;
use crate::save::check_place;
use crate::tap::{Piece, tap};

/// Number of bytes of a 404's body that are judged.
const JUDGED: usize = 64 * 1024;

/// A response with status 404.
#[derive(Clone, Debug)]
pub(crate) struct NotFound {
    /// The URL that was called, without a query. Secret ids are replaced by their placeholders.
    pub(crate) url: String,
    /// The operation that was called. It can be the login before the command's operation.
    pub(crate) operation: &'static str,
    /// Whether the operation is about a resource of which the request contains the id.
    pub(crate) has_id: bool,
    body: Vec<u8>,
}

impl NotFound {
    /// Whether the response may come from the API: it is not a page of another server. The document of a vendor
    /// can print a plain text.
    pub(crate) fn may_be_the_api(&self) -> bool {
        self.body.len() >= JUDGED || !trim_body(&self.body).starts_with(b"<")
    }
}

/// The exchanges of a command. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Exchanges {
    /// Whether ids in paths are secret.
    secret_ids: bool,
    not_found: Arc<Mutex<Option<NotFound>>>,
    raw: Option<RawResponses>,
}

impl Exchanges {
    pub(crate) fn new(secret_ids: bool, raw: Option<RawResponses>) -> Self {
        Self { secret_ids, not_found: Arc::default(), raw }
    }

    /// Takes the last response with status 404.
    pub(crate) fn take_not_found(&self) -> Option<NotFound> {
        lock(&self.not_found).take()
    }

    pub(crate) fn watch(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(WatchedTransport { inner: transport, exchanges: self.clone() })
    }

    /// The URL for messages.
    fn url(&self, uri: &Uri, meta: &Meta) -> String {
        let origin =
            format!("{}://{}", uri.scheme_str().unwrap_or("https"), uri.authority().map_or("", |it| it.as_str()));
        let (path, template) = (uri.path(), meta.path);
        if !self.secret_ids || !template.contains('{') {
            return format!("{origin}{path}");
        }
        let own = template.split('/').count().saturating_sub(1);
        let prefix = path.split('/').count().saturating_sub(own);
        let prefix: Vec<&str> = path.split('/').take(prefix).collect();
        format!("{origin}{}{template}", prefix.join("/"))
    }
}

#[derive(Debug)]
struct WatchedTransport {
    inner: Arc<dyn Transport>,
    exchanges: Exchanges,
}

#[async_trait]
impl Transport for WatchedTransport {
    async fn send(
        &self,
        request: Request<Body>,
        context: &AttemptContext,
    ) -> Result<Response<Content>, TransportFailure> {
        let Some(meta) = context.operation() else { return self.inner.send(request, context).await };
        let uri = request.uri().clone();
        let mut response = self.inner.send(request, context).await?;
        if response.status() == StatusCode::NOT_FOUND {
            let (url, has_id) = (self.exchanges.url(&uri, meta), meta.path.contains('{'));
            *lock(&self.exchanges.not_found) = Some(NotFound { url, operation: meta.name, has_id, body: Vec::new() });
            let not_found = Arc::clone(&self.exchanges.not_found);
            response = response.map(|content| {
                tap(content, move |piece| {
                    if let (Piece::Data(bytes), Some(seen)) = (piece, &mut *lock(&not_found)) {
                        let room = JUDGED.saturating_sub(seen.body.len());
                        seen.body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                    }
                })
            });
        }
        if let Some(raw) = self.exchanges.raw.clone().filter(|_| meta.safety == RetrySafety::Safe) {
            raw.begin(response.status());
            response = response.map(|content| {
                tap(content, move |piece| {
                    if let Piece::Data(bytes) = piece {
                        raw.append(bytes);
                    }
                })
            });
        }
        Ok(response)
    }
}

/// The responses of the reads of a command, as received, in a temporary file. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct RawResponses {
    /// The file for them; `None` is standard output.
    path: Option<PathBuf>,
    state: Arc<Mutex<RawState>>,
}

#[derive(Debug)]
struct RawState {
    file: std::fs::File,
    /// Whether there was a response.
    begun: bool,
    /// Where the response to the current attempt begins, if there is one.
    current: Option<u64>,
    /// Where the last response begins, if the next one replaces it.
    failed: Option<u64>,
    length: u64,
    /// Why a write failed.
    error: Option<io::Error>,
}

impl RawResponses {
    /// Prepares `--raw`, whose value is a path or `-`.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub(crate) fn prepare(place: &Path) -> Result<Self, Failure> {
        let path = (place.as_os_str() != "-").then(|| place.to_owned());
        if let Some(path) = &path {
            check_place("--raw", path, Existing::Keep)?;
        }
        let file = tempfile::tempfile()
            .map_err(|error| Failure::unsent(format!("--raw needs a temporary file: {}", cause(&error))))?;
        let state = RawState { file, begun: false, current: None, failed: None, length: 0, error: None };
        Ok(Self { path, state: Arc::new(Mutex::new(state)) })
    }

    /// Whether the responses replace the result on standard output.
    pub(crate) fn is_standard_output(&self) -> bool {
        self.path.is_none()
    }

    /// Begins a response. It replaces a failed one before it; other responses are separated by a line break.
    fn begin(&self, status: StatusCode) {
        let mut state = lock(&self.state);
        state.begun = true;
        match state.failed.take() {
            Some(start) => {
                let cut = state.file.set_len(start).and_then(|()| state.file.seek(io::SeekFrom::Start(start)));
                state.length = start;
                if let Err(error) = cut {
                    state.error = Some(error);
                }
            }
            None if state.length > 0 => state.write(b"\n"),
            None => {}
        }
        state.current = Some(state.length);
        state.failed = state.current.filter(|_| !status.is_success());
    }

    fn append(&self, bytes: &[u8]) {
        lock(&self.state).write(bytes);
    }

    /// Writes the responses to their place, and returns a note on it.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn deliver(&self) -> Result<Option<String>, Failure> {
        let mut state = lock(&self.state);
        let name = self.path.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
        let failure = |error: &io::Error| Failure::local(format!("--raw: {name} cannot be written: {}", cause(error)));
        if let Some(error) = state.error.take() {
            return Err(failure(&error));
        }
        if state.length == 0 {
            let is_unwritten = state.begun && self.path.is_some();
            return Ok(is_unwritten.then(|| format!("--raw: the response has no body, so {name} is not written")));
        }
        state.file.rewind().map_err(|error| failure(&error))?;
        let Some(path) = &self.path else {
            let mut chunk = vec![0; 64 * 1024];
            loop {
                match state.file.read(&mut chunk).map_err(|error| failure(&error))? {
                    0 => return Ok(None),
                    count => print_bytes(chunk.get(..count).unwrap_or_default())?,
                }
            }
        };
        let saved = Draft::new(path).and_then(|mut draft| {
            io::copy(&mut state.file, &mut draft)?;
            Ok(draft.commit(Existing::Keep)?)
        });
        saved.map_err(|error| failure(&error))?;
        Ok(Some(format!("the response as received is in {name}")))
    }
}

impl Observer for RawResponses {
    fn begin(&self, _: &CallInfo) -> Arc<dyn CallObserver> {
        Arc::new(self.clone())
    }
}

impl CallObserver for RawResponses {
    fn attempted(&self, attempt: &AttemptReport) {
        let mut state = lock(&self.state);
        // A response with a successful status can be cut, or be about another order.
        let superseded = state.current.take().filter(|_| attempt.wait.is_some());
        state.failed = superseded.or(state.failed);
    }

    fn ended(&self, _: &CallReport) {}

    fn streamed(&self, _: &StreamReport) {}
}

impl RawState {
    fn write(&mut self, bytes: &[u8]) {
        match self.file.write_all(bytes) {
            Ok(()) => self.length += bytes.len() as u64,
            Err(error) => self.error = Some(error),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use identkit_identify24::operations::GetIdent;
    use identkit_identity_tm::GetStatus;
    use identkit_wire::Operation as _;

    use super::*;

    #[test]
    fn a_url_in_a_message_has_no_query_and_no_secret_id() {
        let url = |secret, uri: &'static str, meta| Exchanges::new(secret, None).url(&Uri::from_static(uri), meta);
        assert_eq!(
            url(true, "https://api.example.com/v1/ident/get/secret?x=1", GetIdent::META),
            "https://api.example.com/v1/ident/get/{ident_id}"
        );
        assert_eq!(url(true, "http://[::1]:1/ident/get/secret", GetIdent::META), "http://[::1]:1/ident/get/{ident_id}");
        assert_eq!(url(false, "https://a.example/getStatus/1?x", GetStatus::META), "https://a.example/getStatus/1");
    }

    #[test]
    fn a_page_does_not_come_from_the_api() {
        for (body, expected) in [
            ("", true),
            (" \r\n", true),
            ("{}", true),
            ("\"no\"", true),
            ("<html>", false),
            ("\n<html>", false),
            ("Order not found", true),
        ] {
            let seen = NotFound { url: String::new(), operation: "test", has_id: true, body: body.into() };
            assert_eq!(seen.may_be_the_api(), expected, "{body}");
        }
    }
}
