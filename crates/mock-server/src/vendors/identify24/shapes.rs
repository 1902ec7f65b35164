//! Alternative shapes of responses that the document leaves open (contract, traps AI-xx), for the fault `shape-variant`.

use serde_json::{Map, Value, json};

use crate::faults::{Shape, as_item, as_list, each_object, put};

const IDENT: &[&str] = &["ident/get"];

pub(super) const SHAPES: &[Shape] = &[
    Shape::new("result-absent", "`result` is absent (AI-02)", &[], |value| remove(value, "result")),
    Shape::new("result-null", "`result` is `null` (AI-02)", &[], |value| set(value, "result", Value::Null)),
    Shape::new("response-status-absent", "`response_status` is absent (AI-02)", &[], |value| {
        remove(value, "response_status")
    }),
    Shape::new("response-status", "`response_status` is present (AI-02)", &[], |value| {
        set(value, "response_status", json!(200))
    }),
    Shape::new("response-status-as-text", "`response_status` is a string (AI-02)", &[], |value| {
        set(value, "response_status", json!("200"))
    }),
    Shape::new("data-in-a-list", "a single payload is in an array (AI-02)", &["ident/get", "project/get"], |value| {
        value.get_mut("data").is_some_and(as_list)
    }),
    Shape::new("data-bare", "a single payload is not in an array (AI-02)", &["project/getAll"], |value| {
        value.get_mut("data").is_some_and(as_item)
    }),
    Shape::new("messages-absent", "`messages` is absent (AI-03)", &[], |value| remove(value, "messages")),
    Shape::new("messages-null", "`messages` is `null` (AI-03)", &[], |value| set(value, "messages", Value::Null)),
    Shape::new("messages-as-text", "`messages` is a string (AI-03)", &[], |value| {
        set(value, "messages", json!("Successful.."))
    }),
    Shape::new("messages-as-objects", "`messages` are objects (AI-03)", &[], |value| {
        set(value, "messages", json!([{ "message": "Successful.." }]))
    }),
    Shape::new("ids-as-numbers", "ids are numbers (AI-06)", &["ident/get", "project"], |value| {
        each_object(value, &mut |object| {
            let mut changed = false;
            for name in ["project_id", "id"] {
                let id = object.get(name).and_then(Value::as_str);
                if let Some(number) = id.and_then(|text| text.parse::<u64>().ok()) {
                    changed |= put(object, name, number.into());
                }
            }
            changed
        })
    }),
    Shape::new("time-by-year-first", "the time of creation starts with the year (AI-11)", IDENT, |value| {
        each_object(value, &mut |object| {
            let Some(Value::String(time)) = object.get_mut("created_at") else { return false };
            let date: Option<Vec<&str>> = time.get(..10).map(|date| date.split('-').collect());
            let Some([day, month, year]) =
                date.as_deref().filter(|date| date.last().is_some_and(|year| year.len() == 4))
            else {
                return false;
            };
            *time = format!("{year}-{month}-{day}{}", time.get(10..).unwrap_or_default());
            true
        })
    }),
    Shape::new("time-empty", "the appointment is an empty string (AI-11)", IDENT, |value| appointment(value, "")),
    Shape::new("time-zero", "the appointment consists of zeros (AI-11)", IDENT, |value| {
        appointment(value, "0000-00-00 00:00")
    }),
    Shape::new("unlisted-elements", "objects have elements that the document does not list (AI-02)", &[], |value| {
        each_object(value, &mut |object| object.insert("not_listed".to_owned(), json!([{ "by": "chance" }])).is_none())
    }),
];

fn root(value: &mut Value, change: impl FnOnce(&mut Map<String, Value>) -> bool) -> bool {
    value.as_object_mut().is_some_and(change)
}

fn remove(value: &mut Value, name: &str) -> bool {
    root(value, |object| object.remove(name).is_some())
}

fn set(value: &mut Value, name: &str, new: Value) -> bool {
    root(value, |object| put(object, name, new))
}

fn appointment(value: &mut Value, text: &str) -> bool {
    each_object(value, &mut |object| object.contains_key("created_at") && put(object, "appointment_date", json!(text)))
}
