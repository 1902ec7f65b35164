//! `identify24 create`: creates an ident and saves the response, which the vendor never repeats.

use std::path::Path;

use identkit_core::{Error, Kind, Pii};
use identkit_identify24::messages::{CreateIdent, PdfContent};
use identkit_identify24::{Dialect, PhonePolicy};
use identkit_wire::json::{self as wire, Node};
use identkit_wire::{Operation as _, encode_base64};
use serde_json::{Value, json};

use super::answer_file::{ResponseFile, WriteError};
use super::client::Identify24;
use super::ids::IDENT_ID;
use crate::changes::{self, Changes};
use crate::context::{document, warn};
use crate::exit::{Failure, VendorText};
use crate::input::Input;
use crate::misspelled::{self, Foreign, Names};
use crate::output::{self, InterruptionNote, others, say, to_json};
use crate::text::{self, plain};

/// Names of other vendors and of `NewCase` for something that an ident does not have, or has under another name.
const FOREIGN: &[Foreign] = &[
    (
        &["webhook", "webhookurl", "webhookfinal", "callbackurl", "onfinal", "afterident", "aftervideo"],
        ": the webhook URL is set in the partner portal, for all idents",
    ),
    (
        &["redirect", "redirecturl", "redirectsuccess", "redirectabort", "success", "abort"],
        ": the vendor does not redirect the person",
    ),
    (&["address", "person", "identdata"], ": an ident is a flat object, so its elements are not in another one"),
    (&["ref", "reference"], "; did you mean custom_id?"),
    (&["project"], "; did you mean project_id?"),
    (&["firstname", "givennames"], "; did you mean person_first_name?"),
    (&["surname", "lastname", "familyname"], "; did you mean person_last_name?"),
    (&["birthdate"], "; did you mean birthday?"),
    (&["mobile", "phone"], "; did you mean mobile_phone?"),
    (&["postalcode"], "; did you mean zip_code?"),
    (&["housenumber"], "; did you mean house_no?"),
    (&["esignpdf", "documents"], "; did you mean pdf_content?"),
    (&["product", "purpose", "add"], ": the project selects the kind of identification"),
];

/// Reads an ident in the vendor's JSON format, and notes what has no effect or is sent in another form.
pub(super) fn read(input: &Input, dialect: &Dialect) -> Result<CreateIdent, Failure> {
    let ident: CreateIdent = wire::read_input(&input.bytes).map_err(|fault| input.unusable(&fault.input()))?;
    let pdf = check_pdf(&ident)?;
    let names = Names { listed: &[("", CreateIdent::KEYS)], foreign: FOREIGN };
    // An ident that breaks a rule is rejected below.
    let encoded = ident.encode(dialect).ok();
    let pdf = pdf.filter(|_| encoded.is_some());
    let sent = encoded.and_then(|sent| sent.body.as_bytes()).unwrap_or_default();
    let Changes { left_out, reshaped, trimmed } = Changes::new(&input.bytes, &sent);
    let types = other_types(&input.bytes);
    // The client's warnings are about the other changes. If it is a number, only its type changes.
    let phone = "mobile_phone";
    let changed = reshaped.iter().chain(&trimmed).any(|name| name == phone) && dialect.phone == PhonePolicy::AsGiven;
    let changed = changed && !types.iter().any(|(name, _)| name == phone);
    let phone = changed.then(|| format!("{phone} is sent without its separators"));
    let types = types.into_iter().map(|(name, kind)| format!("{name} is a {kind} and is sent as text"));
    let notes = misspelled::notes(&input.bytes, names).into_iter().chain(types);
    let notes = notes.chain(changes::note(changes::LEFT_OUT, &left_out)).chain(phone).chain(pdf);
    notes.for_each(|note| say(&format!("note: {note}")));
    Ok(ident)
}

pub(super) async fn create(
    identify24: &Identify24<'_>,
    file: &Path,
    dialect: Dialect,
    (out, reveal): (Option<&Path>, bool),
) -> Result<(), Failure> {
    let input = Input::read(file).await?;
    let ident = read(&input, &dialect)?;
    let client = identify24.client(|client| client.dialect(dialect))?;
    let file = out.map(ResponseFile::create).transpose()?;
    let custom_id = ident.custom_id.as_ref().map_or("", |id| Pii::expose(id).as_str());
    let names = Some(("custom_id", custom_id)).filter(|(_, id)| !id.is_empty());
    identify24.recorder.prepare(CreateIdent::META, names.as_slice())?;
    let recovery = recovery(&ident, &input.name, identify24.recorder.path().is_some());
    let note = format!("the ident may exist; {}", recovery.join("; "));
    let created = InterruptionNote::unless_done(note, client.create_ident(&ident, &identify24.options)).await;
    let created = match warn(created) {
        Ok(created) => created,
        Err(error) if error.kind() == Kind::OutcomeUnknown => {
            let ids = error.answer().map(IDENT_ID.find).unwrap_or_default();
            if !ids.is_empty() {
                identify24.recorder.add_secret(IDENT_ID.name, &ids.join(", "));
            }
            let is_recorded = identify24.recorder.has_response();
            let saved = |length| identify24.recorder.saved(length);
            return Err(unknown_outcome(error, &ids, file, &recovery, Shown { reveal, is_recorded }, saved));
        }
        Err(error) => return Err(error.into()),
    };
    let full = to_json(&created.value);
    let member = |name| full.get(name).and_then(Value::as_str).unwrap_or_default();
    identify24.recorder.add_secret(IDENT_ID.name, member(IDENT_ID.name));
    identify24.recorder.add_last_resort("conference_url", member("conference_url"));
    let record = identify24.recorder.path().filter(|_| identify24.recorder.has_response());
    let written = file.map(|file| {
        let answer = document(full.clone(), &created, json!({}));
        file.write(format!("{answer:#}\n").as_bytes()).map_err(|WriteError { why, fallback }| {
            Failure::local(match fallback.as_ref().map(|path| path.display()) {
                Some(path) => {
                    format!("the ident was created, but {why}; the response with its ident_id is in {path}")
                }
                None => {
                    let record = record.map(|path| format!(" and in the record {}", path.display()));
                    let record = record.unwrap_or_default();
                    format!("the ident was created, but {why}; the response is on standard output{record}")
                }
            })
        })
    });
    let path = written.as_ref().and_then(|written| written.as_ref().ok()).map(|path| path.display().to_string());
    if path.is_some() {
        identify24.recorder.saved(usize::MAX);
    }
    let more = json!({ "hidden": [], "kept_in": path });
    identify24.show(document(full.clone(), &created, more), |page| {
        const LISTED: [&str; 2] = ["ident_id", "conference_url"];
        let mut rows = Vec::from(LISTED.map(|name| (name.to_owned(), output::text(&full, name))));
        rows.extend(others(&full, &[&LISTED[..], &["result", "messages", "response_status"]].concat()));
        rows.extend(path.as_ref().map(|path| ("saved to".to_owned(), plain(path))));
        page.pairs(rows);
    })?;
    // Only now: the response is printed even if it could not be saved.
    written.transpose().map(|_| ())
}

/// Fails unless `pdf_content`, if it has a text, is a PDF in one of the encodings of the document. The document's sample
/// has a placeholder and a `pdf_url`: then the result is a note (AI-19).
fn check_pdf(ident: &CreateIdent) -> Result<Option<String>, Failure> {
    let Some(content) = &ident.pdf_content else { return Ok(None) };
    let is_empty = matches!(content, PdfContent::Text(text) if text.expose().trim().is_empty());
    let problem = match content.to_bytes() {
        _ if is_empty => return Ok(None),
        // It would be sent unchanged.
        Ok(_) if content.is_url_safe() => "is not valid Base64 with + and /",
        Ok(pdf) if pdf.starts_with(b"%PDF-") => return Ok(None),
        Ok(_) => "is not a PDF: its first bytes are not %PDF-",
        Err(_) => "is not valid Base64",
    };
    // A blank URL is not sent.
    if ident.pdf_url.as_ref().is_some_and(|url| !url.expose().trim().is_empty()) {
        return Ok(Some(format!("pdf_content {problem} (AI-19)")));
    }
    Err(Failure::unsent(format!("pdf_content {problem} (AI-19): pass a PDF in Base64, e.g. the output of base64 FILE")))
}

/// The elements, with their types, that are not text in the input, but are sent as text.
fn other_types(json: &[u8]) -> Vec<(String, &'static str)> {
    // Not a `Value`, which cannot represent every number.
    let Ok(Node::Map(members)) = wire::parse(json) else { return Vec::new() };
    let members = members.iter().filter(|(name, _)| CreateIdent::KEYS.contains(&&**name));
    let types = members.filter_map(|(name, value)| match value {
        Node::Bool(_) => Some((name.to_string(), "boolean")),
        Node::Number(_) => Some((name.to_string(), "number")),
        _ => None,
    });
    types.collect()
}

/// Notes on how to find out whether the ident exists, because no call of the vendor can (AI-28).
fn recovery(ident: &CreateIdent, input: &str, is_recorded: bool) -> [String; 2] {
    let first = "identify24 has no call that lists or finds idents: ask the vendor whether this one exists".to_owned();
    if ident.custom_id.as_ref().is_some_and(|id| !Pii::expose(id).is_empty()) {
        // Standard input cannot be read again.
        let place = match (input, is_recorded) {
            ("standard input", true) => "the record of the request (identkit state list)",
            ("standard input", false) => "the note above",
            (file, _) => file,
        };
        [first, format!("the vendor can find it by its custom_id, which is in {place} and in webhooks")]
    } else {
        [first, "the ident has no custom_id, so neither the vendor nor its webhooks can identify it".to_owned()]
    }
}

/// Whether a doubtful response is shown.
#[derive(Clone, Copy, Debug)]
struct Shown {
    /// Whether the user asked for it (`--reveal`).
    reveal: bool,
    /// Whether the whole response is in a record. If it is in no file either, the error is the only place for its ids.
    is_recorded: bool,
}

/// The failure of a create with an unknown outcome. The response may be the only copy of the id: it is saved like a
/// successful one, which `saved` reports, and shown only with `--reveal`. If it is in no file, the recorder shows it. No
/// note recommends `--show-vendor-text`, which would repeat the call.
fn unknown_outcome(
    error: Error,
    ids: &[String],
    file: Option<ResponseFile>,
    recovery: &[String],
    shown: Shown,
    saved: impl Fn(usize),
) -> Failure {
    // The vendor's text is an extract; the file must have the whole response (AT-97).
    let received =
        error.answer().map(|answer| answer.body().clone()).filter(|body| !body.is_empty() || !ids.is_empty());
    let extract = || error.vendor_text().map(|text| Pii::expose(text).clone().into());
    let Some(body) = received.or_else(extract) else {
        let unwritten = file.map(|file| format!("{} is not written: no response to save was received", file.name()));
        return recovery.iter().fold(Failure::from(error).notes(unwritten), Failure::note);
    };
    let body_text = String::from_utf8_lossy(&body);
    let (named, answer) = (!ids.is_empty(), record(ids, &body));
    let written = file.map(|file| file.write(format!("{answer:#}\n").as_bytes())).transpose();
    let (path, unsaved) = written.map_or_else(|error| (error.fallback, Some(error.why)), |path| (path, None));
    if path.is_some() {
        saved(body.len());
    }
    let is_elsewhere = shown.is_recorded || path.is_some();
    let reveal = shown.reveal || !is_elsewhere;
    // With any other status, the text consists of the vendor's messages.
    let is_secret = named || error.status().is_some_and(|status| (200..300).contains(&status));
    let show = match (is_secret, reveal) {
        _ if !is_elsewhere => VendorText::Never,
        (true, true) => VendorText::Always,
        (true, false) => VendorText::Never,
        (false, _) => VendorText::OnRequest,
    };
    // The vendor's text need not contain them.
    let salvaged = error.salvaged_ids();
    let urls: Vec<&str> =
        salvaged.iter().filter(|id| id.name == "conference_url").map(|id| id.value.expose()).collect();
    let found = [(IDENT_ID.name, ids.iter().map(String::as_str).collect()), ("conference_url", urls)];
    let found = found.into_iter().filter(|(_, values): &(_, Vec<&str>)| reveal && !values.is_empty());
    let found =
        found.map(|(name, values)| format!("the vendor's response contains {name} {}", text::ids(values.into_iter())));
    let found: Vec<String> = found.collect();
    // Without the vendor's own text, the response itself is shown.
    let error = if error.vendor_text().is_some() || body_text.is_empty() {
        error
    } else {
        error.with_vendor_text(plain(&body_text))
    };
    let failure = Failure::from(error).vendor_text(show).notes(found).notes(unsaved);
    let failure = match path.as_ref().map(|path| path.display()) {
        Some(path) if ids.len() > 1 => failure.note(format!(
            "the vendor's response is in {path} and contains {} different values of ident_id: identkit identify24 get - \
             checks each of them",
            ids.len()
        )),
        Some(path) if named => failure.note(format!(
            "the vendor's response is in {path} and contains an ident_id: identkit identify24 get --from {path} checks \
             whether the ident exists"
        )),
        Some(path) => failure.note(format!("the vendor's response is in {path}; it may show whether the ident exists")),
        None => failure,
    };
    recovery.iter().fold(failure, Failure::note)
}

/// The saved form of a response that is not valid, with the ident_ids, where `get --from` reads them. A response that is
/// not UTF-8 is saved as Base64.
fn record(ids: &[String], body: &[u8]) -> Value {
    let mut record = match std::str::from_utf8(body) {
        Ok(text) => json!({ "identkit": { "outcome": "unknown" }, "vendor_text": text }),
        Err(_) => json!({ "identkit": { "outcome": "unknown" }, "vendor_base64": encode_base64(body) }),
    };
    if let Some(members) = record.as_object_mut() {
        match ids {
            [] => {}
            [id] => drop(members.insert("ident_id".into(), id.as_str().into())),
            ids => drop(members.insert("ident_ids".into(), ids.into())),
        }
    }
    record
}
