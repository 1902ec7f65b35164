//! The shapes that the document leaves open for answers (contract, traps AI-xx), for the fault `shape-variant`.

use serde_json::{Map, Value, json};

use crate::faults::{Reshape, Shape, each_object};

const fn value(
    name: &'static str,
    says: &'static str,
    operations: &'static [&'static str],
    change: fn(&mut Value) -> bool,
) -> Shape {
    Shape { name, says, operations, change: Reshape::Value(change) }
}

pub(super) const SHAPES: &[Shape] = &[
    value("result-absent", "`result` is absent (AI-02)", &[], |value| {
        root(value, |object| object.remove("result").is_some())
    }),
    value("result-null", "`result` is `null` (AI-02)", &[], |value| {
        root(value, |object| put(object, "result", Value::Null))
    }),
    value("response-status-absent", "`response_status` is absent (AI-02)", &[], |value| {
        root(value, |object| object.remove("response_status").is_some())
    }),
    value("response-status", "there is a `response_status` (AI-02)", &[], |value| {
        root(value, |object| put(object, "response_status", json!(200)))
    }),
    value("response-status-as-text", "`response_status` is a text (AI-02)", &[], |value| {
        root(value, |object| put(object, "response_status", json!("200")))
    }),
    value("data-in-a-list", "the only payload stands in a list (AI-02)", &["ident/get", "project/get"], |value| {
        match value.get_mut("data") {
            Some(data @ Value::Object(_)) => {
                *data = json!([data.take()]);
                true
            }
            _ => false,
        }
    }),
    value("data-bare", "the only payload stands without a list (AI-02)", &["project/getAll"], |value| {
        match value.get_mut("data") {
            Some(data) => match data.as_array_mut().filter(|list| list.len() == 1).map(|list| list.remove(0)) {
                Some(only) => {
                    *data = only;
                    true
                }
                None => false,
            },
            None => false,
        }
    }),
    value("messages-absent", "`messages` is absent (AI-03)", &[], |value| {
        root(value, |object| object.remove("messages").is_some())
    }),
    value("messages-null", "`messages` is `null` (AI-03)", &[], |value| {
        root(value, |object| put(object, "messages", Value::Null))
    }),
    value("messages-as-text", "`messages` is a text (AI-03)", &[], |value| {
        root(value, |object| put(object, "messages", json!("Successful..")))
    }),
    value("messages-as-objects", "`messages` are objects (AI-03)", &[], |value| {
        root(value, |object| put(object, "messages", json!([{ "message": "Successful.." }])))
    }),
    value("ids-as-numbers", "ids are numbers (AI-06)", &["ident/get", "project"], |value| {
        each_object(value, &mut |object| {
            let mut changed = false;
            for name in ["project_id", "id"] {
                if let Some(id) = object.get_mut(name)
                    && let Some(number) = id.as_str().and_then(|text| text.parse::<u64>().ok())
                {
                    *id = number.into();
                    changed = true;
                }
            }
            changed
        })
    }),
    value("time-by-year-first", "the time of creation begins with the year (AI-11)", &["ident/get"], |value| {
        each_object(value, &mut |object| match object.get_mut("created_at") {
            Some(Value::String(time)) => {
                match time.get(..10).map(|date| date.split('-').collect::<Vec<_>>()).as_deref() {
                    Some([day, month, year]) if year.len() == 4 => {
                        *time = format!("{year}-{month}-{day}{}", time.get(10..).unwrap_or_default());
                        true
                    }
                    _ => false,
                }
            }
            _ => false,
        })
    }),
    value("time-empty", "the appointment is an empty text (AI-11)", &["ident/get"], |value| {
        each_object(value, &mut |object| match object.contains_key("created_at") {
            true => put(object, "appointment_date", json!("")),
            false => false,
        })
    }),
    value("time-zero", "the appointment is of zeros (AI-11)", &["ident/get"], |value| {
        each_object(value, &mut |object| match object.contains_key("created_at") {
            true => put(object, "appointment_date", json!("0000-00-00 00:00")),
            false => false,
        })
    }),
    value("unlisted-elements", "there are elements that the document does not list (AI-02)", &[], |value| {
        each_object(value, &mut |object| object.insert("not_listed".to_owned(), json!([{ "by": "chance" }])).is_none())
    }),
];

fn root(value: &mut Value, change: impl FnOnce(&mut Map<String, Value>) -> bool) -> bool {
    value.as_object_mut().is_some_and(change)
}

/// Puts a value under a name, and says whether another one, or none, was there.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) -> bool {
    object.insert(name.to_owned(), value.clone()) != Some(value)
}
