//! The results of an order: data, report, signed documents, and their deletion.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use identkit_core::{Content, Error};
use identkit_identity_tm::messages::IdentData;
use identkit_identity_tm::{OrderId, SignedPdfs};
use identkit_transport::save::Existing;
use serde_json::{Value, json};

use crate::args::{Format, Tm};
use crate::commands::{about, warn, with_about};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::save::{self, Folder, Patience, Saved};
use crate::{connect, output, signals};

/// A variant of getIdentData.
#[derive(Clone, Copy)]
pub(super) enum Variant {
    Default,
    InitialData,
    IdentifyMethod,
}

pub(super) async fn ident_data(
    tm: &Tm,
    order_id: &OrderId,
    variant: Variant,
    format: Format,
) -> Result<ExitCode, Failure> {
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let options = connect::options(&tm.calls);
    let answered = match variant {
        Variant::Default => client.ident_data(order_id, &options).await,
        Variant::InitialData => client.ident_data_with_initial(order_id, &options).await,
        Variant::IdentifyMethod => client.ident_data_with_method(order_id, &options).await,
    }
    .map_err(unknown)?;
    warn(&answered);
    let data = &answered.value;
    match format {
        Format::Json => {
            let vendor = serde_json::to_value(data).unwrap_or(Value::Null);
            output::print_json(&with_about(vendor, &answered, json!({})))?;
        }
        Format::Table => {
            let flat = |data: Option<&IdentData>| {
                let mut rows = Vec::new();
                let value = data.and_then(|data| serde_json::to_value(data).ok()).unwrap_or(Value::Null);
                flatten("", &value, &mut rows);
                rows
            };
            let (checked, initial) = (flat(data.checked()), flat(data.initial()));
            let with_initial = data.initial().is_some();
            let mut table =
                output::table(if with_initial { &["Element", "Given", "Checked"] } else { &["Element", "Checked"] });
            let names = checked.iter().chain(&initial).map(|(name, _)| name.as_str());
            let mut seen = std::collections::BTreeSet::new();
            for name in names.filter(|name| *name != "Type") {
                if !seen.insert(name) {
                    continue;
                }
                let of = |rows: &[(String, String)]| {
                    rows.iter()
                        .find(|(known, _)| known == name)
                        .map_or_else(String::new, |(_, value)| output::plain(value))
                };
                if with_initial {
                    table.add_row([name.to_owned(), of(&initial), of(&checked)]);
                } else {
                    table.add_row([name.to_owned(), of(&checked)]);
                }
            }
            output::print_table(&table)?;
            if let Some(method) = &data.identify_method {
                output::print(&format!("Identified by: {}", output::plain(method)))?;
            }
            if let Some(at) = &data.identified {
                output::print(&format!("Identified at: {}", output::plain(at.as_str())))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `IDCard.CardNo` and its value, for every value that is there.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, inner, rows);
            }
        }
        Value::Array(many) => rows.push((path.to_owned(), format!("{} of them", many.len()))),
        Value::Null => {}
        Value::String(text) => rows.push((path.to_owned(), text.clone())),
        other => rows.push((path.to_owned(), other.to_string())),
    }
}

/// The signed form, byte for byte as it came (AT-71).
pub(super) async fn signed_data(
    tm: &Tm,
    order_id: &OrderId,
    out: Option<&Path>,
    existing: Existing,
    format: Format,
) -> Result<ExitCode, Failure> {
    if out.is_none() && format == Format::Table && std::io::stdout().is_terminal() {
        let told = "the signed form is not for a terminal: name a file by -o, or send it on; nothing was sent";
        return Err(Failure::usage(told));
    }
    out.map(|out| save::place(out, existing)).transpose()?;
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let answered = client.ident_data_signed(order_id, &connect::options(&tm.calls)).await.map_err(unknown)?;
    warn(&answered);
    let about = about(&answered);
    let bytes = answered.value.0;
    match (out, format) {
        (Some(out), _) => {
            let saved = save::whole(out, existing, Content::from_bytes(bytes), |_| Ok(())).await?;
            tell(&[saved], about, format)
        }
        (None, Format::Json) => {
            let digest = save::hex(&save::digest(&bytes));
            let text = identkit_wire::encode_base64(&bytes);
            output::print_json(&json!({ "base64": text, "bytes": bytes.len(), "sha256": digest, "identkit": about }))?;
            Ok(ExitCode::SUCCESS)
        }
        (None, Format::Table) => {
            output::print_bytes(&bytes)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

pub(super) async fn report(
    tm: &Tm,
    order_id: &OrderId,
    out: &Path,
    existing: Existing,
    format: Format,
) -> Result<ExitCode, Failure> {
    save::place(out, existing)?;
    let patience = Patience::begin(&tm.calls);
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let answered = client.ident_data_pdf(order_id, &connect::options(&tm.calls)).await.map_err(unknown)?;
    warn(&answered);
    let about = about(&answered);
    tell(&[save::whole(out, existing, patience.with(answered.value), |_| Ok(())).await?], about, format)
}

/// A failed read of data: the vendor forgets what was deleted.
fn unknown(error: Error) -> Failure {
    Failure::from(error).note_on(404, "or its data is deleted")
}

/// What a refusal of signed documents or hashes means ([T 3.5], [T 3.6]).
pub(super) fn unsigned(error: Error, order_id: &OrderId) -> Failure {
    let ask = format!("identkit tm finality {} tells", order_id.expose());
    Failure::from(error).note_on(400, format!("the order is not signed yet, or had nothing to sign: {ask}"))
}

pub(super) async fn signed(
    tm: &Tm,
    order_id: &OrderId,
    out: &Path,
    existing: Existing,
    format: Format,
) -> Result<ExitCode, Failure> {
    let _folder = Folder::make(out)?;
    // An order of its own has names of its own: orders may share a folder.
    let path = |number: usize| out.join(format!("{}-{number}.pdf", order_id.expose()));
    save::place(&path(1), existing)?;
    let patience = Patience::begin(&tm.calls);
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let answered = client.signed_pdfs(order_id, &connect::options(&tm.calls)).await;
    let answered = answered.map_err(|error| unsigned(error, order_id))?;
    warn(&answered);
    let about = about(&answered);
    let (mut saved, mut failed) = (Vec::new(), None);
    match answered.value {
        SignedPdfs::One(content) => {
            saved.push(save::whole(&path(1), existing, patience.with(content), |_| Ok(())).await?);
        }
        SignedPdfs::Many(many) => {
            for (number, pdf) in (1..).zip(many.iter()) {
                let file = match pdf.to_bytes() {
                    Ok(bytes) => save::whole(&path(number), existing, Content::from_bytes(bytes), |_| Ok(())).await,
                    Err(error) => Err(error.into()),
                };
                match file {
                    Ok(file) => saved.push(file),
                    Err(failure) => {
                        failed = Some(failure);
                        break;
                    }
                }
            }
        }
    }
    // What was written is told, whatever became of the rest.
    match failed {
        None => tell(&saved, about, format),
        Some(failure) if saved.is_empty() => Err(failure),
        Some(failure) => tell(&saved, about, format).and(Err(failure)),
    }
}

/// Files as JSON: where, how long, which digest.
pub(super) fn files(saved: &[Saved]) -> Vec<Value> {
    let file =
        |file: &Saved| json!({ "path": file.path.display().to_string(), "bytes": file.bytes, "sha256": file.sha256 });
    saved.iter().map(file).collect()
}

pub(super) fn tell(saved: &[Saved], about: Value, format: Format) -> Result<ExitCode, Failure> {
    match format {
        Format::Json => output::print_json(&json!({ "files": files(saved), "identkit": about }))?,
        Format::Table => {
            for file in saved {
                output::print(&format!("{} ({} bytes)\n  sha256 {}", file.path.display(), file.bytes, file.sha256))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn delete(tm: &Tm, order_id: &OrderId, yes: bool, format: Format) -> Result<ExitCode, Failure> {
    let client = connect::identity_tm(tm, &Progress::new(format))?;
    let options = connect::options(&tm.calls);
    let question = || format!("Delete the data of the order {} at the vendor, for good?", order_id.expose());
    if !yes && !agreed(&question()).await? {
        return Err(Failure::usage("nothing was deleted: it was not agreed to"));
    }
    let answered = client.delete_ident_data(order_id, &options).await?;
    let gone = match client.data_is_gone(order_id, &options).await {
        Ok(gone) => gone,
        Err(error) => {
            output::say("note: the vendor said that the data is deleted; whether it is gone could not be read:");
            return Err(error.into());
        }
    };
    if !gone {
        return Err(Failure::local("the vendor said that the data is deleted, and still hands it out"));
    }
    match format {
        Format::Json => output::print_json(&with_about(json!({ "deleted": true }), &answered, json!({})))?,
        Format::Table => output::print("deleted; a read of the data now answers 404")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether somebody is there to be asked; a script must say `--yes`.
pub(super) fn may_ask() -> Result<(), Failure> {
    if std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("what cannot be undone is asked on a terminal only: a script says --yes"))
}

/// Asks on a terminal.
pub(super) async fn agreed(question: &str) -> Result<bool, Failure> {
    may_ask()?;
    let asked = output::ask(&format!("{question} Type yes: "));
    let mut line = String::new();
    let read = signals::beside(move || asked.and_then(|()| std::io::stdin().read_line(&mut line)).map(|_| line));
    match read.await? {
        Ok(line) => {
            if !line.ends_with('\n') {
                // Ctrl-D leaves the cursor behind the question.
                output::say("");
            }
            Ok(line.trim().eq_ignore_ascii_case("yes"))
        }
        Err(error) => Err(Failure::local(format!("the answer could not be read: {}", error.kind()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_elements_are_named_by_their_path_and_absent_ones_are_left_out() {
        let value =
            json!({ "Surname": "x", "IDCard": { "CardNo": null, "Type": "IDCard" }, "Images": [1, 2], "Type": 1 });
        let mut rows = Vec::new();
        flatten("", &value, &mut rows);
        let told: Vec<String> = rows.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(told, ["IDCard.Type=IDCard", "Images=2 of them", "Surname=x", "Type=1"]);
    }
}
