//! A transport that records requests that must not be repeated, and their responses.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use identkit_core::{Content, Delivery, Kind, RawResponse};
use identkit_transport::{AttemptContext, Failure, Trailers, Transport};
use identkit_wire::{Answer, Body, Meta, RetrySafety};

use super::recorder::{Recorder, is_unrepeatable};
use crate::tap::{Piece, join, peek, tap};

/// Wraps the transport with the recorder.
pub(crate) fn record(transport: Arc<dyn Transport>, recorder: Recorder) -> Arc<dyn Transport> {
    Arc::new(RecordingTransport { inner: transport, recorder })
}

#[derive(Debug)]
struct RecordingTransport {
    inner: Arc<dyn Transport>,
    recorder: Recorder,
}

#[async_trait]
impl Transport for RecordingTransport {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        // Not a login, whose response is a secret.
        let is_change = |meta: &Meta| meta.safety == RetrySafety::IdempotentByEffect && meta.answer == Answer::Empty;
        if let Some(meta) = context.operation().filter(|meta| is_change(meta)) {
            self.recorder.check_space().map_err(unwritable)?;
            // The paths of these calls end with an id.
            self.recorder.remember(meta, request.uri().path().rsplit('/').next().unwrap_or_default());
            let dropped = DroppedAttempt::new(context, |answer| self.recorder.remember_answer(answer));
            let sent = self.inner.send(request, context).await.inspect_err(|failure| {
                failure.answer.iter().for_each(|answer| self.recorder.remember_answer(answer));
            });
            drop(dropped);
            let (head, content) = sent?.into_parts();
            self.recorder.remember_response(head.status, &head.headers);
            let recorder = self.recorder.clone();
            let content = tap(content, move |piece| match piece {
                Piece::Data(bytes) => recorder.remember_piece(Some(bytes)),
                Piece::End(true) => recorder.remember_piece(None),
                Piece::End(false) => {}
            });
            return Ok(Response::from_parts(head, content));
        }
        let Some(meta) = context.operation().filter(|meta| is_unrepeatable(meta)) else {
            return self.inner.send(request, context).await;
        };
        self.recorder.request(meta, Some(context)).map_err(unwritable)?;
        let dropped = DroppedAttempt::new(context, |answer| self.recorder.answer(answer));
        let sent = self.inner.send(request, context).await.inspect_err(|failure| {
            // A response that is not valid HTTP (AT-97).
            failure.answer.iter().for_each(|answer| self.recorder.answer(answer));
        });
        drop(dropped);
        let (head, content) = sent?.into_parts();
        // In one step with what has arrived of the body: the process may be killed in between.
        let (first, content) = peek(join(content));
        self.recorder.response(&head, first.as_deref());
        let trailers = head.extensions.get::<Trailers>().cloned().unwrap_or_default();
        let (recorder, mut is_recorded) = (self.recorder.clone(), first.is_some());
        // Each piece is on disk before it is passed on.
        let content = tap(content, move |piece| match piece {
            Piece::Data(_) if std::mem::take(&mut is_recorded) => {}
            Piece::Data(bytes) => recorder.body(bytes),
            Piece::End(complete) => recorder.end(complete, &trailers.get()),
        });
        Ok(Response::from_parts(head, content))
    }
}

fn unwritable(error: io::Error) -> Failure {
    let detail = "the record of the request cannot be written (--state)";
    Failure::new(Delivery::NotSent, Kind::Storage, detail).with_source(error)
}

/// Records what was received of a head if the attempt is dropped, by a timeout or a signal (AT-97). The transport below
/// is dropped first.
struct DroppedAttempt<'a, F: Fn(&RawResponse)> {
    context: &'a AttemptContext,
    record: F,
}

impl<'a, F: Fn(&RawResponse)> DroppedAttempt<'a, F> {
    fn new(context: &'a AttemptContext, record: F) -> Self {
        Self { context, record }
    }
}

impl<F: Fn(&RawResponse)> Drop for DroppedAttempt<'_, F> {
    fn drop(&mut self) {
        self.context.partial_answer().iter().for_each(&self.record);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::Parser;
    use identkit_core::Instant;
    use identkit_identity_tm::PutOrder;
    use identkit_wire::{Operation as _, encode_base64};

    use super::super::StateOptions;
    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        state: StateOptions,
    }

    fn recorder(place: &std::path::Path) -> Recorder {
        let arguments = ["test", "--state", place.to_str().unwrap()];
        Recorder::new(&Options::parse_from(arguments).state)
    }

    /// The text of the only record in the directory.
    fn text(place: &PathBuf) -> String {
        let file = std::fs::read_dir(place).unwrap().next().unwrap().unwrap();
        std::fs::read_to_string(file.path()).unwrap()
    }

    /// Asserts at each step that the previous ones are in the file.
    #[derive(Debug)]
    struct Checking(PathBuf);

    const BODY: &str = "{\"OrderID\":\"1\"}";

    #[async_trait]
    impl Transport for Checking {
        async fn send(&self, _: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
            let text = text(&self.0);
            assert!(text.contains("\"intent\"") && text.contains("\"request\""), "{text}");
            Ok(Response::new(Content::from_bytes(BODY)))
        }
    }

    #[tokio::test]
    async fn each_piece_is_on_disk_before_it_is_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        let recorder = recorder(&place);
        recorder.prepare(PutOrder::META, &[("Ref", "my-ref")]).unwrap();
        assert!(text(&place).contains("my-ref"));
        let transport = record(Arc::new(Checking(place.clone())), recorder);
        let context = AttemptContext::new(false, Instant::NEVER).with_operation(PutOrder::META);
        let mut content = transport.send(Request::new(Body::default()), &context).await.unwrap().into_body();
        assert!(text(&place).contains("\"response\""));
        assert_eq!(content.next().await.unwrap().unwrap(), BODY);
        assert!(text(&place).contains(&encode_base64(BODY.as_bytes())));
        assert!(content.next().await.is_none());
        assert!(text(&place).contains("\"complete\":true"));
    }

    /// Responds with chunks of one byte that have arrived together.
    #[derive(Debug)]
    struct Bytewise;

    #[async_trait]
    impl Transport for Bytewise {
        async fn send(&self, _: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
            let bytes = BODY.bytes().map(|byte| Ok(http_body::Frame::data(bytes::Bytes::from(vec![byte]))));
            let body = http_body_util::StreamBody::new(futures_util::stream::iter(bytes.collect::<Vec<_>>()));
            Ok(Response::new(Content::new(None, body)))
        }
    }

    #[tokio::test]
    async fn at_97_chunks_that_arrive_together_are_one_record() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        let transport = record(Arc::new(Bytewise), recorder(&place));
        let context = AttemptContext::new(false, Instant::NEVER).with_operation(PutOrder::META);
        let response = transport.send(Request::new(Body::default()), &context).await.unwrap();
        // A signal can drop the response here.
        drop(response);
        let text = text(&place);
        assert_eq!(text.matches("\"body\"").count(), 1, "{text}");
        assert!(text.contains(&encode_base64(BODY.as_bytes())), "{text}");
    }

    /// Fails with a response that is not valid HTTP.
    #[derive(Debug)]
    struct Invalid(RawResponse);

    #[async_trait]
    impl Transport for Invalid {
        async fn send(&self, _: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
            let mut failure = Failure::new(Delivery::MaybeSent, Kind::Protocol, "not valid HTTP");
            failure.answer = Some(Box::new(self.0.clone()));
            Err(failure)
        }
    }

    #[tokio::test]
    async fn at_97_a_response_that_is_not_valid_http_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        let raw = RawResponse::new(http::StatusCode::ACCEPTED, http::HeaderMap::new(), BODY.into(), false);
        let transport = record(Arc::new(Invalid(raw)), recorder(&place));
        let context = AttemptContext::new(false, Instant::NEVER).with_operation(PutOrder::META);
        assert!(transport.send(Request::new(Body::default()), &context).await.is_err());
        let text = text(&place);
        assert!(text.contains("\"status\":202") && text.contains(&encode_base64(BODY.as_bytes())), "{text}");
        assert!(text.contains("\"complete\":false"), "{text}");
    }

    #[tokio::test]
    async fn without_a_record_nothing_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let transport = record(Arc::new(Checking(file.clone())), recorder(&file));
        let context = AttemptContext::new(false, Instant::NEVER).with_operation(PutOrder::META);
        let failure = transport.send(Request::new(Body::default()), &context).await.unwrap_err();
        assert_eq!((failure.delivery, failure.kind), (Delivery::NotSent, Kind::Storage));
    }
}
