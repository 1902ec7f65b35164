//! The ident at identify24.

use std::sync::Arc;

use identkit_collector::{CaseState, ProviderSetup};
use identkit_core::{Outcome, Purpose};
use identkit_identify24::messages::CreateIdent;
use identkit_identify24::{IdentStatusCallback, Identify24, PROVIDER, samples};
use identkit_mock_server::vendors::identify24;
use identkit_wire::{Callback as _, json};

use super::files::{Folder, IDENT};
use super::report::Report;
use super::stage::{Case, MockVendors, Stage};
use crate::account::WebhookBase;
use crate::commands::identify24::IdentOpener;
use crate::exit::Failure;

/// The ident of the document's example.
pub(super) async fn prepare(
    vendors: &MockVendors,
    folder: &mut Folder,
    report: &Report,
) -> Result<(ProviderSetup, Case), Failure> {
    let client = Identify24::builder(vendors.sandbox.identify24())
        .base_url(vendors.api.url())
        .transport(Arc::clone(&vendors.transport))
        .observer(report.observer(|operation| operation))
        // The document does not name the word of a positive end (AI-12). This is the sandbox's.
        .outcome("Identified", Outcome::Positive)
        .build()?;

    let step = report.begin("read the ident file", "input");
    let read = folder.input(IDENT, samples::CREATE_IDENT_REQUEST.into()).await?;
    let mut ident = json::read::<CreateIdent>(&read).map_err(json::JsonFault::input)?.project_id("6");
    // The document's example has placeholders in both members (AI-19).
    ident.pdf_url = None;
    ident.pdf_content = None;
    step.done("the document's John Doe, in project 6, without the placeholder PDFs");

    let setup = ProviderSetup::new(Arc::new(client.clone()));
    let case = Case {
        provider: PROVIDER,
        purpose: Purpose::Identification,
        opener: Box::new(IdentOpener { client, ident }),
        story: "positive",
        // The vendor has no call that deletes.
        end: (Outcome::Positive, CaseState::Closed),
    };
    Ok((setup, case))
}

/// Sets the URL of the webhooks, which is set in the partner portal at the real vendor (I-080).
pub(super) async fn set_webhook(stage: &Stage, base: &WebhookBase) -> Result<(), Failure> {
    let token = stage.store().create_token(PROVIDER, IdentStatusCallback.name()).await?;
    let url = IdentStatusCallback.url_template(base.get()?, &token)?;
    stage.vendors.sandbox.with_world(|world| identify24::set_webhook(world, Some(url)));
    Ok(())
}
