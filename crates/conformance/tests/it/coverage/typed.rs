//! The client's side: each row has a field of its own type, and what it holds goes through it.

use serde_json::{Value, json};

use crate::coverage::calls::{Call, is_of, with_answer, with_request};
use crate::coverage::document::{everything, get, good, replace, wrong_type};
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::rows::{Row, Step, VENDOR, all, told};

fn calls_of(row: &Row) -> Vec<Call> {
    let calls = if row.request { with_request() } else { with_answer() };
    calls.into_iter().filter(|call| is_of(&row.endpoint, call.meta)).collect()
}

fn through(call: &Call, row: &Row, text: &Value) -> Result<Value, identkit_core::Error> {
    if row.request { (call.request)(text) } else { (call.answer)(text) }
}

/// Whether a reader's complaint is about this place. Readers by hand tell `*` for names in and below their objects; the
/// depth is the same, and nothing else in the text is wrong.
pub(crate) fn names(complaint: &str, steps: &[Step]) -> bool {
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
fn typed(call: &Call, row: &Row) -> Stand {
    let whole = everything(row);
    if let Err(error) = through(call, row, &whole)
        && !refused_by_rule(&error, row)
    {
        return Stand::Missing(format!("{} does not take a text with every element: {error}", call.meta.name));
    }
    for wrong in [wrong_type(row), json!(true), json!([[true]])] {
        let mut text = whole.clone();
        replace(&mut text, &row.steps, wrong.clone());
        if let Err(error) = through(call, row, &text)
            && names(error.detail(), &row.steps)
        {
            return Stand::Shown(format!("the type of {} refuses {wrong} there", call.meta.name));
        }
    }
    // The map that it stands in is a type all the same.
    if row.steps.last() == Some(&Step::Name) {
        let parent = all()
            .iter()
            .find(|other| other.endpoint == row.endpoint && row.steps[..row.steps.len() - 1] == other.steps);
        if let Some(parent) = parent
            && matches!(typed(call, parent), Stand::Shown(_))
        {
            return Stand::Shown(format!("a map of any JSON values in {} (AT-27)", call.meta.name));
        }
    }
    Stand::Missing(format!("no type of {} minds what {} holds: give it a field", call.meta.name, row.path))
}

/// The writer has a rule against the element itself.
fn refused_by_rule(error: &identkit_core::Error, row: &Row) -> bool {
    error.violations().iter().any(|fault| fault.field == row.path)
}

/// What is in the row's place comes out of the type again: in the same place, or under another name and no longer here.
fn goes_through(call: &Call, row: &Row) -> Stand {
    let text = everything(row);
    let came_out = match through(call, row, &text) {
        Ok(came_out) => came_out,
        Err(error) if row.aside && refused_by_rule(&error, row) => {
            let rule = error.violations()[0].rule;
            return Stand::NotApplicable(format!("stands in an example only, and is never written ({rule})"));
        }
        Err(error) => return Stand::Missing(format!("{} refuses it: {error}", call.meta.name)),
    };
    if row.is_container() && !row.is_wrapper() {
        return match get(&came_out, &row.steps) {
            Some(inside) if inside.is_object() || inside.is_array() => {
                Stand::Shown(format!("written by {}", call.meta.name))
            }
            _ => Stand::Missing(format!("{} loses it", call.meta.name)),
        };
    }
    let (value, place) = if row.is_wrapper() {
        (text[0][row.name()].clone(), came_out.get(0).cloned())
    } else {
        (good(row), get(&came_out, &row.steps).cloned())
    };
    if place.as_ref() == Some(&value) {
        return Stand::Shown(format!("through {}, the same", call.meta.name));
    }
    if place.is_none() && value.is_string() && holds(&came_out, &value) {
        return Stand::Shown(format!("through {}, under its other name", call.meta.name));
    }
    Stand::Missing(format!("{} loses or changes it", call.meta.name))
}

fn holds(text: &Value, value: &Value) -> bool {
    match text {
        Value::Object(object) => object.values().any(|inside| holds(inside, value)),
        Value::Array(many) => many.iter().any(|inside| holds(inside, value)),
        other => other == value,
    }
}

/// Every call of the row's endpoint must show it.
fn over_all(row: &Row, show: fn(&Call, &Row) -> Stand) -> Stand {
    let stands: Vec<Stand> = calls_of(row).iter().map(|call| show(call, row)).collect();
    let missing = stands.iter().find(|stand| matches!(stand, Stand::Missing(_)));
    missing.or(stands.first()).cloned().unwrap_or_else(|| Stand::Missing("no call has this endpoint".into()))
}

#[test]
fn every_row_has_a_field_of_its_own_type() {
    let evidence = Evidence::of_rows(VENDOR, "typed", all(), |row| over_all(row, typed));
    evidence.assert_complete();
}

#[test]
fn what_every_row_holds_goes_through_our_types() {
    let evidence = Evidence::of_rows(VENDOR, "test", all(), |row| over_all(row, goes_through));
    evidence.assert_complete();
}

/// The evidence would not be worth anything if it were given for a row that nobody knows.
#[test]
fn a_row_that_no_type_knows_is_a_gap() {
    for id in ["F-112", "F-206", "F-253"] {
        let mut row = all().iter().find(|row| row.id == id).unwrap().clone();
        row.path = row.path.replace(row.name(), "Nickname");
        let last = row.steps.len() - 1;
        row.steps[last] = Step::Key("Nickname".into());
        let stand = over_all(&row, typed);
        assert!(matches!(&stand, Stand::Missing(why) if why.contains("give it a field")), "{stand:?}");
    }
}
