//! What happens, as it happens: server-sent events.

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
use crate::sandbox::Runner;

/// How long, in real time, nothing happens until a comment says that the stream still goes on: less than proxies wait.
const QUIET: Duration = Duration::from_secs(15);

/// How much text is made at once, so that whoever reads slowly costs little memory: one entry more than fits.
const CHUNK: usize = 64 * 1024;

/// What comes first, so that the client sees at once that it is heard; and how soon it is to come again, in ms.
const HELLO: &str = "retry: 1000\n: the journal, as it grows\n\n";

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "events", "streamEvents", "The journal as it grows", stream)
            .describe(
                "Begins now, or after the entry that `since` or the header `Last-Event-ID` names; the header comes first \
                 unless it is empty. Entries that are no longer kept are left out: a gap in the numbers shows it. Each \
                 entry of the journal is one event, with the generation of the world and the entry's number as `id` \
                 (`2-10`), its kind as `event` and the entry (schema `Entry`) as `data`. A reset or restored world has \
                 another generation. A comment line every 15 seconds keeps the connection open. The stream ends when \
                 the world is reset, restored or deleted.",
            )
            .problems(&[ProblemKind::InvalidEventId]),
    ]
}

/// Where the events begin.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventQuery {
    /// After which entry: its number, 0 for all that is kept, or the id of its event. An id from before a reset or a
    /// restore begins with all that is kept.
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
        // The data of the events.
        generator.subschema_for::<EntryView>();
        json_schema!({ "type": "string", "contentMediaType": Self::MEDIA, "description": "Server-sent events." })
    }
}

/// Streams the journal from now on, or from after the last entry that a client has seen, until the world ends.
async fn stream(context: Context, query: EventQuery, _: NoMembers) -> Result<Events, Problem> {
    let sandbox = context.sandbox()?;
    let last = sandbox.with_world(|world| world.journal.last());
    let given = context.headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let generation = sandbox.runner().generation;
    let seen = match given.filter(|id| !id.is_empty()) {
        Some(id) => Some(seen(id, "Last-Event-ID", generation)?),
        None => query.since.map(|since| seen(&since, "since", generation)).transpose()?,
    };
    // A number from before the world began anew says nothing about this one.
    let seen = seen.map_or(last, |seen| if seen > last { 0 } else { seen });
    // Not the sandbox itself, which would go on for as long as a client listens.
    let running = Arc::clone(sandbox.runner());
    let hello = futures_util::stream::once(async { Bytes::from_static(HELLO.as_bytes()) });
    let events = hello.chain(futures_util::stream::unfold((running, seen), next)).map(|text| Ok(Frame::data(text)));
    Ok(Events(Content::new(None, StreamBody::new(events))))
}

/// The number of the entry that was seen last. The id of an event is of one world; of one that has gone nothing was seen
/// here. A number alone is of the world that is asked.
fn seen(text: &str, name: &str, generation: u64) -> Result<u64, Problem> {
    let told = || format!("{name} is the id of the event that was seen last, or the number of its entry; 0 for none");
    let refuse = |_| Problem::new(ProblemKind::InvalidEventId, told());
    let number = |text: &str| text.parse::<u64>().map_err(refuse);
    let Some((world, sequence)) = text.split_once('-').filter(|(world, _)| !world.is_empty()) else {
        return number(text);
    };
    let (world, sequence) = (number(world)?, number(sequence)?);
    Ok(if world == generation { sequence } else { 0 })
}

/// The events after the last one that was seen, as soon as there are some; a comment when there are none for a while;
/// nothing any more when the world was reset, restored or taken away.
async fn next((running, seen): (Arc<Runner>, u64)) -> Option<(Bytes, (Arc<Runner>, u64))> {
    let generation = running.generation;
    let (text, last) = {
        let real = SystemClock::new();
        let quiet = real.sleep_until(real.now().plus(QUIET));
        let happened = std::pin::pin!(running.happened_after(seen, |entries| {
            let (text, last) = told(entries, seen, generation);
            (!text.is_empty()).then_some((text, last))
        }));
        let closed = std::pin::pin!(running.closed());
        match select(happened, select(closed, quiet)).await {
            Either::Left((told, _)) => told,
            Either::Right((Either::Left(_), _)) => return None,
            Either::Right((Either::Right(_), _)) => (":\n\n".to_owned(), seen),
        }
    };
    Some((Bytes::from(text), (running, last)))
}

/// The first of these entries as events, and the number of the last one among them.
fn told(entries: &mut dyn DoubleEndedIterator<Item = &Entry>, seen: u64, generation: u64) -> (String, u64) {
    let (mut text, mut last) = (String::new(), seen);
    for found in entries {
        last = found.sequence;
        let told = found.to_json(Secrets::Masked);
        let kind = told.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
        text.push_str(&format!("id: {generation}-{last}\nevent: {kind}\ndata: {told}\n\n"));
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
    use crate::{Sandbox, VirtualClock, Worlds};

    #[tokio::test(start_paused = true)]
    async fn a_stream_on_which_nothing_happens_is_kept_open_by_comments() {
        let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
        let worlds = Worlds::from(&Sandbox::builder().clock(clock).start());
        let request = Request::get("/_sandbox/v1/events").body(Bytes::new()).unwrap();
        let api = AdminApi::new(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into());
        let mut body = api.handle(&worlds, &request).await.into_body();
        let began = SystemClock::new();
        for (expected, seconds) in [(HELLO, 0), (":\n\n", 15), (":\n\n", 30)] {
            let frame = std::future::poll_fn(|cx| http_body::Body::poll_frame(std::pin::Pin::new(&mut body), cx));
            let frame = frame.await.unwrap().unwrap().into_data().unwrap();
            assert_eq!((&*frame, began.now().0.as_secs()), (expected.as_bytes(), seconds));
        }
    }
}
