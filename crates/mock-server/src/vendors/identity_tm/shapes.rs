//! Alternative shapes of responses that the document leaves open (contract, traps AT-xx), for the fault `shape-variant`.
//!
//! Shapes that an account always has are settings as well.

use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};

use crate::faults::{Reshape, Shape, as_item, as_list, each_object, rename};

const WITH_REF: &[&str] = &["putOrder", "getStatus", "getIdentData", "getAllStatus"];
const STATUSES: &[&str] = &["getStatus", "getAllStatus"];

pub(super) const SHAPES: &[Shape] = &[
    Shape::new(
        "identified-misspelt",
        "the key of the time of identification is misspelt (AT-01)",
        &["getIdentData"],
        |value| each_object(value, &mut |object| rename(object, "Identified", "Identifed")),
    ),
    Shape::new("delivered", "the time of execution is in `Delivered` (AT-02)", STATUSES, |value| {
        each_object(value, &mut |object| rename(object, "Executed", "Delivered"))
    }),
    Shape::new("delivered-besides", "the time of execution is also in `Delivered` (AT-02)", STATUSES, |value| {
        each_object(value, &mut |object| match object.get("Executed").cloned() {
            Some(executed) => object.insert("Delivered".to_owned(), executed).is_none(),
            None => false,
        })
    }),
    Shape::new("list-under-order", "the list is in `Order` (AT-03)", &["getAllStatus"], |value| {
        let list = value.take();
        *value = json!({ "Order": list });
        true
    }),
    Shape::new("list-each-under-order", "each order of the list is in `Order` (AT-03)", &["getAllStatus"], |value| {
        match value {
            Value::Array(list) if !list.is_empty() => {
                list.iter_mut().for_each(|order| *order = json!({ "Order": order.take() }));
                true
            }
            _ => false,
        }
    }),
    Shape::new("list-bare", "a single order is not in an array (AT-03)", &["getAllStatus"], as_item),
    Shape::new("ref-absent", "the reference is absent (AT-19)", WITH_REF, |value| {
        each_object(value, &mut |object| object.remove("Ref").is_some())
    }),
    Shape::new("ref-null", "the reference is `null` (AT-19)", WITH_REF, |value| {
        each_object(value, &mut |object| put(object, "Ref", Value::Null))
    }),
    Shape::new("ref-empty", "the reference is empty (AT-19)", WITH_REF, |value| {
        each_object(value, &mut |object| put(object, "Ref", json!("")))
    }),
    Shape::new("one-in-a-list", "a single person is in an array (AT-23)", &["getIdentData"], |value| {
        value.get_mut("IdentData").is_some_and(as_list)
    }),
    Shape::new("ids-absent", "OrderID and reference are absent (AT-24)", &["getIdentData"], |value| {
        value.as_object_mut().is_some_and(|object| object.remove("OrderID").is_some() | object.remove("Ref").is_some())
    }),
    Shape::new(
        "details-as-objects",
        "special attributes are objects with a `Value` (AT-27)",
        &["getIdentData"],
        |value| {
            each_object(value, &mut |object| match object.get_mut("Additional").and_then(Value::as_object_mut) {
                Some(details) if !details.is_empty() => {
                    details.values_mut().for_each(|detail| *detail = json!({ "Value": detail.take() }));
                    true
                }
                _ => false,
            })
        },
    ),
    Shape::new(
        "images-nested",
        "content and name of an image are in a nested object (AT-28)",
        &["getIdentData"],
        |value| {
            each_object(value, &mut |object| match object.get_mut("Images").and_then(Value::as_array_mut) {
                Some(images) if !images.is_empty() => {
                    for image in images {
                        let (data, name) = (image.get("Image").cloned(), image.get("Filename").cloned());
                        *image = json!({ "Image": { "Data": data, "Filename": name } });
                    }
                    true
                }
                _ => false,
            })
        },
    ),
    Shape::new("hashes-in-one-object", "all hashes are in one object (AT-36)", &["getESignHash"], |value| match value
        .get_mut("Hashes")
    {
        Some(hashes @ Value::Array(_)) => {
            let named = hashes.as_array_mut().map(std::mem::take).unwrap_or_default();
            let all: Map<String, Value> =
                named.into_iter().filter_map(|one| one.as_object().cloned()).flatten().collect();
            *hashes = Value::Object(all);
            true
        }
        _ => false,
    }),
    Shape {
        name: "media-type-parameters",
        says: "the media type has a parameter (AT-37)",
        operations: &[],
        change: Reshape::Head(|headers| match headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) {
            Some(b"application/json") => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
                true
            }
            _ => false,
        }),
    },
    Shape {
        name: "escaped-slashes",
        says: "slashes are escaped (AT-40)",
        operations: &[],
        change: Reshape::Text(|text| text.contains('/').then(|| text.replace('/', "\\/"))),
    },
    Shape::new("unlisted-elements", "objects have elements that the document does not list (AT-41)", &[], |value| {
        // Top level only: the keys of `Hashes` and `Additional` are data.
        let objects = match value {
            Value::Array(list) => list.iter_mut().collect(),
            value => vec![value],
        };
        let mut changed = false;
        for object in objects.into_iter().filter_map(Value::as_object_mut) {
            changed |= object.insert("NotListed".to_owned(), json!({ "by": "chance" })).is_none();
        }
        changed
    }),
    Shape::new("error-beside", "an OrderID has an empty `Error` beside it (AT-53)", &["putOrder"], |value| {
        value.as_object_mut().is_some_and(|object| object.insert("Error".to_owned(), json!("")).is_none())
    }),
    Shape::new("numbers-as-text", "bank codes are strings (AT-57)", &["getBankList"], |value| {
        each_object(value, &mut |object| match object.get_mut("blz") {
            Some(blz @ Value::Number(_)) => {
                *blz = blz.to_string().into();
                true
            }
            _ => false,
        })
    }),
    Shape::new("times-with-fractions", "times have fractions of seconds (AT-74)", &[], |value| {
        times(value, |time| time.replacen('+', ".000+", 1))
    }),
    Shape::new("times-with-a-blank", "times have a blank instead of the `T` (AT-74)", &[], |value| {
        times(value, |time| time.replacen('T', " ", 1))
    }),
];

fn put(object: &mut Map<String, Value>, name: &str, value: Value) -> bool {
    match object.get_mut(name) {
        Some(place) if *place != value => {
            *place = value;
            true
        }
        _ => false,
    }
}

fn times(value: &mut Value, write: fn(&str) -> String) -> bool {
    const NAMES: [&str; 6] = ["Time", "Executed", "Identified", "SlotBegin", "SlotEnd", "Delivered"];
    each_object(value, &mut |object| {
        let mut changed = false;
        for name in NAMES {
            if let Some(Value::String(time)) = object.get_mut(name) {
                let other = write(time);
                changed |= other != *time;
                *time = other;
            }
        }
        changed
    })
}
