//! What happens, as it happens: server-sent events.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body::Frame;
use identkit_core::Content;

use super::{Answer, Asked};
use crate::Sandbox;
use crate::journal::Secrets;

/// Streams the journal from now on, or from after the entry that a client has seen last.
pub(super) fn stream(asked: &Asked<'_>) -> Answer {
    let sandbox = asked.sandbox()?;
    let seen = asked.request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let seen = seen.or_else(|| asked.query("since")?.parse().ok());
    let seen = seen.unwrap_or_else(|| sandbox.with_world(|world| world.journal.last()));
    let events = futures_util::stream::unfold((sandbox, seen), next).map(|text| Ok(Frame::data(text)));
    let mut response = Response::new(Content::new(None, Streamed(Box::pin(events))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The events after the last one that was seen, as soon as there are some; the end when the world is gone, or is
/// another one now.
async fn next((sandbox, seen): (Sandbox, u64)) -> Option<(Bytes, (Sandbox, u64))> {
    let (text, last) = {
        let happened = sandbox.happened_after(seen, |entries| {
            let mut text = String::new();
            let mut last = seen;
            for found in entries {
                last = found.sequence;
                let told = found.to_json(Secrets::Masked);
                let kind = told.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
                text.push_str(&format!("id: {last}\nevent: {kind}\ndata: {told}\n\n"));
            }
            (!text.is_empty()).then_some((text, last))
        });
        match select(std::pin::pin!(happened), std::pin::pin!(sandbox.running().closed())).await {
            Either::Left((told, _)) => told,
            Either::Right(_) => return None,
        }
    };
    Some((Bytes::from(text), (sandbox, last)))
}

type Frames = std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, identkit_core::Error>> + Send>>;

/// A body without an end.
struct Streamed(Frames);

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = identkit_core::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.as_mut().poll_next(cx)
    }
}
