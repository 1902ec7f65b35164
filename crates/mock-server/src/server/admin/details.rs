//! What a page about one order needs beyond its state: the request, the statuses with their names, the stories that are
//! possible now, what was done, and the files.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use identkit_core::Content;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Context, Json, NoMembers, Output, Problem, ProblemKind, RevealQuery, Route, input, route};
use crate::journal::{EntryKind, Secrets, Time};
use crate::{CaseDetails, EvidenceFile, KnownStatus, PastStatus, StoryOption};

const ID: (&str, &str) = ("Id of the order or ident, in the vendor's form.", "99921269855041");

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            Method::GET,
            "orders/{id}/details",
            "getOrderDetails",
            "What an order is, and what can be done with it",
            get,
        )
        .describe(
            "The request that created the order, its statuses with their names, the stories that can be played now, \
                 and its files. `getEvidence` returns a file.",
        )
        .id(ID.0, ID.1)
        .problems(&[ProblemKind::UnknownOrder]),
        route(Method::GET, "orders/{id}/evidence", "getEvidence", "A file of an order", file)
            .describe(
                "Returns the same bytes as the vendor's call that `getOrderDetails` names, except that several files \
                 are separate and not in Base64. It changes nothing and leaves no journal entry.",
            )
            .id(ID.0, ID.1)
            .problems(&[ProblemKind::UnknownOrder, ProblemKind::UnknownFile, ProblemKind::RefusedFile]),
        route(Method::GET, "statuses", "listStatuses", "The statuses that the vendors know", statuses).describe(
            "A vendor whose statuses are free texts has those of its settings. Any other status can be set too.",
        ),
    ]
}

/// What an order is, and what can be done with it.
#[derive(Serialize, JsonSchema)]
struct Details {
    /// The request that created the order, in the vendor's form; for an ident, its data. Texts of more than 400 characters are replaced by their
    /// length.
    #[schemars(extend("type" = "object"))]
    ordered: Value,
    /// The statuses, oldest first. A vendor without a history has the latest one only.
    timeline: Vec<Past>,
    /// The stories of the vendor.
    stories: Vec<Story>,
    /// The stories and statuses that were played, oldest first, as far as the journal holds them.
    actions: Vec<Action>,
    /// The files that the order has or can have.
    evidence: Vec<File>,
}

/// A status that an order had.
#[derive(Serialize, JsonSchema)]
struct Past {
    /// When the status was set; null if the vendor does not store it.
    at: Option<Time>,
    /// The status, in the form of `latest_status`.
    status: String,
    /// The document's text of the status; null if the document does not list it.
    name: Option<&'static str>,
    /// The vendor's remark.
    remark: Option<String>,
}

impl From<PastStatus> for Past {
    fn from(past: PastStatus) -> Self {
        Self { at: past.at.map(Time), status: past.known.status, name: past.known.name, remark: past.remark }
    }
}

/// A story.
#[derive(Serialize, JsonSchema)]
struct Story {
    name: String,
    /// Why it cannot be played now; null if it can.
    refused: Option<String>,
}

impl From<StoryOption> for Story {
    fn from(StoryOption { name, refused }: StoryOption) -> Self {
        Self { name, refused }
    }
}

/// A story or status that was played.
#[derive(Serialize, JsonSchema)]
struct Action {
    /// Number of the entry in the journal.
    #[schemars(range(min = 1))]
    sequence: u64,
    at: Time,
    /// Name of the story, or the status as JSON.
    by: String,
}

/// A file of an order.
#[derive(Serialize, JsonSchema)]
struct File {
    /// Name of the file.
    name: String,
    media_type: &'static str,
    /// The vendor's call that returns it.
    operation: &'static str,
    /// Why it cannot be read now; null if it can.
    refused: Option<String>,
}

impl From<EvidenceFile> for File {
    fn from(EvidenceFile { name, media_type, operation, refused }: EvidenceFile) -> Self {
        Self { name, media_type, operation, refused }
    }
}

async fn get(context: Context, query: RevealQuery, _: NoMembers) -> Result<Json<Details>, Problem> {
    let (secrets, sandbox, id) = (query.secrets()?, context.sandbox()?, &context.id);
    let found = sandbox.read(|world, vendors| {
        vendors.iter().find(|vendor| vendor.keys(world, id).is_some()).map(|vendor| {
            let actions = world.journal.since(0).filter_map(|entry| action(&entry.kind, entry.sequence, entry.at, id));
            (actions.collect(), vendor.describe(world, id).unwrap_or_default())
        })
    });
    let (actions, details) = found.ok_or_else(|| Problem::unknown_order(id))?;
    let CaseDetails { ordered, timeline, stories, evidence } = details;
    Ok(Json(Details {
        ordered: masked(ordered, secrets),
        timeline: timeline.into_iter().map(Into::into).collect(),
        stories: stories.into_iter().map(Into::into).collect(),
        actions,
        evidence: evidence.into_iter().map(Into::into).collect(),
    }))
}

/// Masks secrets. A vendor that says nothing about its orders has an empty object.
fn masked(ordered: Value, secrets: Secrets) -> Value {
    match ordered {
        Value::Null => Value::Object(serde_json::Map::new()),
        ordered => secrets.value(ordered),
    }
}

fn action(kind: &EntryKind, sequence: u64, at: Timestamp, id: &str) -> Option<Action> {
    match kind {
        EntryKind::Moved { case, by } if case == id => Some(Action { sequence, at: Time(at), by: by.clone() }),
        _ => None,
    }
}

/// The query for a file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileQuery {
    /// Name of the file.
    #[schemars(length(min = 1), example = &"report.pdf")]
    file: String,
}

input!(FileQuery, InvalidQuery, false);

/// The bytes of a file.
struct Bytes {
    media_type: &'static str,
    bytes: Vec<u8>,
}

impl Output for Bytes {
    const MEDIA: &str = "*/*";

    fn response(self) -> Answer {
        let mut response = Response::new(Content::from_bytes(self.bytes));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        Ok(response)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "The file. `Content-Type` is its `media_type`." })
    }
}

async fn file(context: Context, query: FileQuery, _: NoMembers) -> Result<Bytes, Problem> {
    let (sandbox, id) = (context.sandbox()?, &context.id);
    let found = sandbox.read(|world, vendors| {
        let vendor = vendors.iter().find(|vendor| vendor.keys(world, id).is_some())?;
        Some(vendor.evidence(world, id, &query.file))
    });
    let found = found.ok_or_else(|| Problem::unknown_order(id))?.ok_or_else(|| {
        Problem::new(
            ProblemKind::UnknownFile,
            "the order has no file of this name; GET orders/{id}/details lists its files",
        )
    })?;
    let evidence = found.map_err(|refused| Problem::refused([ProblemKind::RefusedFile; 2], &refused))?;
    let media_type = evidence.media_type;
    let bytes = evidence.bytes().map_err(|why| Problem::new(ProblemKind::Internal, why))?;
    Ok(Bytes { media_type, bytes })
}

/// Statuses.
#[derive(Serialize, JsonSchema)]
struct Statuses {
    statuses: Vec<Status>,
}

/// A status of a vendor.
#[derive(Serialize, JsonSchema)]
struct Status {
    vendor: &'static str,
    /// What the vendor's cases are called.
    #[schemars(extend("enum" = ["orders", "idents"]))]
    cases: &'static str,
    /// The status, in the form of `latest_status`.
    status: String,
    /// The document's text; null if the status is a text itself.
    name: Option<&'static str>,
}

async fn statuses(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<Statuses>, Problem> {
    let statuses = context.sandbox()?.read(|world, vendors| {
        let of = vendors.iter().flat_map(|vendor| {
            let facts = vendor.facts();
            let known = vendor.statuses(world).unwrap_or_default().into_iter();
            let status = |KnownStatus { status, name }| Status { vendor: facts.name, cases: facts.cases, status, name };
            known.map(status).collect::<Vec<_>>()
        });
        of.collect()
    });
    Ok(Json(Statuses { statuses }))
}
