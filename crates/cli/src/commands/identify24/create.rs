//! Creating an ident, and keeping what nobody tells again.

use std::path::Path;
use std::process::ExitCode;

use identkit_core::{Kind, Pii};
use identkit_identify24::Dialect;
use identkit_identify24::messages::CreateIdent;
use serde_json::{Value, json};

use super::kept::Place;
use super::shown::Shown;
use crate::args::{Format, Identify24};
use crate::commands::{warn, with_about};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::{connect, output};

/// What is no secret: nothing but that it worked.
const OPEN: [&str; 2] = ["result", "response_status"];

/// Refuses to create an ident that nobody could go on with.
pub(super) fn somewhere(reveal: bool, out: Option<&Path>) -> Result<(), Failure> {
    if reveal || out.is_some() {
        return Ok(());
    }
    Err(Failure::usage(
        "the ident_id would be lost, and there is no call to find it again: name a new file for it with --out, or have \
         it shown with --reveal; nothing was sent",
    ))
}

pub(super) async fn create(
    identify24: &Identify24,
    ident: &CreateIdent,
    input: &str,
    dialect: Dialect,
    out: Option<&Path>,
    format: Format,
) -> Result<ExitCode, Failure> {
    let client = connect::identify24(identify24, dialect, &Progress::new(format))?;
    let place = out.map(Place::make).transpose()?;
    let created = client
        .create_ident(ident, &connect::options(&identify24.calls))
        .await
        .map_err(|error| way_back(error.into(), ident, input))?;
    warn(&created);
    let whole = serde_json::to_value(&created.value).unwrap_or(Value::Null);
    let kept = place.map(|place| {
        let answer = with_about(whole.clone(), &created, json!({}));
        place.put(format!("{answer:#}\n").as_bytes())
    });
    let path = kept.as_ref().and_then(|kept| kept.as_ref().ok()).map(|path| path.display().to_string());
    let shown = Shown::new(whole, &OPEN, identify24.reveal);
    match format {
        Format::Json => {
            let more = json!({ "hidden": shown.hidden, "kept_in": path });
            output::print_json(&with_about(shown.value, &created, more))?;
        }
        Format::Table => {
            let mut table = output::table(&[]);
            for name in ["ident_id", "conference_url"] {
                table.add_row([name.to_owned(), shown.text(name).unwrap_or_default()]);
            }
            if let Some(path) = path {
                table.add_row(["kept in".to_owned(), output::plain(&path)]);
            }
            output::print_table(&table)?;
            shown.note();
        }
    }
    // Only now, so that what is to be shown is shown also where it could not be kept.
    kept.transpose().map(|_| ExitCode::SUCCESS)
}

/// What can be done about an ident that may exist.
fn way_back(failure: Failure, ident: &CreateIdent, input: &str) -> Failure {
    if failure.kind() != Some(Kind::OutcomeUnknown) {
        return failure;
    }
    let failure = failure.note("identify24 has no call that lists or finds idents: only the vendor can say");
    if ident.custom_id.as_ref().is_some_and(|id| !Pii::expose(id).is_empty()) {
        failure.note(format!("ask for the ident by its custom_id, which {input} holds; webhooks carry it, too"))
    } else {
        failure.note("the ident has no custom_id, by which the vendor and its webhooks would tell it from others")
    }
}
