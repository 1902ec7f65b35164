//! The results of an order: data, report, signed documents, and their deletion.

use std::collections::{BTreeSet, HashMap};
use std::io::IsTerminal;
use std::path::Path;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use identkit_core::{Artifact, Content, Error, Kind, Pii};
use identkit_identity_tm::messages::{IdentData, IdentDataAnswer};
use identkit_identity_tm::{Decryptor, IdentDataBody, OrderId, SignedPdfs};
use identkit_transport::is_undecoded;
use identkit_transport::save::Existing;
use identkit_wire::{OneOrMany, is_empty_or_json};
use serde_json::{Value, json};

use super::client::Tm;
use super::names;
use crate::context::{document, say_all, summary, to_list, warn};
use crate::exit::Failure;
use crate::input::{Input, confirm};
use crate::output::{self, InterruptionNote, Page, to_json};
use crate::save::{
    Expected, Folder, SavedFile, check_place, commit_all, digest, keep_undecoded, prepare, received, save,
};
use crate::text::plain;

pub(super) async fn data(tm: &Tm<'_>, order_id: &OrderId, initial: bool, method: bool) -> Result<(), Failure> {
    let client = tm.client()?;
    let response = match (initial, method) {
        (true, _) => client.ident_data_with_initial(order_id, &tm.options).await,
        (_, true) => client.ident_data_with_method(order_id, &tm.options).await,
        _ => client.ident_data(order_id, &tm.options).await,
    };
    let response = warn(response).map_err(not_found)?;
    show_data(tm, &response.value, document(to_json(&response.value), &response, json!({})))
}

fn show_data(tm: &Tm<'_>, data: &IdentDataAnswer, json: Value) -> Result<(), Failure> {
    tm.show(json, |page| {
        let rows = |data: Option<&IdentData>| {
            let mut rows = Vec::new();
            flatten("", &data.map_or(Value::Null, to_json), &mut rows);
            rows
        };
        fn by_name(rows: &[(String, String)]) -> HashMap<&str, &str> {
            rows.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())).collect()
        }
        let (checked, initial) = (rows(data.checked()), rows(data.initial()));
        let values = [by_name(&checked), by_name(&initial)];
        let mut table = output::table(&["Element", "Checked", "Given"]);
        let mut shown = BTreeSet::new();
        let names = checked.iter().chain(&initial).map(|(name, _)| name.as_str());
        let mut names = names.filter(|name| *name != "Type" && shown.insert(*name));
        for name in names.by_ref().take(output::MOST_ROWS) {
            let [checked, initial] =
                values.each_ref().map(|values| plain(values.get(name).copied().unwrap_or_default()));
            table.add_row([plain(name), checked, initial]);
        }
        let hidden = names.count();
        match unclear(data) {
            Some(why) => show_entries(data, why, page),
            None if data.checked().is_none() => {
                page.table(table);
                page.line("The response contains no checked data.");
            }
            None => page.table(table),
        }
        page.note_hidden(hidden, "elements");
        if let Some(method) = &data.identify_method {
            page.line(format!("Identified by: {}", plain(method)));
        }
        if let Some(at) = &data.identified {
            page.line(format!("Identified at: {}", plain(at.as_str())));
        }
        // E.g. UserIp ([T] 3.3.4).
        for (name, value) in output::others(&to_json(data), &["OrderID", "IdentData", "IdentifyMethod", "Identified"]) {
            page.line(format!("{name}: {value}"));
        }
    })
}

/// Why it is not clear which entries are checked, or given with the order. A single entry without a Type is checked.
fn unclear(data: &IdentDataAnswer) -> Option<&'static str> {
    let entries = data.ident_data.as_ref().map_or(&[][..], OneOrMany::as_slice);
    let count = |kind: u32| entries.iter().filter(|entry| entry.kind == Some(kind)).count();
    if count(1) > 1 || count(2) > 1 {
        Some("There are several entries with the same Type, so it is not clear which one is valid:")
    } else if count(1) + count(2) < entries.len() && !matches!(entries, [only] if only.kind.is_none()) {
        Some("The response does not say whether this data is checked (Type 1) or given with the order (Type 2):")
    } else {
        None
    }
}

/// Shows all entries by number, without a verdict on them.
fn show_entries(data: &IdentDataAnswer, why: &str, page: &mut Page) {
    let mut table = output::table(&["Entry", "Element", "Value"]);
    let entries = data.ident_data.iter().flat_map(OneOrMany::as_slice);
    let mut rows = (1_usize..).zip(entries).flat_map(|(number, entry)| {
        let mut rows = Vec::new();
        flatten("", &to_json(entry), &mut rows);
        rows.into_iter().map(move |(name, value)| [number.to_string(), plain(&name), plain(&value)])
    });
    for row in rows.by_ref().take(output::MOST_ROWS) {
        table.add_row(row);
    }
    let hidden = rows.count();
    page.line(why);
    page.table(table);
    page.note_hidden(hidden, "elements");
}

/// Saves the encrypted form of the data, byte for byte (AT-70).
pub(super) async fn encrypted_data(
    tm: &Tm<'_>,
    order_id: &OrderId,
    out: &Path,
    existing: Existing,
) -> Result<(), Failure> {
    check_place("--out", out, existing)?;
    let response = match warn(tm.client()?.ident_data_body(order_id, &tm.options).await) {
        Ok(response) => response,
        Err(error) => {
            let kept = keep_undecoded(out, &error).await;
            return Err(not_found(error).notes(kept));
        }
    };
    let summary = summary(&response, json!({}));
    let IdentDataBody::Opaque { bytes, .. } = response.value else {
        return Err(Failure::local("the vendor's response is not encrypted: read it without --encrypted"));
    };
    let files = vec![save(out, existing, Content::from_bytes(bytes), |_| Ok(())).await?];
    Files { files, summary }.show(tm)
}

/// A result that the user has decrypted.
struct Decrypted(Pii<Vec<u8>>);

impl Decryptor for Decrypted {
    fn decrypt(&self, _: &[u8], _: Option<&str>) -> Result<Pii<Vec<u8>>, Error> {
        Ok(self.0.clone())
    }
}

/// Shows a result that the user has decrypted, with the checks of a response.
pub(super) async fn decrypted_data(tm: &Tm<'_>, order_id: &OrderId, file: &Path) -> Result<(), Failure> {
    tm.reject_raw("--decrypted sends nothing")?;
    let Input { name, bytes } = Input::read(file).await?;
    let body = IdentDataBody::Opaque { bytes: Bytes::new(), content_type: None };
    let (data, warnings) = body
        .open(order_id, &Decrypted(bytes.into()))
        .map_err(|error| Failure::unsent(format!("{name}: {}", error.detail())))?;
    say_all(&warnings);
    let mut json = to_json(&data);
    if let Some(members) = json.as_object_mut() {
        members.insert("identkit".into(), json!({ "warnings": to_list(&warnings) }));
    }
    show_data(tm, &data, json)
}

/// Lists every value with its path, e.g. `IDCard.CardNo`.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, inner, rows);
            }
        }
        Value::Array(many) => rows.push((path.to_owned(), format!("{} entries", many.len()))),
        Value::Null => {}
        Value::String(text) => rows.push((path.to_owned(), text.clone())),
        other => rows.push((path.to_owned(), other.to_string())),
    }
}

/// Reads the signed form and writes it unchanged, byte for byte (AT-71).
pub(super) async fn signed_data(
    tm: &Tm<'_>,
    order_id: &OrderId,
    out: Option<&Path>,
    existing: Existing,
) -> Result<(), Failure> {
    if out.is_none() && !tm.is_json() && std::io::stdout().is_terminal() {
        return Err(Failure::unsent("the signed form is never written to a terminal: pass -o FILE, or redirect it"));
    }
    out.map(|out| check_place("--out", out, existing)).transpose()?;
    let response = match warn(tm.client()?.ident_data_signed(order_id, &tm.options).await) {
        Ok(response) => response,
        Err(error) => {
            let kept = match out {
                Some(out) => keep_undecoded(out, &error).await,
                None => None,
            };
            return Err(not_found(error).notes(kept));
        }
    };
    let summary = summary(&response, json!({}));
    let bytes = response.value.0;
    match out {
        Some(out) => {
            let files = vec![save(out, existing, Content::from_bytes(bytes), |_| Ok(())).await?];
            Files { files, summary }.show(tm)
        }
        None if tm.is_json() => {
            let (text, digest) = (identkit_wire::encode_base64(&bytes), digest(&bytes));
            let json = json!({ "base64": text, "bytes": digest.length, "sha256": digest.hex(), "identkit": summary });
            tm.show(json, |_| {})
        }
        None => output::print_bytes(&bytes),
    }
}

pub(super) async fn report(
    tm: &Tm<'_>,
    order_id: &OrderId,
    out: &Path,
    existing: Existing,
    accepted: &[String],
) -> Result<(), Failure> {
    check_place("--out", out, existing)?;
    let expected = Expected { artifact: Artifact::Pdf, accepted };
    expected.check_names(out)?;
    let deadline = tm.stream_deadline();
    let (content, summary) = match warn(tm.client()?.ident_data_pdf(order_id, &tm.options).await) {
        Ok(response) => {
            let summary = summary(&response, json!({}));
            (deadline.limit(response.value), summary)
        }
        Err(error) => {
            let kept = keep_undecoded(out, &error).await;
            damaged_pdf(&error).ok_or_else(|| not_found(error).notes(kept))?
        }
    };
    let file = prepare(out, existing, content, (expected, None), |_| Ok(())).await?;
    Files { files: commit_all(vec![file]).await?, summary }.show(tm)
}

/// The body and the summary of a response that should be a PDF but does not begin like one: it is kept as a damaged file
/// (AT-96). A page or JSON is a file only if the vendor declares it as a PDF.
fn damaged_pdf(error: &Error) -> Option<(Content, Value)> {
    // A partial response (206) is not a file (AT-89).
    let can_be_whole = |status: u16| (200..=204).contains(&status);
    let answer = error.answer().filter(|answer| can_be_whole(answer.status().as_u16()) && answer.is_complete())?;
    let (media, body) = (answer.headers().get(CONTENT_TYPE), answer.body());
    let is_pdf = media.is_some_and(|media| media.as_bytes().to_ascii_lowercase().starts_with(b"application/pdf"));
    let is_other = is_empty_or_json(body) || body.trim_ascii_start().starts_with(b"<");
    let is_file = error.kind() == Kind::Protocol && !is_undecoded(error) && !body.is_empty() && (is_pdf || !is_other);
    is_file.then(|| (Content::from_bytes(body.clone()), json!({ "http_status": answer.status().as_u16() })))
}

/// The failure of a read of data, with a note for 404.
fn not_found(error: Error) -> Failure {
    Failure::from(error).note_on(404, "the data of the order may have been deleted")
}

/// The id of an order as an argument that a shell can read, in any form (AT-22).
pub(super) fn shell_argument(order_id: &OrderId) -> String {
    match order_id.is_regular() {
        true => order_id.expose().to_owned(),
        false => format!("--any-id -- '{}'", plain(order_id.expose()).replace('\'', r"'\''")),
    }
}

/// The failure of a read of signed documents or hashes, with a note for 400 ([T 3.5], [T 3.6]).
pub(super) fn not_signed(error: Error, order_id: &OrderId) -> Failure {
    let check = format!("check it with identkit tm finality {}", shell_argument(order_id));
    Failure::from(error)
        .note_on(400, format!("a possible reason is that the order is not signed yet, or has nothing to sign: {check}"))
}

pub(super) async fn documents(
    tm: &Tm<'_>,
    order_id: &OrderId,
    out: &Path,
    existing: Existing,
    accepted: &[String],
) -> Result<(), Failure> {
    let _folder = Folder::create(out)?;
    // The id is part of the name, so that orders can share a directory. It can contain a slash (AT-22).
    let name = names::safe(order_id.expose(), 1);
    let path = |number: usize| out.join(format!("{name}-{number}.pdf"));
    check_place("--out", &path(1), existing)?;
    let deadline = tm.stream_deadline();
    let (contents, summary) = match warn(tm.client()?.signed_pdfs(order_id, &tm.options).await) {
        Ok(response) => {
            let summary = summary(&response, json!({}));
            let contents = match response.value {
                SignedPdfs::One(content) => vec![(deadline.limit(content), None)],
                SignedPdfs::Many(many) => {
                    let bytes = many.iter().map(received);
                    bytes.map(|(bytes, damage)| (Content::from_bytes(bytes), damage)).collect()
                }
            };
            (contents, summary)
        }
        Err(error) => {
            let kept = keep_undecoded(&path(1), &error).await;
            let (content, summary) = damaged_pdf(&error).ok_or_else(|| not_signed(error, order_id).notes(kept))?;
            (vec![(content, None)], summary)
        }
    };
    // All are complete before one gets its name (AT-96).
    let expected = Expected { artifact: Artifact::Pdf, accepted };
    let mut files = Vec::new();
    for (number, (content, damage)) in (1..).zip(contents) {
        files.push(prepare(&path(number), existing, content, (expected, damage), |_| Ok(())).await?);
    }
    expected.report_unknown_names(files.iter().map(|file| &*file.path));
    let files = commit_all(files).await?;
    for old in (files.len() + 1..).map(path).take_while(|path| path.symlink_metadata().is_ok()) {
        let name = old.display();
        output::say(&format!("note: {name} is left from an earlier run: the order has {} documents now", files.len()));
    }
    Files { files, summary }.show(tm)
}

pub(super) struct Files {
    pub(super) files: Vec<SavedFile>,
    pub(super) summary: Value,
}

impl Files {
    pub(super) fn show(&self, tm: &Tm<'_>) -> Result<(), Failure> {
        tm.show(self.json(), |page| self.table(page))
    }

    pub(super) fn json(&self) -> Value {
        let files: Vec<Value> = self.files.iter().map(SavedFile::json).collect();
        json!({ "files": files, "identkit": self.summary })
    }

    pub(super) fn table(&self, page: &mut Page) {
        for SavedFile { path, digest } in &self.files {
            page.line(format!("{} ({} bytes)\n  sha256 {}", path.display(), digest.length, digest.hex()));
        }
    }
}

pub(super) async fn delete(tm: &Tm<'_>, order_id: &OrderId, yes: bool) -> Result<(), Failure> {
    let client = tm.client()?;
    let question = format!("Permanently delete the data of the order {} at the vendor?", order_id.expose());
    confirm(yes, question, "not deleted").await?;
    let check = format!("identkit tm ident-data {} ends with exit code 4 if it is gone", shell_argument(order_id));
    let note = format!("the vendor may have deleted the data: {check}");
    let response = warn(InterruptionNote::unless_done(note, client.delete_ident_data(order_id, &tm.options)).await)?;
    tm.recorder.forget_change();
    let note = format!("the vendor confirmed the deletion, which was not checked: {check}");
    let gone = InterruptionNote::unless_done(note, client.data_is_gone(order_id, &tm.options)).await;
    let gone = gone.map_err(|error| {
        // The check is a read: its code would say that the vendor rejected the deletion, or that nothing was sent.
        let code = if matches!(error.kind(), Kind::RateLimited | Kind::Unavailable | Kind::Unreachable | Kind::Timeout)
        {
            7
        } else {
            1
        };
        let note = "the vendor confirmed the deletion; the check, a read of the data, failed";
        Failure::from(error).with_code(code).confirmed().note(note)
    })?;
    if !gone {
        return Err(Failure::local("the vendor confirmed the deletion but still returns the data"));
    }
    if response.status != StatusCode::ACCEPTED {
        // It may have the same response for an id that it does not know (AT-09, AT-89).
        let status = response.status.as_u16();
        return Err(Failure::local(format!(
            "the vendor answered with status {status}, which its document does not list for a deletion (202), and a read \
             of the data now returns 404: the data is deleted, or the vendor never had any under this id"
        )));
    }
    tm.show(document(json!({ "deleted": true }), &response, json!({})), |page| {
        page.line("deleted; a read of the data now returns 404")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_elements_are_listed_by_path_without_nulls() {
        let value =
            json!({ "Surname": "x", "IDCard": { "CardNo": null, "Type": "IDCard" }, "Images": [1, 2], "Type": 1 });
        let mut rows = Vec::new();
        flatten("", &value, &mut rows);
        let rows: Vec<String> = rows.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(rows, ["IDCard.Type=IDCard", "Images=2 entries", "Surname=x", "Type=1"]);
    }
}
