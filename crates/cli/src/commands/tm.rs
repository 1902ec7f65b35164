//! `identkit tm`: identity.TM.

use std::process::ExitCode;

use identkit_identity_tm::{OrderFlavour, OrderId, PutOrder};
use identkit_wire::Dts;
use serde_json::{Value, json};

use super::{warn, with_about};
use crate::args::{Format, Tm, TmCommand};
use crate::exit::Failure;
use crate::{connect, output};

pub(crate) async fn run(tm: &Tm, format: Format) -> Result<ExitCode, Failure> {
    match &tm.command {
        TmCommand::PutOrder { file } => {
            let order = PutOrder::from_json(&connect::input(file)?)?;
            put_order(tm, order, format).await
        }
        TmCommand::Status { order_id, extended } => {
            let order_id = OrderId::typed(order_id)?;
            status(tm, &order_id, *extended, format).await
        }
    }
}

async fn put_order(tm: &Tm, order: PutOrder, format: Format) -> Result<ExitCode, Failure> {
    let placed = connect::identity_tm(tm)?.put_order(order, &connect::options(&tm.calls)).await?;
    warn(&placed);
    let answer = &placed.value.answer;
    let flavour = flavour(placed.value.flavour);
    match format {
        Format::Json => {
            let vendor = serde_json::to_value(answer).unwrap_or(Value::Null);
            output::print_json(&with_about(vendor, &placed, json!({ "flavour": flavour })))?;
        }
        Format::Table => {
            let mut table = output::table(&[]);
            let mut row = |name: &str, value: &str| {
                table.add_row([name, &output::plain(value)]);
            };
            row("OrderID", placed.value.order_id.expose());
            if let Some(reference) = &answer.reference {
                row("Ref", reference.expose());
            }
            if let Some(url) = &answer.target_url {
                row("TargetURL", url.expose());
            }
            if let Some(hashes) = &answer.video_hashes {
                row("ShortCode", hashes.short_code.as_ref().map_or("", |code| code.expose()));
                row("LongCode", hashes.long_code.as_ref().map_or("", |code| code.expose()));
            }
            row("ended by", flavour);
            output::print(&table.to_string())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(tm: &Tm, order_id: &OrderId, extended: bool, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identity_tm(tm)?;
    let options = connect::options(&tm.calls);
    let answered = if extended {
        client.status(order_id, &options).await?
    } else {
        client.status_general(order_id, &options).await?
    };
    warn(&answered);
    let verdict = verdict(&answered.value);
    match format {
        Format::Json => {
            let vendor = serde_json::to_value(&answered.value).unwrap_or(Value::Null);
            output::print_json(&with_about(vendor, &answered, json!({ "verdict": verdict })))?;
        }
        Format::Table => {
            let mut table = output::table(&["Time", "Kind", "Meaning", "Text"]);
            for entry in answered.value.timeline() {
                let kind = entry.kind;
                table.add_row([
                    output::plain(entry.time.as_ref().map_or("", Dts::as_str)),
                    kind.map_or_else(String::new, |kind| kind.0.to_string()),
                    kind.and_then(|kind| kind.text()).map_or("", |text| text.english).to_owned(),
                    output::plain(entry.text.as_ref().map_or("", |text| text.expose())),
                ]);
            }
            output::print(&table.to_string())?;
            output::print(&format!("Verdict: {verdict}"))?;
            if !extended {
                output::say("note: these are the general codes; --extended shows all, a suspicion of fraud among them");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The verdict on an order of which only the id is known: what ends it depends on whether it is to be signed (AT-14).
fn verdict(status: &identkit_identity_tm::messages::OrderStatus) -> String {
    let [ident, sign] = [OrderFlavour::IdentOnly, OrderFlavour::Qes].map(|flavour| status.finality(flavour).outcome);
    if ident == sign {
        format!("{ident:?}")
    } else {
        format!("{ident:?} if the order is an identification only, {sign:?} if it is to be signed")
    }
}

fn flavour(flavour: OrderFlavour) -> &'static str {
    match flavour {
        OrderFlavour::IdentOnly => "identification (status 6)",
        OrderFlavour::Qes => "signature (status 84)",
        OrderFlavour::SignAccountOnly => "identification for a sign-me account (status 6)",
        OrderFlavour::Unknown => "unknown",
    }
}
