//! What the admin API says about an order beyond its state: what was ordered, its statuses with their names, the stories
//! that are possible now, and its files.

use identkit_core::Outcome;
use identkit_identity_tm::messages::StatusEntry;
use identkit_identity_tm::{CATALOGUE, Finality, OrderId, StatusKind};
use identkit_wire::Dts;
use jiff::Timestamp;

use super::documents::{IdentVariant, sign_all};
use super::lookup::{deleted_order, find, find_final, of_order};
use super::media::{find_recorded, find_voiced};
use super::orders::Order;
use super::{Orders, VideoFormat, reading, rules, scenarios};
use crate::vendors::short::short_texts;
use crate::{CaseDetails, CaseKeys, Evidence, EvidenceFile, KnownStatus, PastStatus, Rejection, World};

pub(super) fn keys(world: &mut World, id: &str) -> Option<CaseKeys> {
    let order = world.state::<Orders>().by_id.get(id)?;
    let request = &order.request;
    let status = order.status.last().and_then(|entry| entry.kind).map(|kind| kind.0.to_string());
    let reference = request.reference.as_ref().map(|reference| reference.expose().clone());
    let address = request.address.as_ref();
    let person = address.map(|address| [&address.firstname, &address.surname]).into_iter().flatten().flatten();
    let texts = person.chain(&request.email).map(|text| text.expose().clone());
    Some(CaseKeys::new(reference, status).texts(texts))
}

/// The codes of the document with their names, in the order of the codes.
pub(super) fn statuses() -> Vec<KnownStatus> {
    let mut codes: Vec<_> = CATALOGUE.iter().collect();
    codes.sort_unstable_by_key(|status| status.kind.0);
    codes.into_iter().map(|status| known(status.kind)).collect()
}

fn known(kind: StatusKind) -> KnownStatus {
    KnownStatus::new(kind.0.to_string(), name(kind))
}

pub(super) fn name(kind: StatusKind) -> Option<&'static str> {
    kind.text().map(|text| text.english)
}

/// How an order ended, or that it is open.
pub(super) fn result(finality: &Finality) -> &'static str {
    match finality.outcome {
        _ if !finality.is_final() => "open",
        Outcome::Positive | Outcome::Signed => "positive",
        _ => "negative",
    }
}

/// Time of a status, in UTC.
pub(super) fn time(entry: Option<&StatusEntry>) -> Option<String> {
    entry?.time.as_ref().and_then(Dts::timestamp).as_ref().map(Timestamp::to_string)
}

pub(super) fn describe(world: &mut World, id: &str) -> Option<CaseDetails> {
    let stories = scenarios::options(world, id);
    let order = world.state::<Orders>().by_id.get(id)?;
    let mut ordered = serde_json::to_value(&order.request).unwrap_or_default();
    short_texts(&mut ordered);
    let timeline = order.status.iter().filter_map(past).collect();
    let files = files(world, id).into_iter().map(|(file, check)| {
        let why = check(world, &OrderId::new(id)).err();
        let why = why.and_then(|why| why.violations.first().map(|fault| fault.message.to_string()));
        file.refused(why)
    });
    Some(CaseDetails::new(ordered, timeline, stories).evidence(files.collect()))
}

fn past(entry: &StatusEntry) -> Option<PastStatus> {
    let remark = entry.text.as_ref().map(|text| text.expose().to_owned());
    Some(PastStatus::new(entry.time.as_ref().and_then(Dts::timestamp), known(entry.kind?), remark))
}

type Check = fn(&mut World, &OrderId) -> Result<(), Rejection>;

/// The files that the order has or can have, and what checks whether each can be read now.
fn files(world: &mut World, id: &str) -> Vec<(EvidenceFile, Check)> {
    let settings = &world.state::<Orders>().settings;
    let (images, format) = (settings.images, settings.video_format);
    let Some(order) = world.state::<Orders>().by_id.get(id) else { return Vec::new() };
    let is_final: Check = |world, id| find_final(world, id).map(drop);
    let mut files: Vec<(EvidenceFile, Check)> = vec![
        (EvidenceFile::new("result.json", "application/json", "getIdentData"), is_final),
        (EvidenceFile::new("report.pdf", "application/pdf", "getIdentDataPDF"), is_final),
    ];
    if images || order.has_captured_images() {
        let pictures = order.pictures().unwrap_or_default();
        files.extend(pictures.into_iter().filter_map(|picture| {
            let name = picture.filename?.expose().to_owned();
            let media_type = if name.ends_with(".png") { "image/png" } else { "image/jpeg" };
            Some((EvidenceFile::new(name, media_type, "getIdentData"), is_final))
        }));
    }
    for number in 1..=order.pdfs().count() {
        let file = EvidenceFile::new(format!("signed-{number}.pdf"), "application/pdf", "getESignPDF");
        files.push((file, check_signed));
    }
    let (name, media_type) = match format {
        VideoFormat::Mp4 => ("recording.mp4", "video/mp4"),
        VideoFormat::WebM => ("recording.webm", "video/webm"),
    };
    files.push((EvidenceFile::new(name, media_type, "getVideoFileBinary"), check_recording));
    let voice = EvidenceFile::new("voice.mp3", "audio/mpeg", "getVoiceFiles");
    files.push((voice, |world, id| find_voiced(world, id).map(drop)));
    files
}

fn check_signed(world: &mut World, id: &OrderId) -> Result<(), Rejection> {
    let order = find(world, id)?;
    if order.deleted {
        return Err(deleted_order());
    }
    match order.has(StatusKind::SIGNED) {
        true => Ok(()),
        false => Err(of_order(400, "the order must be signed: it needs status 84", &rules::T_060_PDF)),
    }
}

fn check_recording(world: &mut World, id: &OrderId) -> Result<(), Rejection> {
    match find_recorded(world, id)?.recording.ready {
        true => Ok(()),
        false => Err(of_order(
            400,
            "the recording is not ready: request it with getVideoFileBinaryAsync (until then, the vendor returns a \
             placeholder)",
            &rules::AT_38,
        )),
    }
}

/// Returns a file of an order. `None` if the order has no file of this name.
pub(super) fn evidence(world: &mut World, id: &str, name: &str) -> Option<Result<Evidence, Rejection>> {
    let (file, check) = files(world, id).into_iter().find(|(file, _)| file.name == name)?;
    let id = OrderId::new(id);
    Some(check(world, &id).and_then(|()| content(world, &id, &file)))
}

fn content(world: &mut World, id: &OrderId, file: &EvidenceFile) -> Result<Evidence, Rejection> {
    let (now, settings, rules) = (world.now, world.state::<Orders>().settings.clone(), world.rules.clone());
    if file.name == "result.json" {
        let response = reading::ident_data(world, id, IdentVariant::InitialData)?;
        let bytes = response.body().as_bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
        return Ok(Evidence::new(file.media_type, move || Ok(bytes)));
    }
    let order: Order = find(world, id)?.clone();
    let (name, media_type) = (file.name.clone(), file.media_type);
    Ok(Evidence::new(media_type, move || {
        let failed = |error: identkit_synthetic::Error| error.to_string();
        let id = order.id.expose();
        match (name.as_str(), media_type) {
            ("report.pdf", _) => order.report(now, &settings, &rules).map_err(failed),
            (_, "video/mp4") => identkit_synthetic::recording(id).map_err(failed),
            (_, "video/webm") => Ok(identkit_synthetic::webm_recording(id)),
            (_, "audio/mpeg") => Ok(identkit_synthetic::voice(id)),
            (_, "application/pdf") => {
                let number = name.trim_start_matches("signed-").trim_end_matches(".pdf").parse().unwrap_or(1_usize);
                let pdf = order.pdfs().skip(number.saturating_sub(1)).take(1);
                let signed = sign_all(&order.request, pdf, id, order.decided).map_err(failed)?;
                Ok(signed.into_iter().next().unwrap_or_default())
            }
            _ => {
                let pictures = order.pictures().map_err(failed)?;
                let named = |text: &str| text == name;
                let picture =
                    pictures.into_iter().find(|one| one.filename.as_ref().is_some_and(|text| named(text.expose())));
                let bytes = picture.and_then(|picture| picture.image?.to_bytes().ok());
                bytes.map(|bytes| bytes.to_vec()).ok_or_else(|| "the picture is not Base64".to_owned())
            }
        }
    }))
}
