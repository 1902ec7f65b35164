//! Creating an ident, and keeping what nobody tells again.

use std::path::Path;
use std::process::ExitCode;

use identkit_core::{Error, Kind, Pii};
use identkit_identify24::Dialect;
use identkit_identify24::messages::CreateIdent;
use serde_json::{Value, json};

use super::kept::Place;
use super::shown::Shown;
use crate::args::{Format, Identify24};
use crate::commands::{OnItsWay, warn, with_about};
use crate::exit::{Failure, Words};
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
    let client = connect::identify24(identify24, &Progress::new(format), |client| client.dialect(dialect))?;
    let place = out.map(Place::make).transpose()?;
    let on_its_way = OnItsWay(Some(format!("the ident may be on its way; {}", ways_back(ident, input).join("; "))));
    let created = client.create_ident(ident, &connect::options(&identify24.calls)).await;
    on_its_way.arrived();
    let created = match created {
        Ok(created) => created,
        Err(error) if error.kind() == Kind::OutcomeUnknown => {
            return Err(unknown(error, place, &ways_back(ident, input), identify24.reveal));
        }
        Err(error) => return Err(error.into()),
    };
    warn(&created);
    let whole = serde_json::to_value(&created.value).unwrap_or(Value::Null);
    let kept = place.map(|place| {
        let answer = with_about(whole.clone(), &created, json!({}));
        place.put(format!("{answer:#}\n").as_bytes()).map_err(|lost| match lost.elsewhere {
            Some(path) => Failure::local(format!(
                "the ident was created, but {}; the answer with its ident_id is in {}",
                lost.why,
                path.display()
            )),
            None => Failure::local(format!(
                "{}; the ident was created, and its ident_id is lost: ask the vendor for it",
                lost.why
            )),
        })
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
fn unknown(error: Error, place: Option<Place>, ways_back: &[String], reveal: bool) -> Failure {
    let Some(text) = error.vendor_text().map(|text| Pii::expose(text).clone()) else {
        return ways_back.iter().fold(error.into(), Failure::note);
    };
    let (found, answer) = found(&text);
    // Of any other status it is no more than the vendor's messages.
    let whole = found || error.status().is_some_and(|status| (200..300).contains(&status));
    let words = match (whole, reveal) {
        (true, true) => Words::Shown,
        (true, false) => Words::Hidden,
        (false, _) => Words::Asked,
    };
    let mut failure = Failure::from(error).words(words);
    let kept = place.map(|place| place.put(format!("{answer:#}\n").as_bytes()));
    let (path, lost) = match kept {
        Some(Ok(path)) => (Some(path), None),
        Some(Err(lost)) => (lost.elsewhere, Some(lost.why)),
        None => (None, None),
    };
    if let Some(why) = lost {
        failure = failure.note(why);
    }
    failure = match path.map(|path| path.display().to_string()) {
        Some(path) if found => failure.note(format!(
            "the vendor's answer is in {path} and names an ident: identkit identify24 get --from {path} tells whether it \
             exists"
        )),
        Some(path) => failure.note(format!("the vendor's answer is in {path}; it may tell whether the ident exists")),
        None if words == Words::Hidden => failure.note("the vendor's answer could not be kept: not even a repeat brings it back"),
        None => failure,
    };
    ways_back.iter().fold(failure, Failure::note)
}

/// An answer that cannot be taken for a good one, as it is kept: with the id that it names, if any, where `get --from`
/// looks for one.
fn found(text: &str) -> (bool, Value) {
    let read: Option<Value> = serde_json::from_str(text).ok();
    let named = ["/ident_id", "/data/ident_id", "/data/id"]
        .iter()
        .find_map(|place| read.as_ref()?.pointer(place)?.as_str().filter(|id| !id.is_empty()))
        // The URL of an ident ends with its id (I-041).
        .or_else(|| read.as_ref()?.get("conference_url")?.as_str()?.rsplit('/').next().filter(|id| !id.is_empty()))
        .map(str::to_owned);
    let mut kept = json!({ "identkit": { "outcome": "unknown" }, "vendor_text": text });
    if let (Some(id), Some(members)) = (&named, kept.as_object_mut()) {
        members.insert("ident_id".into(), id.clone().into());
    }
    (named.is_some(), kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_wherever_the_answer_has_it() {
        for (text, id) in [
            (r#"{"ident_id":"a","conference_url":"https://identify24.de/apply/b"}"#, Some("a")),
            (r#"{"ident_id":"","data":{"ident_id":"a"}}"#, Some("a")),
            (r#"{"data":{"id":"a"}}"#, Some("a")),
            (r#"{"conference_url":"https://identify24.de/apply/a"}"#, Some("a")),
            (r#"{"conference_url":"https://identify24.de/apply/"}"#, None),
            (r#"{"data":[]}"#, None),
            ("{", None),
        ] {
            let (named, kept) = found(text);
            assert_eq!((named, kept.get("ident_id").and_then(Value::as_str)), (id.is_some(), id), "{text}");
            assert_eq!(kept["vendor_text"], text);
        }
    }
}
