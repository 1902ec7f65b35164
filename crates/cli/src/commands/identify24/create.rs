//! Creating an ident, and keeping what nobody tells again.

use std::path::Path;

use identkit_core::{Error, Kind, Pii};
use identkit_identify24::Dialect;
use identkit_identify24::messages::CreateIdent;
use identkit_wire::json as wire;
use serde_json::{Value, json};

use super::answer_file::{AnswerFile, WriteError};
use super::client::Identify24;
use super::excerpt::Excerpt;
use crate::context::{document, warn};
use crate::exit::{Failure, VendorText};
use crate::input::Input;
use crate::output::{InterruptionNote, to_json};
use crate::text::plain;

/// What is no secret: nothing but that it worked.
const OPEN: [&str; 2] = ["result", "response_status"];

pub(super) async fn create(
    identify24: &Identify24<'_>,
    file: &Path,
    dialect: Dialect,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let reveal = identify24.arguments.reveal;
    if !reveal && out.is_none() {
        return Err(Failure::unsent(
            "the ident_id would be lost, and there is no call to find it again: name a new file for it with --out, or \
             have it shown with --reveal",
        ));
    }
    let input = Input::read(file).await?;
    let ident: CreateIdent = wire::read(&input.bytes).map_err(|fault| input.unusable(&fault.input()))?;
    let client = identify24.client(|client| client.dialect(dialect))?;
    let file = out.map(AnswerFile::create).transpose()?;
    let ways_back = ways_back(&ident, &input.name);
    let note = InterruptionNote::new(Some(format!("the ident may be on its way; {}", ways_back.join("; "))));
    let created = client.create_ident(&ident, &identify24.options).await;
    note.disarm();
    let created = match warn(created) {
        Ok(created) => created,
        Err(error) if error.kind() == Kind::OutcomeUnknown => return Err(unknown(error, file, &ways_back, reveal)),
        Err(error) => return Err(error.into()),
    };
    let whole = to_json(&created.value);
    let written = file.map(|file| {
        let answer = document(whole.clone(), &created, json!({}));
        file.write(format!("{answer:#}\n").as_bytes()).map_err(|WriteError { why, fallback }| {
            Failure::local(match fallback.as_ref().map(|path| path.display()) {
                Some(path) => {
                    format!("the ident was created, but {why}; the answer with its ident_id is in {path}")
                }
                None => format!("{why}; the ident was created, and its ident_id is lost: ask the vendor for it"),
            })
        })
    });
    let path = written.as_ref().and_then(|written| written.as_ref().ok()).map(|path| path.display().to_string());
    let excerpt = Excerpt::new(whole, &OPEN, reveal);
    let more = json!({ "hidden": excerpt.hidden, "kept_in": path });
    identify24.show(document(excerpt.value.clone(), &created, more), |page| {
        let mut rows = Vec::from(["ident_id", "conference_url"].map(|name| (name, excerpt.text(name))));
        rows.extend(path.as_ref().map(|path| ("kept in", plain(path))));
        page.pairs(rows);
        excerpt.note(page);
    })?;
    // Only now, so that what is to be shown is shown also where it could not be kept.
    written.transpose().map(|_| ())
}

/// How it can be found out whether an ident exists that may: no call of the vendor's tells (AI-28).
fn ways_back(ident: &CreateIdent, input: &str) -> [String; 2] {
    let first = "identify24 has no call that lists or finds idents: only the vendor can say".to_owned();
    if ident.custom_id.as_ref().is_some_and(|id| !Pii::expose(id).is_empty()) {
        [first, format!("ask for the ident by its custom_id, which {input} holds; webhooks carry it, too")]
    } else {
        [first, "the ident has no custom_id, by which the vendor and its webhooks would tell it from others".to_owned()]
    }
}

/// An ident that may exist. What the vendor answered may be the only place of its id: it is kept like a good answer,
/// and never shown without `--reveal`. It is no use to advise an option that shows it: that would repeat the call.
fn unknown(error: Error, file: Option<AnswerFile>, ways_back: &[String], reveal: bool) -> Failure {
    let Some(text) = error.vendor_text().map(|text| Pii::expose(text).clone()) else {
        return ways_back.iter().fold(error.into(), Failure::note);
    };
    let (named, answer) = record(&text);
    // Of any other status it is no more than the vendor's messages.
    let whole = named || error.status().is_some_and(|status| (200..300).contains(&status));
    let show = match (whole, reveal) {
        (true, true) => VendorText::Always,
        (true, false) => VendorText::Never,
        (false, _) => VendorText::OnRequest,
    };
    let mut failure = Failure::from(error).vendor_text(show);
    let path = match file.map(|file| file.write(format!("{answer:#}\n").as_bytes())).transpose() {
        Ok(path) => path,
        Err(error) => {
            failure = failure.note(error.why);
            error.fallback
        }
    };
    failure = match path.as_ref().map(|path| path.display()) {
        Some(path) if named => failure.note(format!(
            "the vendor's answer is in {path} and names an ident: identkit identify24 get --from {path} tells whether it \
             exists"
        )),
        Some(path) => failure.note(format!("the vendor's answer is in {path}; it may tell whether the ident exists")),
        None if show == VendorText::Never => {
            failure.note("the vendor's answer could not be kept: not even a repeat brings it back")
        }
        None => failure,
    };
    ways_back.iter().fold(failure, Failure::note)
}

/// An answer that is not a valid one, as it is saved: with the id that it names, if any, where `get --from` looks for
/// one.
fn record(text: &str) -> (bool, Value) {
    let read: Value = serde_json::from_str(text).unwrap_or_default();
    let id = ["/ident_id", "/data/ident_id", "/data/id"]
        .iter()
        .find_map(|place| read.pointer(place)?.as_str().filter(|id| !id.is_empty()))
        // The URL of an ident ends with its id (I-041).
        .or_else(|| read.get("conference_url")?.as_str()?.rsplit('/').next().filter(|id| !id.is_empty()));
    let mut record = json!({ "identkit": { "outcome": "unknown" }, "vendor_text": text });
    if let (Some(id), Some(members)) = (id, record.as_object_mut()) {
        members.insert("ident_id".into(), id.into());
    }
    (id.is_some(), record)
}
