//! Signing with a TAN, cancellation, signed hashes, banks and sign-me users.

use std::path::Path;

use identkit_core::{Error, Kind, RawResponse, Secret};
use identkit_identity_tm::messages::SignedHashes;
use identkit_identity_tm::{ConfirmSign, GetESignHash, OrderId, RequestResendSignTan, RequestSign};
use identkit_transport::Response;
use identkit_wire::{Operation as _, json as wire};
use serde_json::json;

use super::arguments::SignCommand;
use super::client::Tm;
use super::results::{not_signed, shell_argument};
use crate::context::{document, warn};
use crate::exit::Failure;
use crate::given::{Ways, value};
use crate::input::confirm;
use crate::output::{InterruptionNote, table, to_json};
use crate::text::plain;

const TAN: Ways = Ways { option: "--tan", file: "--tan-file", prompt: "TAN" };
const EMAIL: Ways = Ways { option: "EMAIL", file: "--email-file", prompt: "E-mail address" };

/// Shows the result of a call whose response has no data.
pub(super) fn done(tm: &Tm<'_>, response: &Response<()>, what: &str, sentence: &str) -> Result<(), Failure> {
    tm.show(document(json!({ what: true }), response, json!({})), |page| page.line(sentence))
}

pub(super) async fn sign(tm: &Tm<'_>, command: &SignCommand) -> Result<(), Failure> {
    let (SignCommand::Request(order) | SignCommand::Resend(order) | SignCommand::Confirm { order, .. }) = command;
    let (id, client) = (tm.order_id(order)?, tm.client()?);
    let tan = match command {
        SignCommand::Confirm { tan, tan_file, .. } => value(tan.as_deref(), tan_file.as_deref(), TAN).await?,
        SignCommand::Request(_) | SignCommand::Resend(_) => Secret::new(""),
    };
    let meta = match command {
        SignCommand::Request(_) => RequestSign::META,
        SignCommand::Resend(_) => RequestResendSignTan::META,
        SignCommand::Confirm { .. } => ConfirmSign::META,
    };
    tm.recorder.prepare(meta, &[("OrderID", id.expose())])?;
    let order = shell_argument(&id);
    let tan_note =
        format!("the vendor may have texted a TAN to the person; check with: identkit tm status --extended {order}");
    let (result, what, sentence) = match command {
        SignCommand::Request(_) => {
            let result = InterruptionNote::unless_done(tan_note, client.request_sign(&id, &tm.options)).await;
            (result, "requested", "signing has started: the vendor texts a TAN to the person")
        }
        SignCommand::Resend(_) => {
            let result = InterruptionNote::unless_done(tan_note, client.resend_tan(&id, &tm.options)).await;
            (result, "resent", "the vendor texts another TAN to the person")
        }
        SignCommand::Confirm { .. } => {
            let note = format!("the TAN may have signed the order: identkit tm finality {order} shows it");
            let result = InterruptionNote::unless_done(note, client.confirm_sign(&id, &tan, &tm.options)).await;
            (result, "confirmed", "the vendor accepted the TAN; OnFinal or the status shows when the order is signed")
        }
    };
    done(tm, &warn(result)?, what, sentence)
}

pub(super) async fn cancel(tm: &Tm<'_>, order_id: &OrderId, yes: bool) -> Result<(), Failure> {
    let client = tm.client()?;
    let question = format!("Cancel the order {}? The person cannot continue afterwards.", order_id.expose());
    confirm(yes, question, "not canceled").await?;
    let check = format!("identkit tm finality {} shows it", shell_argument(order_id));
    let note = format!("the vendor may have canceled the order: {check}");
    let response = warn(InterruptionNote::unless_done(note, client.cancel_order(order_id, &tm.options)).await)?;
    tm.show(document(json!({ "cancelled": true }), &response, json!({})), |page| {
        page.line("canceled; the vendor keeps the data of the order")
    })
}

pub(super) async fn hashes(tm: &Tm<'_>, order_id: &OrderId) -> Result<(), Failure> {
    let response = match warn(tm.client()?.signed_hashes(order_id, &tm.options).await) {
        Ok(response) => response,
        Err(error) => return Err(damaged_hashes(tm, &error)?.unwrap_or_else(|| not_signed(error, order_id))),
    };
    tm.show(document(to_json(&response.value), &response, json!({})), |page| {
        let mut table = table(&["Name", "Signed hash"]);
        for (name, hash) in response.value.hashes.iter().flat_map(|hashes| &hashes.0) {
            // Base64 can have line breaks (AT-40).
            table.add_row([plain(name), plain(&hash.expose().split_whitespace().collect::<String>())]);
        }
        page.table(table);
    })
}

/// Shows the names of the damaged hashes in a response, and returns the failure, if this is why it cannot be read (AT-96).
/// A name is the name of a file and can be personal, so the failure does not contain it.
fn damaged_hashes(tm: &Tm<'_>, error: &Error) -> Result<Option<Failure>, Failure> {
    let body = error.answer().filter(|answer| answer.status().is_success()).map(RawResponse::body);
    let read = body.and_then(|body| wire::read_answer::<SignedHashes>(body).ok()).and_then(|(answer, _)| answer.hashes);
    let all = read.unwrap_or_default();
    let damaged: Vec<&str> = all.damaged().collect();
    if damaged.is_empty() || error.kind() != Kind::Protocol {
        return Ok(None);
    }
    tm.show(json!({ "damaged": damaged }), |page| {
        for name in &damaged {
            page.line(format!("damaged: {}", plain(name)));
        }
    })?;
    let why = format!(
        "{} of {} signed hashes are not Base64, or too short for a hash or a signature; standard output has their names",
        damaged.len(),
        all.0.len()
    );
    Ok(Some(Error::new(Kind::Protocol, why).with_operation(GetESignHash::META.name).into()))
}

pub(super) async fn banks(tm: &Tm<'_>) -> Result<(), Failure> {
    let response = warn(tm.client()?.banks(&tm.options).await)?;
    tm.show(document(json!({ "banks": to_json(&response.value) }), &response, json!({})), |page| {
        let mut table = table(&["BIC", "BLZ", "Name"]);
        for bank in &response.value {
            table.add_row([
                plain(bank.bic.as_ref().map_or("", |bic| bic.as_str())),
                bank.blz.map_or_else(String::new, |blz| blz.to_string()),
                plain(bank.name.as_deref().unwrap_or_default()),
            ]);
        }
        page.table(table);
    })
}

pub(super) async fn signme_user(tm: &Tm<'_>, email: Option<&str>, file: Option<&Path>) -> Result<(), Failure> {
    let email = value(email, file, EMAIL).await?;
    let response = warn(tm.client()?.signme_user(&email.expose().into(), &tm.options).await)?;
    let user = &response.value;
    tm.show(document(to_json(user), &response, json!({})), |page| {
        page.line(match (user.user_exists, user.user_is_able_to_sign) {
            (Some(true), Some(true)) => "the user has an account and can sign: the order can use Add 16",
            (Some(true), _) => {
                "the user has an account that cannot sign yet: use Add 0, or Add 8 to set up the account only"
            }
            (Some(false), _) => "the user has no account: use Add 0, or Add 8 to create the account only",
            (None, _) => "the response does not say whether the user can sign",
        });
    })
}
