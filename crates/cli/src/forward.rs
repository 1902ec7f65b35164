//! `--forward`: delivers each event to a service as JSON over HTTP.
//!
//! No message contains personal data, the URL or a header: both can contain secrets.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::Scheme;
use http::{Method, Request, StatusCode, Uri};
use identkit_core::{Clock, Error, Kind, Secret};
use identkit_store::{EventSink, Forwarder, Incident, Store, StoredEvent};
use identkit_transport::{AttemptContext, BaseUrl, SystemClock, Transport};
use identkit_wire::Body;
use identkit_wire::url::WebUrl;
use serde_json::{Map, Value};

use crate::exit::Failure;
use crate::input::{text_of, warn_if_shared};
use crate::output::reporter;
use crate::reception::Metrics;
use crate::text::plain;
use crate::{case_id, network};

/// Time for a request with its response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Time for the body of a response after its status.
const PATIENCE: Duration = Duration::from_secs(1);

/// Maximum size in bytes of a response that is read, so that its connection can be used again.
const MAX_RESPONSE: u64 = 64 * 1024;

/// Options of the commands that forward events.
#[derive(Clone, Debug, Args)]
pub(crate) struct ForwardArguments {
    /// Delivers each event to this URL by POST, and repeats it until the response has a status from 200 to 299.
    ///
    /// The body is JSON: id, provider, event, the vendor's id of the case, reference, payload, received_at, attempt. The header
    /// Idempotency-Key has the id: it is the same each time one event is delivered.
    #[arg(long, value_name = "URL", env = "IDENTKIT_FORWARD", hide_env_values = true)]
    pub(crate) forward: Option<Secret>,

    /// File with headers of each request to --forward, one `Name: value` on each line, e.g. with a shared secret.
    #[arg(long, value_name = "FILE", requires = "forward")]
    forward_header_file: Option<PathBuf>,

    /// Number of attempts to deliver before an event is dead: identkit inbox replay --dead starts again.
    #[arg(long, value_name = "NUMBER", requires = "forward", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..))]
    forward_attempts: u64,

    /// File of additional certificate authorities to trust for --forward (PEM).
    #[arg(long, value_name = "FILE", requires = "forward")]
    forward_ca_file: Option<PathBuf>,

    /// Allows a URL of another machine that begins with http://. The events contain ids and personal data, which anyone in
    /// the network between this machine and the service can then read.
    #[arg(long, requires = "forward")]
    forward_without_tls: bool,
}

impl ForwardArguments {
    /// Checks every option, and returns the service; `None` without `--forward`.
    pub(crate) fn sink(&self) -> Result<Option<HttpSink>, Failure> {
        let Some(url) = &self.forward else { return Ok(None) };
        Ok(Some(HttpSink {
            url: parse(url, self.forward_without_tls)?,
            headers: self.forward_header_file.as_deref().map(headers).transpose()?.unwrap_or_default(),
            transport: network::forward(self.forward_ca_file.as_deref())?,
            clock: Arc::new(SystemClock::new()),
        }))
    }

    /// Returns the forwarder from a store to the service. It reports incidents on standard error.
    pub(crate) fn forwarder(&self, sink: HttpSink, store: &Store, metrics: Arc<Metrics>) -> Forwarder {
        let clock = Arc::clone(&sink.clock);
        let forwarder = Forwarder::new(store.clone(), clock, Arc::new(sink)).max_attempts(self.forward_attempts);
        let lines = reporter();
        // Standard error may be blocked. Then incidents are left out, and the events are delivered.
        forwarder.on_incident(move |incident| {
            if matches!(incident, Incident::Unreadable { .. }) {
                metrics.count_unreadable("forward");
            }
            drop(lines.try_send(message(&incident)));
        })
    }
}

/// Reads the URL. Errors do not repeat it.
fn parse(text: &Secret, without_tls: bool) -> Result<Uri, Failure> {
    let refuse = |rule: &str| Failure::usage(format!("--forward (or IDENTKIT_FORWARD) {rule}"));
    let url = WebUrl::parse(text.expose().trim()).map_err(|fault| refuse(fault.text()))?;
    if url.credentials().is_some() {
        return Err(refuse("must not contain credentials: use --forward-header-file with an Authorization header"));
    }
    if url.has_fragment() {
        return Err(refuse("must not contain a fragment"));
    }
    let is_local = || {
        let authority = url.uri().authority().map(ToString::to_string);
        authority.is_some_and(|authority| BaseUrl::parse(&format!("http://{authority}")).is_ok())
    };
    if url.uri().scheme() == Some(&Scheme::HTTP) && !without_tls && !is_local() {
        return Err(refuse(
            "must begin with https://, because the events contain personal data; http:// is allowed for this machine, and \
             for others with --forward-without-tls",
        ));
    }
    Ok(url.uri().clone())
}

/// Headers that the request has already, or that concern the connection.
const RESERVED: [HeaderName; 11] = [
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Reads the headers of a file. Errors do not repeat a value.
fn headers(path: &Path) -> Result<HeaderMap, Failure> {
    let text = text_of("--forward-header-file", path)?;
    warn_if_shared(path);
    let mut headers = HeaderMap::new();
    for (number, line) in (1..).zip(text.expose().lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let refuse =
            |rule: &str| Failure::usage(format!("--forward-header-file {}: line {number} {rule}", path.display()));
        let (name, value) = line.split_once(':').ok_or_else(|| refuse("must be `Name: value`"))?;
        let name: HeaderName = name.trim().parse().map_err(|_| refuse("has a name that is not valid"))?;
        if RESERVED.contains(&name) || name == KEY {
            return Err(refuse("has a name that identkit sets"));
        }
        if headers.contains_key(&name) {
            return Err(refuse("has the name of an earlier line"));
        }
        let mut value: HeaderValue = value.trim().parse().map_err(|_| refuse("has a value that is not valid"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Header with the same value each time one event is delivered.
const KEY: &str = "idempotency-key";

/// A service that gets events as JSON over HTTP.
#[derive(Debug)]
pub(crate) struct HttpSink {
    url: Uri,
    headers: HeaderMap,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl HttpSink {
    fn request(&self, event: &StoredEvent) -> Result<Request<Body>, Error> {
        let mut request = Request::new(Body::from(body(event).to_string().into_bytes()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let key = HeaderValue::from_str(&event.idempotency_key);
        let key = key.map_err(|_| Error::new(Kind::InvalidInput, "the key of the event is not a valid header"))?;
        request.headers_mut().insert(KEY, key);
        Ok(request)
    }

    async fn send(&self, event: &StoredEvent, context: &AttemptContext) -> Result<StatusCode, Error> {
        let sent = self.transport.send(self.request(event)?, context).await;
        let response = sent.map_err(|failure| {
            let error = Error::new(failure.kind, failure.detail).with_delivery(failure.delivery);
            match failure.source {
                Some(source) => error.with_source(source),
                None => error,
            }
        })?;
        let status = response.status();
        // The status decides. The body is read so that the connection can be used again.
        tokio::select! {
            _ = response.into_body().collect(MAX_RESPONSE) => {}
            _ = self.clock.sleep_until(self.clock.now().plus(PATIENCE)) => {}
        }
        Ok(status)
    }
}

#[async_trait]
impl EventSink for HttpSink {
    async fn deliver(&self, event: &StoredEvent) -> Result<(), Error> {
        let deadline = self.clock.now().plus(TIMEOUT);
        let context = AttemptContext::new(false, deadline);
        let status = tokio::select! {
            status = self.send(event, &context) => status?,
            _ = self.clock.sleep_until(deadline) => {
                let detail = format!("no complete response within {} seconds", TIMEOUT.as_secs());
                return Err(Error::new(Kind::Timeout, detail).with_delivery(context.delivery()));
            }
        };
        let code = status.as_u16();
        let detail = match code {
            200..300 => return Ok(()),
            300..400 => format!("the service redirects (status {code}), which is not followed"),
            _ => format!("the service responded with status {code}"),
        };
        Err(Error::new(Kind::Unavailable, detail).with_status(code))
    }
}

/// The event as JSON.
fn body(stored: &StoredEvent) -> Value {
    let event = &stored.delivery.event;
    let mut members = Map::new();
    members.insert("id".into(), stored.idempotency_key.as_str().into());
    members.insert("provider".into(), event.provider.as_str().into());
    members.insert("event".into(), event.name.as_str().into());
    members.insert(case_id::member(&event.provider), event.case_id.as_ref().map(Secret::expose).into());
    members.insert("reference".into(), event.reference.as_ref().map(|text| text.expose().as_str()).into());
    members.insert("payload".into(), event.payload.as_ref().map(|text| text.expose().as_str()).into());
    members.insert("received_at".into(), stored.delivery.received.to_string().into());
    members.insert("attempt".into(), stored.attempts.into());
    Value::Object(members)
}

/// An incident as one line for standard error.
fn message(incident: &Incident) -> String {
    match incident {
        Incident::Retry { event, attempts, wait, error } => {
            let (event, wait) = (event.0, wait.as_secs_f64());
            format!("forward: event {event} is not accepted (attempt {attempts}): {}; retry in {wait:.1} s", why(error))
        }
        Incident::Dead { event, attempts, error } => {
            let replay = "identkit inbox replay --dead starts again";
            format!("forward: event {} is dead after {attempts} attempts: {}; {replay}", event.0, why(error))
        }
        Incident::Unreadable { event, error } => {
            let event = event.0;
            format!("forward: event {event} cannot be read: {}; its unit is dead", why(error))
        }
        Incident::Lost { .. } => "forward: another process has taken over the work of a case".to_owned(),
        Incident::Store { error } => format!("forward: {}; trying again", why(error)),
        _ => "forward: something failed; trying again".to_owned(),
    }
}

/// An error with its innermost cause. Causes contain addresses and certificates, and no values of a request.
fn why(error: &Error) -> String {
    let cause = std::iter::successors(std::error::Error::source(error), |inner| inner.source()).last();
    let cause = cause.filter(|cause| error.kind() == Kind::Unreachable && !cause.is::<Error>());
    plain(&cause.map_or_else(|| error.detail().to_owned(), |cause| format!("{}: {cause}", error.detail())))
}

#[cfg(test)]
mod tests;
