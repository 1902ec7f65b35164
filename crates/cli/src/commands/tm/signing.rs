//! Signing on one's own side, cancelling, and what is asked before an order.

use std::process::ExitCode;

use identkit_core::Secret;
use identkit_identity_tm::OrderId;
use identkit_transport::Response;
use serde_json::{Value, json};

use super::results::{agreed, unsigned};
use crate::args::{Format, SignCommand, Tm};
use crate::commands::{about, warn, with_about};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::{connect, output};

/// A call that is done when it is answered.
pub(super) fn done(answered: &Response<()>, what: &str, told: &str, format: Format) -> Result<ExitCode, Failure> {
    warn(answered);
    match format {
        Format::Json => output::print_json(&with_about(json!({ what: true }), answered, json!({})))?,
        Format::Table => output::print(told)?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn sign(tm: &Tm, command: &SignCommand, format: Format) -> Result<ExitCode, Failure> {
    let options = connect::options(&tm.calls);
    match command {
        SignCommand::Request { order_id } => {
            let id = OrderId::typed(order_id)?;
            let answered = connect::identity_tm(tm, &Progress::new(format))?.request_sign(&id, &options).await?;
            done(&answered, "requested", "signing has begun: a TAN is on its way to the person", format)
        }
        SignCommand::Resend { order_id } => {
            let id = OrderId::typed(order_id)?;
            let answered = connect::identity_tm(tm, &Progress::new(format))?.resend_tan(&id, &options).await?;
            done(&answered, "resent", "another TAN is on its way to the person", format)
        }
        SignCommand::Confirm { order_id, tan } => {
            let id = OrderId::typed(order_id)?;
            let tan = Secret::new(tan.as_str());
            let answered = connect::identity_tm(tm, &Progress::new(format))?.confirm_sign(&id, &tan, &options).await?;
            done(
                &answered,
                "confirmed",
                "the vendor accepted the TAN; OnFinal or the status tells when it is signed",
                format,
            )
        }
    }
}

pub(super) async fn cancel(tm: &Tm, order_id: &OrderId, yes: bool, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let question = || format!("Cancel the order {}? The person will not be able to go on.", order_id.expose());
    if !yes && !agreed(&question()).await? {
        return Err(Failure::usage("nothing was cancelled: it was not agreed to"));
    }
    client.cancel_order(order_id, &connect::options(&tm.calls)).await?;
    match format {
        Format::Json => output::print_json(&json!({ "cancelled": true }))?,
        Format::Table => output::print("cancelled; the data of the order is kept by the vendor")?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn hashes(tm: &Tm, order_id: &OrderId, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let answered = client.signed_hashes(order_id, &connect::options(&tm.calls)).await;
    let answered = answered.map_err(|error| unsigned(error, order_id))?;
    warn(&answered);
    match format {
        Format::Json => {
            let vendor = serde_json::to_value(&answered.value).unwrap_or(Value::Null);
            output::print_json(&with_about(vendor, &answered, json!({})))?;
        }
        Format::Table => {
            let mut table = output::table(&["Name", "Signed hash"]);
            for (name, hash) in answered.value.hashes.iter().flat_map(|hashes| &hashes.0) {
                table.add_row([output::plain(name), output::plain(hash.expose())]);
            }
            output::print_table(&table)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn banks(tm: &Tm, format: Format) -> Result<ExitCode, Failure> {
    let answered = connect::identity_tm(tm, &Progress::new(format))?.banks(&connect::options(&tm.calls)).await?;
    warn(&answered);
    match format {
        Format::Json => {
            let banks = serde_json::to_value(&answered.value).unwrap_or(Value::Null);
            output::print_json(&json!({ "banks": banks, "identkit": about(&answered) }))?;
        }
        Format::Table => {
            let mut table = output::table(&["BIC", "BLZ", "Name"]);
            for bank in &answered.value {
                table.add_row([
                    output::plain(bank.bic.as_ref().map_or("", |bic| bic.as_str())),
                    bank.blz.map_or_else(String::new, |blz| blz.to_string()),
                    output::plain(bank.name.as_deref().unwrap_or_default()),
                ]);
            }
            output::print_table(&table)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn signme_user(tm: &Tm, email: &str, format: Format) -> Result<ExitCode, Failure> {
    let answered = connect::identity_tm(tm, &Progress::new(format))?
        .signme_user(&email.into(), &connect::options(&tm.calls))
        .await?;
    warn(&answered);
    match format {
        Format::Json => {
            let vendor = serde_json::to_value(&answered.value).unwrap_or(Value::Null);
            output::print_json(&with_about(vendor, &answered, json!({})))?;
        }
        Format::Table => output::print(match (answered.value.user_exists, answered.value.user_is_able_to_sign) {
            (Some(true), Some(true)) => "the user has an account and can sign: an order with Add 16 is possible",
            (Some(true), _) => {
                "the user has an account that cannot sign yet: use Add 0, or Add 8 for the account alone"
            }
            (Some(false), _) => "the user has no account: use Add 0, or Add 8 for the account alone",
            (None, _) => "the vendor did not say",
        })?,
    }
    Ok(ExitCode::SUCCESS)
}
