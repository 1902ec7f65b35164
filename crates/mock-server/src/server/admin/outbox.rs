//! The mails and text messages that the vendors would have sent.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Context, Json, NoMembers, Number, Page, Problem, ProblemKind, Route, check_order, input, route};
use crate::journal::{Secrets, Time};
use crate::{Channel, Message};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "outbox", "listMessages", "Mails and text messages, newest first", list)
            .describe("What the vendors would have sent; the sandbox sends nothing. A world keeps 10,000 messages.")
            .problems(&[ProblemKind::UnknownOrder]),
    ]
}

/// A query for messages.
#[derive(Deserialize, JsonSchema)]
pub(super) struct OutboxQuery {
    /// Only messages about this order or ident.
    #[schemars(example = &"99921269855041")]
    order: Option<String>,
    #[serde(flatten)]
    page: Page<Number>,
}

input!(OutboxQuery, InvalidQuery, false);

/// Messages that the vendors would have sent.
#[derive(Serialize, JsonSchema)]
struct Outbox {
    messages: Vec<Sent>,
    /// If there are more: `before` of the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Number")]
    next: Option<Number>,
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
    let secrets = query.page.secrets(ProblemKind::InvalidReveal)?;
    let sandbox = context.sandbox()?;
    let mut all = sandbox.messages();
    all.retain(|message| query.order.as_ref().is_none_or(|order| message.case == *order));
    check_order(&sandbox, query.order.as_deref(), all.is_empty())?;
    let newest_first = all.iter().rev().map(|message| (message.number, Sent::new(message, secrets)));
    let (messages, next) = query.page.take_numbered(newest_first);
    Ok(Json(Outbox { messages, next }))
}
