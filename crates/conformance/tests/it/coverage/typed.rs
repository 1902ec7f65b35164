//! The client's side: each row has a field of its own type, and what it holds goes through it.

use serde_json::{Value, json};

use crate::coverage::calls::{Through, calls_of};
use crate::coverage::document::{everything, get, good, put, replace, wrong_type};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::rows::{IDENTIFY24, IDENTITY_TM, Row, Step, of, row, told};

/// A call's name, and its type as a function.
type Call = (&'static str, Through);

/// Whether a reader's complaint is about this place. Readers by hand tell `*` for names in and below their objects; the
/// depth is the same, and nothing else in the text is wrong.
fn names(complaint: &str, steps: &[Step]) -> bool {
    let place = told(steps);
    complaint.split(": ").any(|part| {
        part.split('.').count() == place.split('.').count()
            && part.split('.').zip(place.split('.')).all(|(part, step)| {
                let bare = |text: &str| text.trim_end_matches("[0]").to_owned();
                part == step || (bare(part) == "*" && part.ends_with(']') == step.ends_with(']'))
            })
    })
}

/// A field of a type of its own refuses values of other types, by its path; an element that no type lists takes any.
fn typed((name, through): Call, row: &Row) -> Stand {
    let whole = everything(row);
    if let Err(error) = through(&whole)
        && !refused_by_rule(&error, row)
    {
        return Stand::Missing(format!("{name} does not take a text with every element: {error}"));
    }
    for wrong in [wrong_type(row), json!(true), json!([[true]])] {
        let mut text = whole.clone();
        replace(&mut text, &row.steps, wrong.clone());
        if let Err(error) = through(&text)
            && names(error.detail(), &row.steps)
        {
            return Stand::Shown(format!("the type of {name} refuses {wrong} there"));
        }
    }
    if row.vendor == IDENTIFY24 && keeps_its_own(through, row, whole) {
        return Stand::Shown(format!("the reader of {name} takes any type there and keeps its own"));
    }
    // The map that it stands in is a type all the same.
    if row.steps.last() == Some(&Step::Name) {
        let parent = of(row.vendor)
            .find(|other| other.endpoint == row.endpoint && row.steps[..row.steps.len() - 1] == other.steps);
        if let Some(parent) = parent
            && matches!(typed((name, through), parent), Stand::Shown(_))
        {
            return Stand::Shown(format!("a map of any JSON values in {name} (AT-27)"));
        }
    }
    Stand::Missing(format!("no type of {name} minds what {} holds: give it a field", row.path))
}

/// The types of identify24 make nothing or a text of another type (AI-02, AI-03, AI-11), and keep an element that they
/// do not list as it is, whatever it holds. Both are tried in the same object, so that a message which dropped or mangled
/// everything would prove nothing.
fn keeps_its_own(through: Through, row: &Row, mut text: Value) -> bool {
    let wrong = wrong_type(row);
    let mut unlisted = row.steps.clone();
    *unlisted.last_mut().unwrap() = Step::Key("unlisted".into());
    put(&mut text, &unlisted, Value::Null);
    replace(&mut text, &unlisted, wrong.clone());
    replace(&mut text, &row.steps, wrong.clone());
    let kept = |out: &Value, steps| get(out, steps) == Some(&wrong);
    through(&text).is_ok_and(|out| kept(&out, &unlisted) && !kept(&out, &row.steps))
}

/// The writer has a rule against the element itself.
fn refused_by_rule(error: &identkit_core::Error, row: &Row) -> bool {
    error.violations().iter().any(|fault| fault.field == row.path)
}

/// What is in the row's place comes out of the type again: in the same place, or under another name and no longer here.
fn goes_through((name, through): Call, row: &Row) -> Stand {
    let text = everything(row);
    let came_out = match through(&text) {
        Ok(came_out) => came_out,
        Err(error) if row.aside && refused_by_rule(&error, row) => {
            let rule = error.violations()[0].rule;
            return Stand::NotApplicable(format!("stands in an example only, and is never written ({rule})"));
        }
        Err(error) => return Stand::Missing(format!("{name} refuses it: {error}")),
    };
    if row.is_container() && !row.is_wrapper() {
        let fits = |inside: &Value| match &*row.kind {
            "O" => inside.is_object(),
            "A" => inside.is_array(),
            _ => inside.is_object() || inside.is_array(),
        };
        return match get(&came_out, &row.steps) {
            Some(inside) if fits(inside) => Stand::Shown(format!("written by {name}")),
            _ => Stand::Missing(format!("{name} loses it")),
        };
    }
    let (value, place) = if row.is_wrapper() {
        (text[0][row.name()].clone(), came_out.get(0).cloned())
    } else {
        (good(row), get(&came_out, &row.steps).cloned())
    };
    if place.as_ref() == Some(&value) {
        return Stand::Shown(format!("through {name}, the same"));
    }
    if row.vendor == IDENTITY_TM && place.is_none() && value.is_string() && holds(&came_out, &value) {
        return Stand::Shown(format!("through {name}, under its other name"));
    }
    Stand::Missing(format!("{name} loses or changes it"))
}

fn holds(text: &Value, value: &Value) -> bool {
    match text {
        Value::Object(object) => object.values().any(|inside| holds(inside, value)),
        Value::Array(many) => many.iter().any(|inside| holds(inside, value)),
        other => other == value,
    }
}

/// Every call of the row's endpoint must show it.
fn over_all(row: &Row, show: fn(Call, &Row) -> Stand) -> Stand {
    let stands: Vec<Stand> = calls_of(row).into_iter().map(|call| show(call, row)).collect();
    let missing = stands.iter().find(|stand| matches!(stand, Stand::Missing(_)));
    missing.or(stands.first()).cloned().unwrap_or_else(|| Stand::Missing("no call has this endpoint".into()))
}

#[test]
fn every_row_has_a_field_of_its_own_type_and_what_it_holds_goes_through() {
    for vendor in [IDENTITY_TM, IDENTIFY24] {
        Evidence::of_rows(vendor, "typed", of(vendor), |row| over_all(row, typed)).assert_complete();
        Evidence::of_rows(vendor, "test", of(vendor), |row| over_all(row, goes_through)).assert_complete();
    }
    // The upper case of names is the writer's to make: such a value does not come out as it was.
    let city = row("F-025");
    let mut text = everything(city);
    text["city"] = json!("Köln");
    assert_eq!(calls_of(city)[0].1(&text).unwrap()["city"], "KÖLN");
}

/// The evidence would not be worth anything if it were given for a row that nobody knows.
#[test]
fn a_row_that_no_type_knows_is_a_gap() {
    for row in of(IDENTIFY24).chain(["F-112", "F-206", "F-253"].map(row)) {
        let mut unknown = row.clone();
        // It stands beside the row, so that nothing that is required is missing.
        unknown.id = "F-999".into();
        unknown.path = row.path.replace(row.name(), "Nickname");
        *unknown.steps.last_mut().unwrap() = Step::Key("Nickname".into());
        let stand = over_all(&unknown, typed);
        assert!(matches!(&stand, Stand::Missing(why) if why.contains("give it a field")), "{}: {stand:?}", row.id);
    }
    let mut elsewhere = row("F-013").clone();
    elsewhere.endpoint = "POST /ident/list".into();
    for show in [typed, goes_through] {
        assert!(matches!(over_all(&elsewhere, show), Stand::Missing(_)));
    }
}
