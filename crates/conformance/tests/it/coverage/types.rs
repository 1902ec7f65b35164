//! The client's messages: each row has a field of its type, and its value survives a round trip.

use serde_json::{Value, json};

use crate::coverage::calls::{Through, calls_of};
use crate::coverage::document::{everything, get, put, replace, valid_value, wrong_type};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::rows::{IDENTIFY24, IDENTITY_TM, Row, Step, path_text, row, rows_of};

/// A call's name, and its type as a function.
type Call = (&'static str, Through);

/// Whether a reader's error names this path. Hand-written readers write `*` for names in their objects; the depth must
/// be equal.
fn names(detail: &str, steps: &[Step]) -> bool {
    let place = path_text(steps);
    detail.split(": ").any(|part| {
        part.split('.').count() == place.split('.').count()
            && part.split('.').zip(place.split('.')).all(|(part, step)| {
                let bare = |text: &str| text.trim_end_matches("[0]").to_owned();
                part == step || (bare(part) == "*" && part.ends_with(']') == step.ends_with(']'))
            })
    })
}

/// Checks that a typed field exists: it rejects values of other types by its path. Unlisted elements accept any.
fn has_type((name, through): Call, row: &Row) -> Stand {
    let whole = everything(row);
    if let Err(error) = through(&whole)
        && !rejected_by_rule(&error, row)
    {
        return Stand::Missing(format!("{name} rejects a body with every element: {error}"));
    }
    for wrong in [wrong_type(row), json!(true), json!([[true]])] {
        let mut text = whole.clone();
        replace(&mut text, &row.steps, wrong.clone());
        if let Err(error) = through(&text)
            && names(error.detail(), &row.steps)
        {
            return Stand::Shown(format!("the type in {name} rejects {wrong}"));
        }
    }
    // A code that cannot be read stays beside the codes (AT-93), and so does each element of a list of orders (AT-03).
    let kept_apart = row.name() == "Kind" || name.starts_with("getAllStatus");
    if kept_apart && row.is_wrapper() {
        let mut text = whole.clone();
        replace(&mut text, &row.steps, wrong_type(row));
        if through(&text).is_ok_and(|out| out[0].get("EntryAsItCame") == Some(&wrong_type(row))) {
            return Stand::Shown(format!("{name} keeps an entry that is not an order"));
        }
    }
    // An id, a status or a result that cannot be read is an error of its own, and not a fault at a path (AT-93).
    for wrong in [wrong_type(row), json!(true)] {
        let mut text = whole.clone();
        replace(&mut text, &row.steps, wrong);
        if row.vendor == IDENTIFY24 && through(&text).is_err_and(|error| error.detail().contains(row.name())) {
            return Stand::Shown(format!("{name} depends on it"));
        }
    }
    if (row.vendor == IDENTIFY24 || kept_apart) && ignores_other_types(through, row, whole) {
        return Stand::Shown(format!("the reader of {name} ignores other types"));
    }
    // An element of a map has the map's type.
    if row.steps.last() == Some(&Step::Name) {
        let parent = rows_of(row.vendor)
            .find(|other| other.endpoint == row.endpoint && row.steps[..row.steps.len() - 1] == other.steps);
        if let Some(parent) = parent
            && matches!(has_type((name, through), parent), Stand::Shown(_))
        {
            return Stand::Shown(format!("a map of any JSON values in {name} (AT-27)"));
        }
    }
    Stand::Missing(format!("no type in {name} checks {}: add a field", row.path))
}

/// Whether the reader replaces a value of another type with nothing or a text, as identify24's do (AI-02, AI-03,
/// AI-11). An unlisted element in the same object must survive, so that a reader that drops everything does not pass.
fn ignores_other_types(through: Through, row: &Row, mut text: Value) -> bool {
    let wrong = wrong_type(row);
    let mut unlisted = row.steps.clone();
    *unlisted.last_mut().unwrap() = Step::Key("unlisted".into());
    put(&mut text, &unlisted, Value::Null);
    replace(&mut text, &unlisted, wrong.clone());
    replace(&mut text, &row.steps, wrong.clone());
    let unchanged = |out: &Value, steps| get(out, steps) == Some(&wrong);
    through(&text).is_ok_and(|out| unchanged(&out, &unlisted) && !unchanged(&out, &row.steps))
}

/// Whether the writer has a rule against the element itself.
fn rejected_by_rule(error: &identkit_core::Error, row: &Row) -> bool {
    error.violations().iter().any(|fault| fault.field == row.path)
}

/// Checks that the row's value survives a round trip, at its path or under its other name.
fn survives((name, through): Call, row: &Row) -> Stand {
    let text = everything(row);
    let written = match through(&text) {
        Ok(written) => written,
        Err(error) if row.aside && rejected_by_rule(&error, row) => {
            let rule = error.violations()[0].rule;
            return Stand::NotApplicable(format!("printed in an example only, and never written ({rule})"));
        }
        Err(error) => return Stand::Missing(format!("{name} rejects it: {error}")),
    };
    if row.is_container() && !row.is_wrapper() {
        let fits = |inside: &Value| match &*row.kind {
            "O" => inside.is_object(),
            "A" => inside.is_array(),
            _ => inside.is_object() || inside.is_array(),
        };
        return match get(&written, &row.steps) {
            Some(inside) if fits(inside) => Stand::Shown(format!("written by {name}")),
            _ => Stand::Missing(format!("{name} loses it")),
        };
    }
    let (value, place) = if row.is_wrapper() {
        (text[0][row.name()].clone(), written.get(0).cloned())
    } else {
        (valid_value(row), get(&written, &row.steps).cloned())
    };
    if place.as_ref() == Some(&value) {
        return Stand::Shown(format!("unchanged by {name}"));
    }
    if row.vendor == IDENTITY_TM && place.is_none() && value.is_string() && contains(&written, &value) {
        return Stand::Shown(format!("under its other name in {name}"));
    }
    Stand::Missing(format!("{name} loses or changes it"))
}

fn contains(text: &Value, value: &Value) -> bool {
    match text {
        Value::Object(object) => object.values().any(|inside| contains(inside, value)),
        Value::Array(many) => many.iter().any(|inside| contains(inside, value)),
        other => other == value,
    }
}

/// Returns the result over all calls of the row's endpoint; one missing is enough.
fn over_all(row: &Row, show: fn(Call, &Row) -> Stand) -> Stand {
    let stands: Vec<Stand> = calls_of(row).into_iter().map(|call| show(call, row)).collect();
    let missing = stands.iter().find(|stand| matches!(stand, Stand::Missing(_)));
    missing.or(stands.first()).cloned().unwrap_or_else(|| Stand::Missing("no call has this endpoint".into()))
}

#[test]
fn every_row_has_a_typed_field_that_survives() {
    for vendor in [IDENTITY_TM, IDENTIFY24] {
        Evidence::from_rows(vendor, "typed", rows_of(vendor), |row| over_all(row, has_type)).assert_complete();
        Evidence::from_rows(vendor, "test", rows_of(vendor), |row| over_all(row, survives)).assert_complete();
    }
    // Values must be in upper case because the writer changes names to it.
    let city = row("F-025");
    let mut text = everything(city);
    text["city"] = json!("Köln");
    assert_eq!(calls_of(city)[0].1(&text).unwrap()["city"], "KÖLN");
}

/// Guards against results that would be positive for unknown rows too.
#[test]
fn row_without_a_field_is_a_gap() {
    for row in rows_of(IDENTIFY24).chain(["F-112", "F-206", "F-253"].map(row)) {
        let mut unknown = row.clone();
        // It is added next to the row, so that all required elements are present.
        unknown.id = "F-999".into();
        unknown.path = row.path.replace(row.name(), "Nickname");
        *unknown.steps.last_mut().unwrap() = Step::Key("Nickname".into());
        let stand = over_all(&unknown, has_type);
        assert!(matches!(&stand, Stand::Missing(why) if why.contains("add a field")), "{}: {stand:?}", row.id);
    }
    let mut elsewhere = row("F-013").clone();
    elsewhere.endpoint = "POST /ident/list".into();
    for show in [has_type, survives] {
        assert!(matches!(over_all(&elsewhere, show), Stand::Missing(_)));
    }
}
