//! Responses that the document does not contain: about another case, and with unknown fields.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::{Content, EvidenceKind, async_trait};
use identkit_mock_server::Sandbox;
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_wire::Body;

use super::steps::Step;
use super::{Suite, windows};

/// The calls that read about one case.
const READS: [Step; 4] =
    [Step::Status, Step::Plan, Step::Evidence(EvidenceKind::IdentData), Step::Evidence(EvidenceKind::Report)];

impl Suite<'_> {
    pub(super) async fn answers(&mut self, fresh: &Sandbox) {
        let sandbox = fresh.fork();
        let transition = &self.main().transition;
        let Some((_, first)) = self.moved(&sandbox, transition).await else { return };
        let Some((_, second)) = self.moved(&sandbox, transition).await else { return };
        let Some((window, _)) = windows(sandbox.now()) else { return };
        for step in READS.into_iter().filter(|step| self.can(step.needs())).collect::<Vec<_>>() {
            let plain = self.harness.provider(&sandbox);
            let read = self.limited(&sandbox, step.run(&*plain, &self.harness.case, &first, window)).await;
            let Some(read) = read else { return };
            let Ok(expected) = read else { continue };

            let other = Arc::new(OtherCase {
                inner: sandbox.transport(),
                id: first.id.expose().to_owned(),
                other: second.id.expose().to_owned(),
                names_other: AtomicBool::new(false),
            });
            let provider = self.harness.provider_over(&sandbox, other.clone());
            let read = self.limited(&sandbox, step.run(&*provider, &self.harness.case, &first, window)).await;
            let Some(read) = read else { return };
            // A response that does not name its case cannot be recognized.
            if other.names_other.load(Ordering::Relaxed) {
                let rejected = read.is_err();
                self.check("a response about another case is rejected", rejected, || format!("{step:?} accepts it"));
            }

            let extended = Arc::new(UnknownField(sandbox.transport()));
            let provider = self.harness.provider_over(&sandbox, extended);
            let read = self.limited(&sandbox, step.run(&*provider, &self.harness.case, &first, window)).await;
            let Some(read) = read else { return };
            // The checked data is handed over as the vendor sent it.
            let same = match step {
                Step::Evidence(_) => read.is_ok(),
                _ => read.as_ref().is_ok_and(|value| *value == expected),
            };
            self.check("unknown fields of a response change nothing", same, || format!("{step:?}: {read:?}"));
        }
    }
}

/// Asks the vendor about another case.
#[derive(Debug)]
struct OtherCase {
    inner: Arc<dyn Transport>,
    id: String,
    other: String,
    /// Whether a response named the other case.
    names_other: AtomicBool,
}

#[async_trait]
impl Transport for OtherCase {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let (mut head, mut body) = request.into_parts();
        let uri = head.uri.to_string();
        let mut asks = uri.contains(&self.id);
        if let Ok(uri) = uri.replace(&self.id, &self.other).parse() {
            head.uri = uri;
        }
        let text = body.as_bytes().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        if let Some(text) = text.filter(|text| text.contains(&self.id)) {
            asks = true;
            let text = Bytes::from(text.replace(&self.id, &self.other));
            head.headers.remove(http::header::CONTENT_LENGTH);
            body = text.into();
        }
        let response = self.inner.send(Request::from_parts(head, body), context).await?;
        // Only data is read; a document may name any case.
        let data = response.body().as_bytes().filter(|bytes| bytes.starts_with(b"{") || bytes.starts_with(b"["));
        let named = data.is_some_and(|bytes| String::from_utf8_lossy(bytes).contains(&self.other));
        self.names_other.fetch_or(asks && named, Ordering::Relaxed);
        Ok(response)
    }
}

/// Adds an unknown field to each JSON object that a response consists of.
#[derive(Debug)]
struct UnknownField(Arc<dyn Transport>);

#[async_trait]
impl Transport for UnknownField {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let response = self.0.send(request, context).await?;
        let Some(rest) = response.body().as_bytes().and_then(|bytes| bytes.strip_prefix(b"{")) else {
            return Ok(response);
        };
        let separator: &[u8] = if rest.trim_ascii_start().starts_with(b"}") { b"" } else { b"," };
        let body = [br#"{"unknownField":{"of":["a","later","release"]}"#, separator, rest].concat();
        let mut response = response.map(|_| Content::from_bytes(body));
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
        Ok(response)
    }
}
