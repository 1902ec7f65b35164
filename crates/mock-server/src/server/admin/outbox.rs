//! The mails and text messages that the vendors would have sent.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Context, Json, NoMembers, Problem, ProblemKind, Reveal, Route, input, route};
use crate::journal::{Secrets, Time};
use crate::readers::parsed;
use crate::{Channel, Message};

const DEFAULT_LIMIT: usize = 100;

const MAX_LIMIT: usize = 1_000;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "outbox", "listMessages", "Mails and text messages, newest first", list)
            .describe("What the vendors would have sent; the sandbox sends nothing. A world keeps 10,000 messages."),
    ]
}

/// A query for messages.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutboxQuery {
    /// Only messages about this order or ident.
    #[schemars(example = &"99921269855041")]
    order: Option<String>,
    /// Only messages before the one of this number.
    #[serde(default, deserialize_with = "parsed")]
    before: Option<u64>,
    /// Maximum number to return. The default is 100.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(example = 10, range(min = 1, max = MAX_LIMIT))]
    limit: Option<usize>,
    #[serde(default)]
    reveal: Reveal,
}

input!(OutboxQuery, InvalidQuery, false);

/// Messages that the vendors would have sent.
#[derive(Serialize, JsonSchema)]
struct Outbox {
    messages: Vec<Sent>,
    /// If there are more: `before` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(min = 1))]
    next: Option<u64>,
}

/// A mail or text message that a vendor would have sent.
#[derive(Serialize, JsonSchema)]
struct Sent {
    /// Number in the world.
    #[schemars(range(min = 1))]
    number: u64,
    /// Time in the world.
    at: Time,
    vendor: &'static str,
    /// Id of the order or ident.
    order: String,
    channel: Channel,
    /// Mail address or phone number.
    to: String,
    /// Short description of the content.
    text: String,
    /// The TAN in it; null if the sandbox issued none.
    tan: Option<String>,
}

impl Sent {
    fn new(message: &Message, secrets: Secrets) -> Self {
        let tan = message.tan.as_ref().map(|tan| secrets.value(json!({ "tan": tan.expose() })));
        let tan = tan.as_ref().and_then(|tan| tan.get("tan")?.as_str()).map(str::to_owned);
        let (order, to, text) = (message.case.clone(), message.to.clone(), message.text.clone());
        let (number, at, vendor, channel) = (message.number, Time(message.at), message.vendor, message.channel);
        Self { number, at, vendor, order, channel, to, text, tan }
    }
}

async fn list(context: Context, query: OutboxQuery, _: NoMembers) -> Result<Json<Outbox>, Problem> {
    let secrets = query.reveal.secrets(ProblemKind::InvalidReveal)?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::new(ProblemKind::InvalidQuery, "limit must be from 1 to 1000"));
    }
    let all = context.sandbox()?.messages();
    let mut matching = all.iter().rev().filter(|message| {
        let order = query.order.as_ref().is_none_or(|order| message.case == *order);
        order && query.before.is_none_or(|before| message.number < before)
    });
    let messages: Vec<Sent> = matching.by_ref().take(limit).map(|message| Sent::new(message, secrets)).collect();
    let next = matching.next().and(messages.last()).map(|message| message.number);
    Ok(Json(Outbox { messages, next }))
}
