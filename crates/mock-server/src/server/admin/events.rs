//! New journal entries as server-sent events.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use identkit_core::{Clock as _, Content};
use identkit_transport::SystemClock;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{Answer, Context, NoMembers, Output, Problem, ProblemKind, Route, input, route};
use crate::journal::{Entry, EntryView, Secrets};
use crate::readers::digits;
use crate::sandbox::Runner;

/// Real time without an entry after which a comment keeps the connection open. It is shorter than timeouts of proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Size from which a chunk is sent, in bytes. It limits the memory that a slow client takes.
const CHUNK: usize = 64 * 1024;

/// First chunk: it opens the stream at once, and sets the client's reconnection time in ms.
const OPENING: &str = "retry: 1000\n: new entries of the journal\n\n";

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "events", "streamEvents", "New entries of the journal", stream)
            .describe(
                "Starts now, or after the entry that `since` or the header `Last-Event-ID` names. If both are present, \
                 the header applies, unless it is empty. Evicted entries are missing; a gap in the numbers shows this. \
                 Each entry of the journal is one event: its `id` is the generation of the world and the number of \
                 the entry (`2-10`), its `event` the kind, and its `data` the entry (schema `Entry`). A reset or \
                 restored world has a new generation. A comment line every 15 seconds keeps the connection open. The \
                 stream ends when the world is reset, restored or deleted.",
            )
            .problems(&[ProblemKind::InvalidEventId]),
    ]
}

/// The start of the events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventQuery {
    /// Number of the entry, or id of the event, after which the stream starts. 0, or an id from before a reset or a
    /// restore, starts with the oldest entry.
    #[schemars(regex(pattern = r"^([0-9]+-)?[0-9]+$"))]
    since: Option<String>,
}

input!(EventQuery, InvalidEventId, false);

pub(super) struct Events(Content);

impl Output for Events {
    const MEDIA: &str = "text/event-stream";

    fn response(self) -> Answer {
        let mut response = Response::new(self.0);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        // The schema of the events' data.
        generator.subschema_for::<EntryView>();
        json_schema!({ "type": "string", "contentMediaType": Self::MEDIA, "description": "Server-sent events." })
    }
}

/// Streams the entries after now, or after the last entry that the client has received, until the world ends.
async fn stream(context: Context, query: EventQuery, _: NoMembers) -> Result<Events, Problem> {
    let sandbox = context.sandbox()?;
    let last = sandbox.with_world(|world| world.journal.last());
    let given = context.headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let generation = sandbox.runner().generation;
    let start = match given.filter(|id| !id.is_empty()) {
        Some(id) => Some(parse_position(id, "Last-Event-ID", generation)?),
        None => query.since.map(|since| parse_position(&since, "since", generation)).transpose()?,
    };
    // A greater number is from before a reset or a restore.
    let start = start.map_or(last, |start| if start > last { 0 } else { start });
    // Holds the runner only: the sandbox handle would keep the world running while a client listens.
    let running = Arc::clone(sandbox.runner());
    let opening = futures_util::stream::once(async { Bytes::from_static(OPENING.as_bytes()) });
    let events = opening.chain(futures_util::stream::unfold((running, start), next)).map(|text| Ok(Frame::data(text)));
    Ok(Events(Content::new(None, StreamBody::new(events))))
}

/// Parses the number of the last received entry. The id of an event from another generation of the world gives 0.
fn parse_position(text: &str, name: &str, generation: u64) -> Result<u64, Problem> {
    let detail = || format!("{name} must be the id of the last received event, the number of its entry, or 0");
    let number = |text: &str| digits(text).ok_or_else(|| Problem::new(ProblemKind::InvalidEventId, detail()));
    let Some((world, sequence)) = text.split_once('-').filter(|(world, _)| !world.is_empty()) else {
        return number(text);
    };
    let (world, sequence) = (number(world)?, number(sequence)?);
    Ok(if world == generation { sequence } else { 0 })
}

/// Returns the next chunk: events, or a comment after [`KEEP_ALIVE`]. `None` if the world was reset, restored or
/// deleted.
async fn next((running, position): (Arc<Runner>, u64)) -> Option<(Bytes, (Arc<Runner>, u64))> {
    let generation = running.generation;
    let (text, last) = {
        let real = SystemClock::new();
        let keep_alive = real.sleep_until(real.now().plus(KEEP_ALIVE));
        let new_entries = std::pin::pin!(running.wait_for_entries(position, |entries| {
            let (text, last) = encode(entries, position, generation);
            (!text.is_empty()).then_some((text, last))
        }));
        let closed = std::pin::pin!(running.closed());
        match select(new_entries, select(closed, keep_alive)).await {
            Either::Left((chunk, _)) => chunk,
            Either::Right((Either::Left(_), _)) => return None,
            Either::Right((Either::Right(_), _)) => (":\n\n".to_owned(), position),
        }
    };
    Some((Bytes::from(text), (running, last)))
}

/// Encodes the first of these entries as events, about [`CHUNK`] bytes. Returns the number of the last one too.
fn encode(entries: &mut dyn DoubleEndedIterator<Item = &Entry>, position: u64, generation: u64) -> (String, u64) {
    let (mut text, mut last) = (String::new(), position);
    for entry in entries {
        last = entry.sequence;
        let data = entry.to_json(Secrets::Masked);
        let kind = data.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
        text.push_str(&format!("id: {generation}-{last}\nevent: {kind}\ndata: {data}\n\n"));
        if text.len() > CHUNK {
            break;
        }
    }
    (text, last)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::super::AdminApi;
    use super::*;
    use crate::{Sandbox, VirtualClock};

    #[tokio::test(start_paused = true)]
    async fn comments_keep_an_idle_stream_open() {
        let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
        let request = Request::get("/_sandbox/v1/events").body(Bytes::new()).unwrap();
        let api = AdminApi::new(&Sandbox::builder().clock(clock).start());
        let mut body = api.handle(&request).await.into_body();
        let began = SystemClock::new();
        for (expected, seconds) in [(OPENING, 0), (":\n\n", 15), (":\n\n", 30)] {
            let frame = std::future::poll_fn(|cx| http_body::Body::poll_frame(std::pin::Pin::new(&mut body), cx));
            let frame = frame.await.unwrap().unwrap().into_data().unwrap();
            assert_eq!((&*frame, began.now().0.as_secs()), (expected.as_bytes(), seconds));
        }
    }
}
