//! identity.TM: order, person, webhooks, results, deletion.

use std::sync::Arc;

use identkit_core::{CallOptions, EvidenceItem, EvidenceKind, EvidenceProof, Kind, Outcome, Secret};
use identkit_identity_tm::messages::{SignPdf, WebhookUrl};
use identkit_identity_tm::{
    Credentials, IdentityTm, OrderCallback, OrderId, PROVIDER, PutOrder, SignedPdfs, random_reference, samples,
};
use identkit_mock_server::artefacts;
use identkit_wire::json::Blob;
use identkit_wire::{Callback as _, FileSource, OneOrMany};

use super::report::{Report, Stopped};
use super::{PATIENCE, Stage, person};
use crate::exit::Failure;
use crate::save::Saved;

const ORDER_FILE: &str = "input/put-order.json";
const CONTRACT_FILE: &str = "input/contract.pdf";

pub(super) async fn play(stage: &mut Stage, report: &mut Report, break_receiver: bool) -> Result<(), Stopped> {
    let options = CallOptions::new();
    let client = client(stage)?;

    let began = report.begin("ask whether the service is up", "serverStatus");
    report.call(began, client.server_status(&options).await, |()| String::new())?;

    let order = order(stage, report).await?;
    let began = report.begin("place the order", "putOrder");
    let placed = report.call(began, client.put_order(&order, &options).await, |placed| {
        let url = placed.answer.target_url.as_ref().map_or("none", |url| url.expose());
        format!("OrderID {}, TargetURL {url}", placed.order_id.expose())
    })?;
    let id = placed.order_id.clone();

    person(stage, report, id.expose(), "identified", "the person is identified by video").await?;
    webhook(stage, report, &id, OrderCallback::AfterIdent).await?;
    if break_receiver {
        let began = report.begin("the receiver dies (by --break)", "receiver");
        stage.listening = None;
        report.done(began, None, "its port is closed from now on");
    }
    person(stage, report, id.expose(), "signed", "the person signs with the TAN").await?;
    webhook(stage, report, &id, OrderCallback::OnFinal).await?;

    let began = report.begin("read the status in full", "getStatus");
    let status = report.call(began, client.status(&id, &options).await, |status| {
        let codes: Vec<String> =
            status.timeline().iter().filter_map(|entry| entry.kind).map(|kind| kind.0.to_string()).collect();
        format!("ExtendedList, codes {}", codes.join(" "))
    })?;
    let verdict = status.finality(placed.flavour);
    let began = report.begin("judge the order", "finality");
    let signed = verdict.outcome == Outcome::Signed;
    report.check(
        began,
        signed,
        &format!("{:?}, because of {:?}", verdict.outcome, verdict.because),
        &["The order did not end as it should: nothing was collected and nothing deleted."],
    )?;

    let proof = collect(stage, report, &client, &id).await?;
    delete(report, &client, &id, proof).await
}

fn client(stage: &Stage) -> Result<IdentityTm, Failure> {
    let account =
        Credentials::new(stage.account(PROVIDER, "customer_id"), Secret::new(stage.account(PROVIDER, "customer_code")));
    let base = format!("{}{}", stage.api.url(), stage.account(PROVIDER, "base_path"));
    Ok(IdentityTm::builder(account)
        .base_url(base)
        .transport(Arc::clone(&stage.transport))
        .clock(Arc::clone(&stage.clock))
        .build()?)
}

/// The document's own order, with a PDF to sign and this run's webhooks.
async fn order(stage: &mut Stage, report: &mut Report) -> Result<PutOrder, Stopped> {
    let began = report.begin("read the order from its file", "input");
    stage.folder.save(ORDER_FILE, samples::PUT_ORDER_REQUEST).await?;
    stage.folder.save(CONTRACT_FILE, artefacts::sample_contract()).await?;
    let path = stage.folder.path(ORDER_FILE);
    let read =
        std::fs::read(&path).map_err(|error| Failure::local(format!("{} cannot be read: {error}", path.display())))?;
    let contract = FileSource::new(stage.folder.path(CONTRACT_FILE))
        .map_err(|error| Failure::local(format!("the PDF to sign cannot be read: {error}")))?;

    let token = stage.token(PROVIDER);
    let base = stage.base.parse().map_err(|_| Failure::local("the receiver has no URL"))?;
    let webhooks = WebhookUrl::default()
        .after_ident(OrderCallback::AfterIdent.url_template(&base, &token)?)
        .on_final(OrderCallback::OnFinal.url_template(&base, &token)?);
    let pdf = SignPdf::default().data(Blob::Source(Arc::new(contract))).filename("contract.pdf");
    let order = PutOrder::from_json(&read)?
        .reference(random_reference())
        .add(0_u64)
        .webhook_url(webhooks)
        .sign_pdf(OneOrMany::One(pdf));
    report.done(began, None, "the document's example, with Add 0, contract.pdf to sign and a Ref of its own");
    Ok(order)
}

async fn webhook(stage: &mut Stage, report: &mut Report, id: &OrderId, callback: OrderCallback) -> Result<(), Stopped> {
    let began = report.begin("keep the webhook, then answer 202", callback.name());
    let arrived = stage.arrivals.wait(callback.name(), id.expose(), PATIENCE).await.is_some();
    if arrived {
        report.done(began, Some(202), "appended and synced, then acknowledged");
        return Ok(());
    }
    let delivery =
        stage.sandbox.deliveries(Some(id.expose())).into_iter().find(|known| known.event.name == callback.name());
    let tried = match delivery.as_ref().map_or(0, |delivery| delivery.attempts.len()) {
        0 => "has not tried yet".to_owned(),
        1 => "tried once".to_owned(),
        tried => format!("tried {tried} times"),
    };
    let (name, patience, id) = (callback.name(), PATIENCE.as_secs(), id.expose());
    let told = [
        format!(
            "What happened: the webhook {name} did not arrive within {patience} s, the receiver is gone. \
             The vendor {tried}."
        ),
        "What was not done: nothing was collected and nothing was deleted. A vendor keeps the results for 7 days \
         after the order has ended, and tries the webhook again for 6 days, first after 86 s."
            .to_owned(),
        format!(
            "What to do with a real order: start the receiver again and wait for the next try, or read the status \
             yourself with `identkit tm status {id} --extended` and go on from there. This order ends with the \
             demo's sandbox."
        ),
    ];
    report.check(began, false, "nothing arrived", &told.each_ref().map(String::as_str))
}

/// Reads, checks and saves every result, and proves from the disk that it is there.
async fn collect(
    stage: &mut Stage,
    report: &mut Report,
    client: &IdentityTm,
    id: &OrderId,
) -> Result<EvidenceProof, Stopped> {
    let options = CallOptions::new();
    let mut digests = Vec::new();
    let note = |saved: &Saved| format!("{} bytes, sha256 {}", saved.bytes, saved.sha256.get(..12).unwrap_or_default());

    let began = report.begin("read the checked data", "getIdentData");
    let data = report.call(began, client.ident_data_with_method(id, &options).await, |data| {
        format!("identified by {}", data.identify_method.as_deref().unwrap_or("an unnamed method"))
    })?;
    let began = report.begin("compare it with the order", "check");
    let checked = data.checked();
    let same = checked.is_some_and(|person| {
        let is = |text: &Option<identkit_core::Pii<String>>, wanted: &str| {
            text.as_ref().is_some_and(|text| text.expose() == wanted)
        };
        is(&person.firstname, "Erika") && is(&person.surname, "Mustermann") && is(&person.birthdate, "1964-08-12")
    });
    report.check(
        began,
        same,
        "first name, surname and date of birth are those of the order",
        &["The checked data is about somebody else than the order: nothing was deleted."],
    )?;
    let json = serde_json::to_vec_pretty(&data).map_err(|_| Failure::local("the data has no JSON form"))?;
    let saved = stage.folder.save("identity-tm/ident-data.json", json).await?;
    digests.push((EvidenceItem { kind: EvidenceKind::IdentData, index: 0 }, saved.digest));

    let began = report.begin("read and save the report", "getIdentDataPDF");
    let answered = client.ident_data_pdf(id, &options).await;
    let code = answered.as_ref().ok().map(|answered| answered.status.as_u16());
    match answered {
        Ok(answered) => {
            let saved = stage.folder.stream("identity-tm/report.pdf", answered.value).await?;
            digests.push((EvidenceItem { kind: EvidenceKind::Report, index: 0 }, saved.digest));
            let note = note(saved);
            report.done(began, code, &note);
        }
        Err(error) => return Err(report.failed(began, error)),
    }

    let began = report.begin("read and save the signed document", "getESignPDF");
    let answered = client.signed_pdfs(id, &options).await;
    let code = answered.as_ref().ok().map(|answered| answered.status.as_u16());
    match answered {
        Ok(answered) => {
            let SignedPdfs::One(content) = answered.value else {
                return Err(Failure::local("one document was sent and several came back").into());
            };
            let saved = stage.folder.stream("identity-tm/contract.signed.pdf", content).await?;
            digests.push((EvidenceItem { kind: EvidenceKind::SignedDocument, index: 0 }, saved.digest));
            let note = note(saved);
            report.done(began, code, &note);
        }
        Err(error) => return Err(report.failed(began, error)),
    }
    let began = report.begin("compare it with what was sent", "check");
    let original = std::fs::read(stage.folder.path(CONTRACT_FILE)).unwrap_or_default();
    let signed = std::fs::read(stage.folder.path("identity-tm/contract.signed.pdf")).unwrap_or_default();
    let kept = !original.is_empty() && signed.len() > original.len() && signed.starts_with(&original);
    report.check(
        began,
        kept,
        "the original bytes are all there, with an update appended",
        &["The signed document is not the one that was sent: nothing was deleted."],
    )?;

    let began = report.begin("prove that all is on the disk", "check");
    let expected: Vec<EvidenceItem> = [EvidenceKind::IdentData, EvidenceKind::Report, EvidenceKind::SignedDocument]
        .map(|kind| EvidenceItem { kind, index: 0 })
        .into();
    let proof = EvidenceProof::new(&expected, digests)?;
    report.done(began, None, &format!("{} files read back and compared", proof.digests().len()));
    Ok(proof)
}

/// Deletes the data at the vendor, which needs the proof that all of it is on the disk, and proves that it is gone.
async fn delete(report: &mut Report, client: &IdentityTm, id: &OrderId, _: EvidenceProof) -> Result<(), Stopped> {
    let options = CallOptions::new();
    let began = report.begin("delete the data at the vendor", "delIdentdata");
    report.call(began, client.delete_ident_data(id, &options).await, |()| String::new())?;

    let began = report.begin("probe that it is gone", "getIdentData");
    match client.ident_data(id, &options).await {
        Err(error) if error.kind() == Kind::NotFound => {
            report.checked_call(began, error.status(), true, "404, where the same call answered 200 before", &[])
        }
        Err(error) => report.call(began, Err(error), |()| String::new()),
        Ok(answered) => report.checked_call(
            began,
            Some(answered.status.as_u16()),
            false,
            "the data is still there",
            &["The vendor says that the data is deleted, and still hands it out."],
        ),
    }
}
