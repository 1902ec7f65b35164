//! identify24: login, ident, webhook, confirmation.

use std::sync::Arc;

use identkit_core::CallOptions;
use identkit_identify24::messages::{CreateIdent, IdentId};
use identkit_identify24::{Credentials, IdentStatusCallback, Identify24, PROVIDER, samples};
use identkit_mock_server::vendors;
use identkit_wire::{Callback as _, json};

use super::report::{Report, Stop};
use super::stage::{Stage, person};
use crate::exit::Failure;

pub(super) async fn play(stage: &mut Stage, report: &mut Report) -> Result<(), Stop> {
    let options = CallOptions::new();
    let url = IdentStatusCallback.url_template(&stage.base, &stage.token(&IdentStatusCallback).await?)?;
    // At the real vendor this is set in the partner portal (I-080).
    stage.sandbox.with_world(|world| vendors::identify24::set_webhook(world, Some(url)));
    let credentials = Credentials::new(stage.account(PROVIDER, "partner"), stage.account(PROVIDER, "api_key"));
    let client = Identify24::builder(credentials)
        .transport(Arc::clone(&stage.transport))
        .base_url(stage.api.url())
        .clock(Arc::clone(&stage.clock))
        .build()?;

    let step = report.begin("log in", "auth");
    report.call(step, client.login(&options).await, |_| "a JWT, valid for 30 minutes after each use".to_owned())?;

    let step = report.begin("read the ident file", "input");
    let read = stage.folder.input("input/create-ident.json", samples::CREATE_IDENT_REQUEST).await?;
    let mut ident: CreateIdent = json::read::<CreateIdent>(&read).map_err(json::JsonFault::input)?.project_id("6");
    // The document's example has placeholders in both members (AI-19).
    ident.pdf_url = None;
    ident.pdf_content = None;
    report.done(step, None, "the document's John Doe, in project 6, without the placeholder PDFs");

    let step = report.begin("create the ident", "ident/create");
    let created = report.call(step, client.create_ident(&ident, &options).await, |created| {
        format!("conference_url {}", created.conference_url.as_ref().map_or("none", |url| url.expose()))
    })?;
    let id = created.ident_id.ok_or_else(|| Failure::local("the response has no ident_id"))?;

    person(stage, report, id.expose(), "positive", "play the person: identified by video").await?;
    confirm(stage, report, &client, &id).await
}

/// Compares the webhook, which is only a hint, with a read.
async fn confirm(stage: &mut Stage, report: &mut Report, client: &Identify24, id: &IdentId) -> Result<(), Stop> {
    let step = report.begin("store the JSON webhook, answer 202", "webhook");
    let event = stage.arrival(&IdentStatusCallback, id.expose()).await?;
    let payload = event.as_ref().and_then(|event| event.payload.as_ref());
    let received = payload.and_then(|payload| IdentStatusCallback::payload(payload.expose().as_bytes()).ok());
    let received = received.and_then(|payload| payload.status);
    let note =
        received.as_ref().map_or_else(|| "nothing arrived".to_owned(), |status| format!("status {}", status.as_str()));
    report.checked_call(
        step,
        received.as_ref().map(|_| 202),
        received.is_some(),
        &note,
        "What happened: the webhook did not arrive. identify24 documents no retry.\n\
         What to do with a real ident: read it with `identkit identify24 get IDENT_ID`.",
    )?;

    let step = report.begin("confirm the webhook with a read", "ident/get");
    let result = client.get_ident(id, &CallOptions::new()).await;
    let read = report.call(step, result, |ident| {
        format!("status {}", ident.status.as_ref().map_or("none", |status| status.as_str()))
    })?;
    let step = report.begin("compare webhook and read", "check");
    report.check(
        step,
        read.status == received,
        "both have the same status",
        "The webhook's status differs from the vendor's: do not trust the webhook.",
    )?;
    stage.folder.json("identify24/ident.json", &read).await?;
    Ok(())
}
