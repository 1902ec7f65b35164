//! The client's side: each row has a field of its own type, and what it holds goes through it.

use serde_json::{Value, json};

use super::document::{everything, good};
use super::{VENDOR, all, calls};
use crate::coverage::document::{get, put, replace, wrong_type};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::rows::{Row, Step};
use crate::coverage::typed::names;

/// A name that the document lists nowhere.
const UNLISTED: &str = "nickname";

/// The message types keep an element that they do not list as it is, whatever it holds, and a field of a type does not:
/// it refuses another type by its path, or makes nothing or a text of it (AI-02, AI-03, AI-11). Both are tried in the
/// same object, so that a message which dropped or mangled everything would prove nothing.
fn typed(row: &Row) -> Stand {
    let Some(through) = calls::through(row) else { return Stand::Missing("no call has this endpoint".into()) };
    let whole = everything(row);
    if let Err(error) = through(&whole) {
        return Stand::Missing(format!("a text with every element is not taken: {error}"));
    }
    let wrong = wrong_type(row);
    let mut unlisted = row.steps.clone();
    *unlisted.last_mut().unwrap() = Step::Key(UNLISTED.into());
    let mut beside = whole.clone();
    put(&mut beside, &unlisted, Value::Null);
    replace(&mut beside, &unlisted, wrong.clone());
    if !through(&beside).is_ok_and(|out| get(&out, &unlisted) == Some(&wrong)) {
        return Stand::Missing(
            "what the document does not list is not kept beside it, so that this shows nothing".into(),
        );
    }
    let mut text = whole;
    replace(&mut text, &row.steps, wrong.clone());
    match through(&text) {
        Err(error) if names(error.detail(), &row.steps) => Stand::Shown("refuses another type by its path".into()),
        Err(error) => Stand::Missing(format!("another type is refused without its path: {error}")),
        Ok(out) if get(&out, &row.steps) == Some(&wrong) => {
            Stand::Missing(format!("no type minds what {} holds: give it a field", row.path))
        }
        Ok(_) => Stand::Shown("its reader takes any type and keeps its own".into()),
    }
}

/// What is in the row's place comes out of the type again, in the same place.
fn goes_through(row: &Row) -> Stand {
    let Some(through) = calls::through(row) else { return Stand::Missing("no call has this endpoint".into()) };
    let text = everything(row);
    let out = match through(&text) {
        Ok(out) => out,
        Err(error) => return Stand::Missing(format!("it is refused: {error}")),
    };
    let (given, came) = (get(&text, &row.steps), get(&out, &row.steps));
    let same = match row.kind.as_str() {
        "O" => came.is_some_and(Value::is_object),
        "A" => came.is_some_and(Value::is_array),
        _ => came == Some(&good(row)) && came == given,
    };
    if same {
        Stand::Shown("read and written, the same".into())
    } else {
        Stand::Missing("it is lost or changed".into())
    }
}

#[test]
fn every_row_of_identify24_has_a_field_of_its_own_type() {
    let evidence = Evidence::of_rows(VENDOR, "typed", all(), typed);
    evidence.assert_complete();
}

#[test]
fn what_every_row_of_identify24_holds_goes_through_our_types() {
    let evidence = Evidence::of_rows(VENDOR, "test", all(), goes_through);
    evidence.assert_complete();
}

/// The evidence would not be worth anything if it were given for a row that nobody knows.
#[test]
fn a_row_of_identify24_that_no_type_knows_is_a_gap() {
    for row in all() {
        let mut unknown = row.clone();
        // It stands beside the row, so that nothing that is required is missing.
        unknown.id = "F-999".into();
        unknown.path = row.path.replace(row.name(), "colour");
        *unknown.steps.last_mut().unwrap() = Step::Key("colour".into());
        let stand = typed(&unknown);
        assert!(matches!(&stand, Stand::Missing(why) if why.contains("give it a field")), "{}: {stand:?}", row.id);
    }
    let mut elsewhere = super::row("F-013").clone();
    elsewhere.endpoint = "POST /ident/list".into();
    assert!(matches!(typed(&elsewhere), Stand::Missing(_)) && matches!(goes_through(&elsewhere), Stand::Missing(_)));
    // The upper case of names is the writer's to make: such a value does not come out as it was.
    assert_eq!(calls::through(super::row("F-025")).unwrap()(&lower()).unwrap()["city"], "KÖLN");
}

fn lower() -> Value {
    let mut text = everything(super::row("F-025"));
    text["city"] = json!("Köln");
    text
}
