//! `identkit inbox show`: the deliveries of a case as they were received.

use clap::Args;
use identkit_core::{Pii, Secret};
use identkit_store::{Case, EventId, Store, StoredEvent};
use identkit_wire::encode_base64;
use serde_json::{Map, Value, json};

use super::deliveries::{CaseName, State, each_of, find};
use crate::case_id;
use crate::exit::Failure;
use crate::output::{Format, Page};
use crate::store::{Missing, StoreArguments};
use crate::text::{id, plain};

/// Shows the deliveries of a case: time, state, event, and the request as received.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["id", "event_id"]))]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,

    #[command(flatten)]
    case: CaseName,

    /// Shows only the delivery with this id of the store, as `list --output json` prints it.
    #[arg(long, value_name = "NUMBER")]
    event_id: Option<u64>,
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let store = arguments.store.open(Missing::Fail).await?;
    let (case, deliveries) = match (&arguments.case.id, arguments.event_id) {
        (Some(id), _) => {
            let case = find(&store, id, arguments.case.provider.as_deref()).await?;
            let mut deliveries = Vec::new();
            each_of(&store, case.id, |event| deliveries.push(event)).await?;
            (case, deliveries)
        }
        (None, number) => one(&store, number.unwrap_or_default()).await?,
    };
    format.show(&json(&case, &deliveries), |page| {
        let mut rows = vec![("provider", plain(&case.provider))];
        rows.extend(case.vendor_id.as_ref().map(|text| ("id", id(text.expose()))));
        rows.push(("deliveries", deliveries.len().to_string()));
        rows.extend(case.dead.as_ref().map(|reason| ("dead because", plain(reason))));
        page.pairs(rows);
        deliveries.iter().for_each(|event| show(page, event));
    })
}

async fn one(store: &Store, number: u64) -> Result<(Case, Vec<StoredEvent>), Failure> {
    let page = store.events(EventId(number.saturating_sub(1)), 1).await?;
    let unknown =
        || Failure::usage("the store has no delivery with this --event-id: identkit inbox list --output json");
    let event = page.into_iter().find(|event| event.id.0 == number).ok_or_else(unknown)?;
    let case = store.case(event.case).await?.ok_or_else(unknown)?;
    Ok((case, vec![event]))
}

fn json(case: &Case, deliveries: &[StoredEvent]) -> Value {
    let mut members = Map::new();
    members.insert("provider".into(), case.provider.as_str().into());
    members.insert(case_id::member(&case.provider), case.vendor_id.as_ref().map(Secret::expose).into());
    members.insert("pending".into(), case.pending.into());
    members.insert("claimed".into(), case.claimed.into());
    members.insert("attempts".into(), case.attempts.into());
    members.insert("dead".into(), case.dead.as_deref().into());
    members.insert("deliveries".into(), deliveries.iter().map(delivery).collect());
    Value::Object(members)
}

fn delivery(stored: &StoredEvent) -> Value {
    let event = &stored.delivery.event;
    let request = stored.delivery.request.expose();
    json!({
        "event_id": stored.id.0,
        "idempotency_key": stored.idempotency_key,
        "event": event.name,
        "state": State::from(stored.state).word(),
        "received_at": stored.delivery.received.to_string(),
        "attempts": stored.attempts,
        case_id::member(&event.provider): event.case_id.as_ref().map(Secret::expose),
        "reference": event.reference.as_ref().map(Pii::expose),
        "payload": event.payload.as_ref().map(Pii::expose),
        "request": String::from_utf8_lossy(request),
        "request_base64": encode_base64(request),
    })
}

fn show(page: &mut Page, stored: &StoredEvent) {
    let event = &stored.delivery.event;
    let mut rows = vec![
        ("event", plain(&event.name)),
        ("received", stored.delivery.received.to_string()),
        ("state", State::from(stored.state).word().to_owned()),
        ("attempts", stored.attempts.to_string()),
        ("event id", stored.id.0.to_string()),
    ];
    rows.extend(event.reference.as_ref().map(|reference| ("reference", id(reference.expose()))));
    page.line("");
    page.pairs(rows);
    let text = String::from_utf8_lossy(stored.delivery.request.expose());
    text.lines().for_each(|line| page.line(plain(line)));
}
