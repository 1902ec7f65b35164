//! identity.TM: order, person, webhooks, results, deletion.

use std::sync::Arc;

use identkit_core::{
    CallOptions, Content, Error, EvidenceItem, EvidenceKind, EvidencePlan, EvidenceProof, Kind, Outcome, Secret,
};
use identkit_identity_tm::messages::{SignPdf, WebhookUrl};
use identkit_identity_tm::{
    Credentials, IdentityTm, OrderCallback, OrderId, PROVIDER, PutOrder, SignedPdfs, random_reference, samples,
};
use identkit_transport::Response;
use identkit_wire::json::Blob;
use identkit_wire::{Callback as _, FileSource, OneOrMany};

use super::report::{Report, Step, Stop};
use super::stage::{Stage, WEBHOOK_TIMEOUT, person};
use crate::exit::Failure;

const ORDER_FILE: &str = "input/put-order.json";
const CONTRACT_FILE: &str = "input/contract.pdf";

pub(super) async fn play(stage: &mut Stage, report: &mut Report, break_receiver: bool) -> Result<(), Stop> {
    let options = CallOptions::new();
    let client = client(stage)?;

    let step = report.begin("check that the service is up", "serverStatus");
    report.call(step, client.server_status(&options).await, |()| String::new())?;

    let order = order(stage, report).await?;
    let step = report.begin("place the order", "putOrder");
    let placed = report.call(step, client.put_order(&order, &options).await, |placed| {
        let url = placed.answer.target_url.as_ref().map_or("none", |url| url.expose());
        format!("OrderID {}, TargetURL {url}", placed.order_id.expose())
    })?;
    let id = placed.order_id.clone();

    person(stage, report, id.expose(), "identified", "play the person: identified by video").await?;
    webhook(stage, report, &id, OrderCallback::AfterIdent).await?;
    if break_receiver {
        let step = report.begin("stop the receiver (--break)", "receiver");
        stage.listening = None;
        report.done(step, None, "its port is closed");
    }
    person(stage, report, id.expose(), "signed", "play the person: signs with the TAN").await?;
    webhook(stage, report, &id, OrderCallback::OnFinal).await?;

    let step = report.begin("read all status codes", "getStatus");
    let status = report.call(step, client.status(&id, &options).await, |status| {
        let codes: Vec<String> =
            status.timeline().iter().filter_map(|entry| entry.kind).map(|kind| kind.0.to_string()).collect();
        format!("ExtendedList, codes {}", codes.join(" "))
    })?;
    let verdict = status.finality(placed.flavor);
    let step = report.begin("judge the order", "finality");
    let signed = verdict.outcome == Outcome::Signed;
    report.check(
        step,
        signed,
        &format!("{:?}, because of {:?}", verdict.outcome, verdict.because),
        "The order did not end with a signature. Nothing was saved, nothing was deleted.",
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

/// The order of the document's example, with a PDF to sign and this run's webhooks.
async fn order(stage: &mut Stage, report: &mut Report) -> Result<PutOrder, Stop> {
    let step = report.begin("read the order file", "input");
    let read = stage.folder.input(ORDER_FILE, samples::PUT_ORDER_REQUEST).await?;
    stage.folder.save(CONTRACT_FILE, identkit_synthetic::sample_contract()).await?;
    let contract = FileSource::new(stage.folder.path(CONTRACT_FILE))
        .map_err(|error| Failure::local(format!("the PDF to sign cannot be read: {error}")))?;

    let (after_ident, on_final) = (OrderCallback::AfterIdent, OrderCallback::OnFinal);
    let webhooks = WebhookUrl::default()
        .after_ident(after_ident.url_template(&stage.base, &stage.token(&after_ident).await?)?)
        .on_final(on_final.url_template(&stage.base, &stage.token(&on_final).await?)?);
    let pdf = SignPdf::default().data(Blob::Source(Arc::new(contract))).filename("contract.pdf");
    let order = PutOrder::from_json(&read)?
        .reference(random_reference())
        .add(0_u64)
        .webhook_url(webhooks)
        .sign_pdf(OneOrMany::One(pdf));
    report.done(step, None, "the document's example with Add 0, contract.pdf to sign and a new Ref");
    Ok(order)
}

async fn webhook(stage: &mut Stage, report: &mut Report, id: &OrderId, callback: OrderCallback) -> Result<(), Stop> {
    let step = report.begin("store the webhook, then answer 202", callback.name());
    let arrived = stage.arrival(&callback, id.expose()).await?.is_some();
    if arrived {
        report.done(step, Some(202), "stored and synced, then acknowledged");
        return Ok(());
    }
    let delivery =
        stage.sandbox.deliveries(Some(id.expose())).into_iter().find(|known| known.event.name == callback.name());
    let attempts = match delivery.as_ref().map_or(0, |delivery| delivery.attempts.len()) {
        0 => "no attempt".to_owned(),
        1 => "one attempt".to_owned(),
        count => format!("{count} attempts"),
    };
    let (name, timeout, id) = (callback.name(), WEBHOOK_TIMEOUT.as_secs(), id.expose());
    let account = format!(
        "What happened: the webhook {name} did not arrive within {timeout} s, because the receiver is stopped. The \
         vendor made {attempts}.\n\
         What was not done: no result was saved, and nothing was deleted. The vendor stores the results for 7 days \
         after the end of the order. It retries the webhook for 6 days, first after 86 s.\n\
         What to do with a real order: restart the receiver and wait for the next attempt, or read the status with \
         `identkit tm status {id} --extended` and continue from there. This order ends with the demo's sandbox."
    );
    report.check(step, false, "nothing arrived", &account)
}

/// Reads, checks and saves every result, and proves that all files are on disk.
async fn collect(
    stage: &mut Stage,
    report: &mut Report,
    client: &IdentityTm,
    id: &OrderId,
) -> Result<EvidenceProof, Stop> {
    let options = CallOptions::new();
    let mut digests = Vec::new();

    let step = report.begin("read the checked data", "getIdentData");
    let data = report.call(step, client.ident_data_with_method(id, &options).await, |data| {
        format!("identified by {}", data.identify_method.as_deref().unwrap_or("an unnamed method"))
    })?;
    let step = report.begin("compare the data with the order", "check");
    let checked = data.checked();
    let same = checked.is_some_and(|person| {
        let is = |text: &Option<identkit_core::Pii<String>>, wanted: &str| {
            text.as_ref().is_some_and(|text| text.expose() == wanted)
        };
        is(&person.firstname, "Erika") && is(&person.surname, "Mustermann") && is(&person.birthdate, "1964-08-12")
    });
    report.check(
        step,
        same,
        "first name, surname and date of birth are equal",
        "The checked data is not that of the person in the order. Nothing was deleted.",
    )?;
    let saved = stage.folder.json("identity-tm/ident-data.json", &data).await?;
    digests.push((item(EvidenceKind::IdentData), saved.digest.sha256));

    let step = report.begin("read and save the report", "getIdentDataPDF");
    let content = client.ident_data_pdf(id, &options).await.map(|response| (response.status.as_u16(), response.value));
    digests.push((item(EvidenceKind::Report), save(stage, report, step, content, "identity-tm/report.pdf").await?));

    let step = report.begin("read and save the signed document", "getESignPDF");
    let content = match client.signed_pdfs(id, &options).await {
        Ok(Response { status, value: SignedPdfs::One(content), .. }) => Ok((status.as_u16(), content)),
        Ok(_) => return Err(Failure::local("the order has one document, but the response has several").into()),
        Err(error) => Err(error),
    };
    let digest = save(stage, report, step, content, "identity-tm/contract.signed.pdf").await?;
    digests.push((item(EvidenceKind::SignedDocument), digest));
    let step = report.begin("compare the signed document with the original", "check");
    let original = std::fs::read(stage.folder.path(CONTRACT_FILE)).unwrap_or_default();
    let signed = std::fs::read(stage.folder.path("identity-tm/contract.signed.pdf")).unwrap_or_default();
    let is_appended = !original.is_empty() && signed.len() > original.len() && signed.starts_with(&original);
    report.check(
        step,
        is_appended,
        "the original bytes are unchanged, with an update appended",
        "The signed document does not start with the original. Nothing was deleted.",
    )?;

    let step = report.begin("prove that all files are on disk", "check");
    let plan = EvidencePlan::new([EvidenceKind::IdentData, EvidenceKind::Report, EvidenceKind::SignedDocument]);
    let proof = EvidenceProof::new(&plan, digests)?;
    report.done(step, None, format!("{} files read back and compared", proof.digests().len()));
    Ok(proof)
}

/// The only item of a kind.
fn item(kind: EvidenceKind) -> EvidenceItem {
    EvidenceItem::new(kind, 0, 1)
}

/// Saves a response body with its HTTP status, and returns the digest.
async fn save(
    stage: &mut Stage,
    report: &mut Report,
    step: Step,
    content: Result<(u16, Content), Error>,
    name: &str,
) -> Result<[u8; 32], Stop> {
    let (status, content) = match content {
        Ok(content) => content,
        Err(error) => return Err(report.failed(step, error)),
    };
    let digest = stage.folder.stream(name, content).await?.digest;
    let note = format!("{} bytes, sha256 {}", digest.length, digest.hex().get(..12).unwrap_or_default());
    report.done(step, Some(status), note);
    Ok(digest.sha256)
}

/// Deletes the data at the vendor, and checks the deletion with a read. Requires the proof that all files are on disk.
async fn delete(report: &mut Report, client: &IdentityTm, id: &OrderId, _: EvidenceProof) -> Result<(), Stop> {
    let options = CallOptions::new();
    let step = report.begin("delete the data at the vendor", "delIdentdata");
    report.call(step, client.delete_ident_data(id, &options).await, |()| String::new())?;

    let step = report.begin("check that the data is deleted", "getIdentData");
    match client.ident_data(id, &options).await {
        Err(error) if error.kind() == Kind::NotFound => {
            report.checked_call(step, error.status(), true, "404; the same call returned 200 before", "")
        }
        Err(error) => report.call(step, Err(error), |()| String::new()),
        Ok(answered) => report.checked_call(
            step,
            Some(answered.status.as_u16()),
            false,
            "the data still exists",
            "The vendor confirmed the deletion but still returns the data.",
        ),
    }
}
