//! The commands that control a running sandbox through its admin API.

mod client;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde_json::{Value, json};

use self::client::{Client, Target, encode};
use crate::exit::Failure;
use crate::output::{Format, Page, table, text};
use crate::values::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Play(PlayArguments),
    Advance(AdvanceArguments),
    Orders(OrdersArguments),
    Deliveries(CaseArguments),
    /// Lists the mails and text messages that the vendors would have sent, newest first.
    Outbox(CaseArguments),
    Fault(FaultArguments),
    Explain(ExplainArguments),
}

/// Plays a story with an order or ident: what the person and the vendor's agent do.
#[derive(Debug, Args)]
pub(crate) struct PlayArguments {
    /// Id of the order or ident.
    #[arg(value_name = "ORDER_ID")]
    order: String,
    /// Name of the story, e.g. `positive`. An unknown one gives an error that lists the stories of the order.
    #[arg(value_name = "STORY")]
    story: String,
    #[command(flatten)]
    target: Target,
}

/// Advances the clock, and runs every timer and webhook on the way.
#[derive(Debug, Args)]
pub(crate) struct AdvanceArguments {
    /// Time to advance, e.g. 90s, 30m, 12h or 7d.
    #[arg(value_name = "DURATION", value_parser = duration)]
    by: SignedDuration,
    #[command(flatten)]
    target: Target,
}

/// Lists orders and idents, newest first.
#[derive(Debug, Args)]
pub(crate) struct OrdersArguments {
    #[command(flatten)]
    target: Target,
}

/// Lists webhooks with their attempts, newest first.
#[derive(Debug, Args)]
pub(crate) struct CaseArguments {
    /// Only those of this order or ident.
    #[arg(value_name = "ORDER_ID")]
    order: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Lists, injects and removes faults.
#[derive(Debug, Args)]
pub(crate) struct FaultArguments {
    /// Kind of fault to inject, e.g. reset-after-commit. Without it, the faults are listed.
    #[arg(value_name = "FAULT")]
    fault: Option<String>,
    /// Only calls of this operation, e.g. putOrder.
    #[arg(long, value_name = "OPERATION", requires = "fault")]
    operation: Option<String>,
    /// Number of calls that meet the fault. Default: all.
    #[arg(long, value_name = "NUMBER", requires = "fault", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Removes the fault with this number, or `all`.
    #[arg(long, value_name = "ID", conflicts_with = "fault")]
    off: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Explains why a request was refused: each broken rule, its section, and what would be valid.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// Number of the journal entry. Default: the last refused request.
    #[arg(value_name = "NUMBER")]
    entry: Option<u64>,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(command: &Command, format: Format) -> Result<ExitCode, Failure> {
    match command {
        Command::Play(arguments) => play(arguments, format).await,
        Command::Advance(arguments) => advance(arguments, format).await,
        Command::Orders(arguments) => orders(arguments, format).await,
        Command::Deliveries(arguments) => deliveries(arguments, format).await,
        Command::Outbox(arguments) => outbox(arguments, format).await,
        Command::Fault(arguments) => fault(arguments, format).await,
        Command::Explain(arguments) => explain(arguments, format).await,
    }
    .map(|()| ExitCode::SUCCESS)
}

async fn play(arguments: &PlayArguments, format: Format) -> Result<(), Failure> {
    let path = format!("orders/{}/transition", encode(&arguments.order));
    let json = arguments.target.client()?.post(&path, &json!({ "story": arguments.story })).await?;
    format.show(&json, |page| rows(page, &ORDER, std::slice::from_ref(&json)))
}

async fn advance(arguments: &AdvanceArguments, format: Format) -> Result<(), Failure> {
    let body = json!({ "seconds": arguments.by.as_secs() });
    let json = arguments.target.client()?.post("clock/advance", &body).await?;
    format.show(&json, |page| {
        page.pairs(["now", "next_due"].map(|name| (name, text(&json, name))));
        rows(page, &["at", "kind", "what", "subject", "event", "order", "status", "outcome"], list(&json, "fired"));
    })
}

/// Columns of orders and idents.
const ORDER: [&str; 7] = ["id", "vendor", "reference", "latest_status", "status_name", "result", "changed_at"];

async fn orders(arguments: &OrdersArguments, format: Format) -> Result<(), Failure> {
    let client = arguments.target.client()?;
    let (orders, idents) = (client.get("orders", &[]).await?, client.get("idents", &[]).await?);
    let all = [list(&orders, "orders"), list(&idents, "idents")].concat();
    let count = |json: &Value| json.get("count").and_then(Value::as_u64).unwrap_or_default();
    let json = json!({ "count": count(&orders) + count(&idents), "orders": all });
    format.show(&json, |page| {
        rows(page, &ORDER, &all);
        let hidden = count(&json).saturating_sub(all.len() as u64);
        if hidden > 0 {
            page.note(format!("{hidden} older ones are not listed; the console lists all"));
        }
    })
}

/// Reads the newest entries of a list, of one order or of all.
async fn of_case(client: &Client, path: &str, order: Option<&str>) -> Result<Value, Failure> {
    let query: Vec<_> = order.map(|order| ("order", order)).into_iter().collect();
    client.get(path, &query).await
}

async fn deliveries(arguments: &CaseArguments, format: Format) -> Result<(), Failure> {
    let json = of_case(&arguments.target.client()?, "deliveries", arguments.order.as_deref()).await?;
    format.show(&json, |page| {
        let mut table = table(&["id", "order", "event", "state", "attempts", "last", "next"]);
        for delivery in list(&json, "deliveries") {
            let attempts = list(delivery, "attempts");
            let last = attempts.last().map_or_else(String::new, |last| {
                let status = text(last, "status");
                if status.is_empty() { text(last, "error") } else { status }
            });
            let [id, order, event, state, next] =
                ["id", "order", "event", "state", "next"].map(|it| text(delivery, it));
            table.add_row([id, order, event, state, attempts.len().to_string(), last, next]);
        }
        page.table(table);
        note_older(page, &json);
    })
}

async fn outbox(arguments: &CaseArguments, format: Format) -> Result<(), Failure> {
    let json = of_case(&arguments.target.client()?, "outbox", arguments.order.as_deref()).await?;
    format.show(&json, |page| {
        rows(page, &["number", "at", "vendor", "order", "channel", "to", "text"], list(&json, "messages"));
        note_older(page, &json);
    })
}

async fn fault(arguments: &FaultArguments, format: Format) -> Result<(), Failure> {
    let client = arguments.target.client()?;
    let columns = ["id", "fault", "operation", "left", "hits"];
    if let Some(fault) = &arguments.fault {
        let mut rule = json!({ "fault": fault });
        if let Some(rule) = rule.as_object_mut() {
            rule.extend(
                arguments.operation.iter().map(|operation| ("operation".to_owned(), operation.as_str().into())),
            );
            // Without a limit, as `null`: the admin API has 1 by default.
            rule.insert("times".to_owned(), arguments.count.into());
        }
        let json = client.post("faults", &rule).await?;
        return format.show(&json, |page| rows(page, &columns, std::slice::from_ref(&json)));
    }
    let json = match arguments.off.as_deref() {
        Some("all") => client.delete("faults").await?,
        Some(id) => client.delete(&format!("faults/{}", encode(id))).await?,
        None => client.get("faults", &[]).await?,
    };
    format.show(&json, |page| {
        rows(page, &columns, list(&json, "faults"));
        let known: Vec<_> = list(&json, "known").iter().filter_map(Value::as_str).collect();
        page.note(format!("kinds of faults: {}", known.join(", ")));
    })
}

async fn explain(arguments: &ExplainArguments, format: Format) -> Result<(), Failure> {
    let client = arguments.target.client()?;
    let entry = match arguments.entry {
        Some(entry) => entry,
        None => last_refused(&client).await?,
    };
    let json = client.get(&format!("explain/{entry}"), &[]).await?;
    format.show(&json, |page| {
        let request = json.get("request").unwrap_or(&Value::Null);
        page.pairs(["sequence", "at", "method", "path", "status"].map(|name| (name, text(request, name))));
        match list(&json, "reasons") {
            [] => page.line("No rule refused this request."),
            reasons => rows(page, &["rule", "section", "in", "field", "given", "valid"], reasons),
        }
    })
}

/// Number of the newest requests among which the last refused one is searched.
const SEARCHED: &str = "100";

/// Returns the number of the last refused request.
async fn last_refused(client: &Client) -> Result<u64, Failure> {
    let json = client.get("journal", &[("limit", SEARCHED)]).await?;
    let mut refused = list(&json, "requests").iter().filter(|request| !list(request, "rules").is_empty());
    refused.next().and_then(|request| request.get("sequence")?.as_u64()).ok_or_else(|| {
        Failure::local(format!("none of the last {SEARCHED} requests was refused: pass the number of a journal entry"))
    })
}

/// The elements of an array in a response; empty if it is missing.
fn list<'a>(json: &'a Value, name: &str) -> &'a [Value] {
    json.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Adds a table with these members of the objects.
fn rows(page: &mut Page, columns: &[&str], objects: &[Value]) {
    let mut table = table(columns);
    for object in objects {
        table.add_row(columns.iter().map(|name| text(object, name)));
    }
    page.table(table);
}

/// Notes that a list has more pages.
fn note_older(page: &mut Page, json: &Value) {
    if json.get("next").is_some() {
        page.note("older ones are not listed; name an order, or use the console");
    }
}
