//! `identkit tm`: identity.TM.

mod feed;
mod journal;
mod media;
mod names;
mod results;
mod signing;

use std::process::ExitCode;

use identkit_core::{Clock, Kind, Outcome};
use identkit_identity_tm::messages::OrderStatus;
use identkit_identity_tm::{OrderFlavour, OrderId, PutOrder, random_reference};
use identkit_transport::SystemClock;
use identkit_transport::save::Existing;
use identkit_wire::Dts;
use serde_json::{Value, json};

use super::{OnItsWay, warn, with_about};
use crate::args::{Format, Tm, TmCommand, window};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::verdict::{word, words};
use crate::{connect, output};

pub(crate) async fn run(tm: &Tm, format: Format) -> Result<ExitCode, Failure> {
    let ran = match &tm.command {
        TmCommand::PutOrder { file } => {
            let input = connect::input(file).await?;
            let order = PutOrder::from_json(&input.bytes).map_err(|error| input.unusable(&error))?;
            put_order(tm, order, &input.name, format).await
        }
        TmCommand::Status { order_id, extended } => {
            let order_id = OrderId::typed(order_id)?;
            status(tm, &order_id, *extended, format).await
        }
        TmCommand::IdentData { order_id, signed: true, out, force, .. } => {
            results::signed_data(tm, &OrderId::typed(order_id)?, out.as_deref(), existing(*force), format).await
        }
        TmCommand::IdentData { order_id, include_initial_data, include_identify_method, .. } => {
            let variant = match (include_initial_data, include_identify_method) {
                (true, _) => results::Variant::InitialData,
                (_, true) => results::Variant::IdentifyMethod,
                _ => results::Variant::Default,
            };
            results::ident_data(tm, &OrderId::typed(order_id)?, variant, format).await
        }
        TmCommand::IdentDataPdf { order_id, out, force } => {
            results::report(tm, &OrderId::typed(order_id)?, out, existing(*force), format).await
        }
        TmCommand::EsignPdf { order_id, out, force } => {
            results::signed(tm, &OrderId::typed(order_id)?, out, existing(*force), format).await
        }
        TmCommand::Delete { order_id, yes } => results::delete(tm, &OrderId::typed(order_id)?, *yes, format).await,
        TmCommand::Cancel { order_id, yes } => signing::cancel(tm, &OrderId::typed(order_id)?, *yes, format).await,
        TmCommand::EsignHash { order_id } => signing::hashes(tm, &OrderId::typed(order_id)?, format).await,
        TmCommand::Video(command) => media::video(tm, command, format).await,
        TmCommand::Voice { order_id, out } => media::voice(tm, &OrderId::typed(order_id)?, out, format).await,
        TmCommand::Statuses { from, to, extended } => {
            let window = window(*from, *to, SystemClock::new().wall())?;
            feed::statuses(tm, window, *extended, format).await
        }
        TmCommand::DrainUnreported { journal, yes } => feed::drain(tm, journal, *yes, format).await,
        TmCommand::Sign(command) => signing::sign(tm, command, format).await,
        TmCommand::Banks => signing::banks(tm, format).await,
        TmCommand::SignmeUser { email } => signing::signme_user(tm, email, format).await,
        TmCommand::Finality { order_id } => finality(tm, &OrderId::typed(order_id)?, format).await,
        TmCommand::Ping => ping(tm, format).await,
    };
    ran.map_err(|failure| failure.asked_at(&tm.base_url, connect::TM_BASE_URL))
}

/// What becomes of a file that is in the place of a result.
fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

async fn put_order(tm: &Tm, mut order: PutOrder, input: &str, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    // Drawn here and not by the client, so that it can be told when the answer is lost: the only way back to an order.
    let mut sent = OnItsWay(None);
    let own = order.reference.as_ref().is_some_and(|reference| !reference.expose().is_empty());
    let way_back = if own {
        format!(
            "the vendor would know the order by its Ref, which {input} holds: look for it there before anything else"
        )
    } else {
        let reference = random_reference();
        let with = format!("with the Ref {reference}: keep it, the vendor would know the order by it");
        sent.0 = Some(format!("the order may be on its way {with}"));
        order = order.reference(reference);
        format!("the order went out {with}")
    };
    let placed = client.put_order(&order, &connect::options(&tm.calls)).await;
    sent.arrived();
    let placed = placed.map_err(|error| {
        let failure = Failure::from(error);
        if failure.kind() == Some(Kind::OutcomeUnknown) { failure.note(way_back) } else { failure }
    })?;
    warn(&placed);
    let answer = &placed.value.answer;
    let (flavour, ends) = flavour(placed.value.flavour);
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
            row("ends with", ends);
            output::print_table(&table)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(tm: &Tm, order_id: &OrderId, extended: bool, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let options = connect::options(&tm.calls);
    let answered = if extended {
        client.status(order_id, &options).await?
    } else {
        client.status_general(order_id, &options).await?
    };
    warn(&answered);
    let [ident, signature] = verdicts(&answered.value);
    match format {
        Format::Json => {
            let vendor = serde_json::to_value(&answered.value).unwrap_or(Value::Null);
            let verdict = json!({ "if_identification": word(ident), "if_signature": word(signature) });
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
            output::print_table(&table)?;
            print_verdicts(ident, signature)?;
            if !extended {
                output::say("note: these are the general codes only; --extended shows all of them");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn finality(tm: &Tm, order_id: &OrderId, format: Format) -> Result<ExitCode, Failure> {
    let answered =
        connect::identity_tm(tm, &Progress::new(format))?.status(order_id, &connect::options(&tm.calls)).await?;
    warn(&answered);
    let [ident, signature] = verdicts(&answered.value);
    match format {
        Format::Json => {
            let verdict = json!({ "if_identification": word(ident), "if_signature": word(signature) });
            output::print_json(&with_about(json!({}), &answered, json!({ "verdict": verdict })))?;
        }
        Format::Table => print_verdicts(ident, signature)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn ping(tm: &Tm, format: Format) -> Result<ExitCode, Failure> {
    let answered =
        connect::identity_tm(tm, &Progress::new(format))?.server_status(&connect::options(&tm.calls)).await?;
    match format {
        Format::Json => output::print_json(&with_about(json!({ "up": true }), &answered, json!({})))?,
        Format::Table => output::print(&format!("up, answered in {:.1} ms", answered.elapsed.as_secs_f64() * 1000.0))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print_verdicts(ident: Outcome, signature: Outcome) -> Result<(), Failure> {
    if ident == signature {
        return output::print(&format!("Verdict: {}", words(ident)));
    }
    output::print(&format!("Verdict on an identification: {}", words(ident)))?;
    output::print(&format!("Verdict on a signature:       {}", words(signature)))
}

/// The verdicts on an order of which only the id is known: what ends it depends on whether it is to be signed (AT-14).
fn verdicts(status: &OrderStatus) -> [Outcome; 2] {
    [OrderFlavour::IdentOnly, OrderFlavour::Qes].map(|flavour| status.finality(flavour).outcome)
}

/// What ends an order.
fn flavour(flavour: OrderFlavour) -> (&'static str, &'static str) {
    match flavour {
        OrderFlavour::IdentOnly => ("identification", "a positive identification (status 6)"),
        OrderFlavour::Qes => ("signature", "the signature (status 84)"),
        OrderFlavour::SignAccountOnly => (
            "sign_me_account",
            "a positive identification (status 6), which makes a sign-me account; nothing is signed",
        ),
        OrderFlavour::Unknown => ("unknown", "unknown"),
    }
}
