//! The order at identity.TM.

use std::sync::Arc;

use identkit_collector::{CaseState, ProviderSetup};
use identkit_core::{Outcome, Purpose};
use identkit_identity_tm::messages::SignPdf;
use identkit_identity_tm::{IdentityTm, PROVIDER, PutOrder, samples};
use identkit_wire::json::Blob;
use identkit_wire::{FileSource, OneOrMany};
use serde_json::Value;

use super::files::{CONTRACT, Folder, ORDER};
use super::report::Report;
use super::stage::{Case, MockVendors};
use crate::account::{Account as _, WebhookBase};
use crate::commands::tm::{OrderOpener, TmAccount};
use crate::exit::Failure;

/// The order of the document's example, with a PDF to sign.
pub(super) async fn prepare(
    vendors: &MockVendors,
    base: &WebhookBase,
    folder: &mut Folder,
    report: &Report,
) -> Result<(ProviderSetup, Case), Failure> {
    let accounts = vendors.sandbox.accounts();
    let account = accounts.iter().find(|(name, _)| *name == PROVIDER).map(|(_, account)| &account["base_path"]);
    let path = account.and_then(Value::as_str).unwrap_or_default();
    let client = IdentityTm::builder(vendors.sandbox.identity_tm())
        .base_url(format!("{}{path}", vendors.api.url()))
        .transport(Arc::clone(&vendors.transport))
        // Without the option at the end of the path, e.g. ExtendedList.
        .observer(report.observer(|operation| operation.split('/').next().unwrap_or_default()))
        .build()?;

    let step = report.begin("read the order file", "input");
    let read = folder.input(ORDER, samples::PUT_ORDER_REQUEST.into()).await?;
    folder.input(CONTRACT, identkit_synthetic::sample_contract()).await?;
    let contract = FileSource::new(folder.path(CONTRACT))
        .map_err(|error| Failure::local(format!("the PDF to sign cannot be read: {error}")))?;
    let pdf = SignPdf::default().data(Blob::Source(Arc::new(contract))).filename("contract.pdf");
    let order = PutOrder::from_json(&read)?.add(0_u64).sign_pdf(OneOrMany::One(pdf));
    step.done("the document's example with Add 0 and contract.pdf to sign");

    let setup = TmAccount::offline().with_webhooks(ProviderSetup::new(Arc::new(client.clone())), base.clone());
    let case = Case {
        provider: PROVIDER,
        purpose: Purpose::Signature,
        opener: Box::new(OrderOpener { client, order }),
        story: "signed",
        end: (Outcome::Signed, CaseState::Deleted),
    };
    Ok((setup, case))
}
