//! Compares the writer with serde_json, for every form of serde's data model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde::ser::{SerializeMap as _, SerializeStruct as _, Serializer};
use serde_json::json;

use super::*;

fn written<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::new();
    value.serialize(&mut writer)?;
    Ok(writer.bytes)
}

#[track_caller]
fn same<T: Serialize>(value: &T) {
    let (ours, theirs) = (written(value), serde_json::to_vec(value));
    let text = |written: Result<Vec<u8>, Error>| written.ok().map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(text(ours), text(theirs));
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u8);

#[derive(Serialize)]
struct Pair(u8, &'static str);

#[derive(Serialize)]
struct Empty {}

#[derive(Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
enum Forms {
    Unit,
    Newtype(Box<Forms>),
    Pair(i8, String),
    Struct {
        #[serde(rename = "a \"key\"")]
        key: Option<bool>,
        other: Vec<u8>,
    },
}

fn forms() -> Vec<Forms> {
    vec![
        Forms::Unit,
        Forms::Newtype(Box::new(Forms::Newtype(Box::new(Forms::Unit)))),
        Forms::Pair(-7, "\u{1}".to_owned()),
        Forms::Struct { key: None, other: vec![] },
        Forms::Newtype(Box::new(Forms::Struct { key: Some(true), other: vec![1, 2] })),
    ]
}

struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Displayed(&'static str);

impl Serialize for Displayed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("<{}>", self.0))
    }
}

#[test]
fn every_form_is_written_as_by_serde_json() {
    same(&(true, 'x', '"', '\u{7f}', (), Unit, Newtype(1), Pair(2, "b"), Empty {}));
    same(&(i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    same(&(u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    same(&(1.0_f32, 0.1_f64, 1e300, -0.0, f64::NAN, f64::INFINITY, f32::NAN));
    same(&(None::<u8>, Some(1), Some(Some("x")), [0_u8; 0], [[1], [2]], Vec::<String>::new()));
    same(&(Bytes(b""), Bytes(b"\x00\xff"), Displayed("plain"), Displayed("\"")));
    same(&forms());
    same(&json!({"a": [1, -2, 3.5, null, {"b": {}}], "": "", "ü": "ß", "c": true}));
}

#[test]
fn keys_are_strings_become_strings_or_are_rejected() {
    same(&BTreeMap::from([("plain", 1), ("\n", 2), ("", 3)]));
    same(&BTreeMap::from([(-1, 'a'), (22, 'b')]));
    same(&BTreeMap::from([(true, 'a'), (false, 'b')]));
    same(&BTreeMap::from([('"', 'a'), ('b', 'b')]));
    same(&BTreeMap::from([(Forms::Unit, 'a')]));
    for form in forms().into_iter().skip(1) {
        same(&BTreeMap::from([(form, 'a')]));
    }
    same(&BTreeMap::from([((), 'a')]));
    same(&BTreeMap::from([(vec![1], 'a')]));
    same(&BTreeMap::from([(Some("x"), 'a')]));
    same(&BTreeMap::from([(None::<u8>, 'a')]));
}

#[test]
fn each_byte_at_each_position_is_escaped_as_by_serde_json() {
    for length in 1..=20 {
        for place in 0..length {
            for byte in 0..0x80_u8 {
                let mut text = vec![b'x'; length];
                text[place] = byte;
                same(&String::from_utf8(text).unwrap());
            }
        }
    }
}

/// serde_json's form of a number with its original digits (`arbitrary_precision`), and of a raw value.
struct Verbatim(&'static str);

impl Serialize for Verbatim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut number = serializer.serialize_struct("$serde_json::private::Number", 1)?;
        number.serialize_field("$serde_json::private::Number", self.0)?;
        number.end()
    }
}

#[test]
fn numbers_with_original_digits_are_written_without_quotes() {
    let list = [Verbatim("1.50"), Verbatim("12345678901234567890123")];
    assert_eq!(written(&list).unwrap(), b"[1.50,12345678901234567890123]");
    assert_eq!(written(&BTreeMap::from([("a", Verbatim("2.0"))])).unwrap(), br#"{"a":2.0}"#);
}

#[test]
fn marks_of_values_and_keys_are_located() {
    struct Marked;
    impl Serialize for Marked {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("a", MARK)?;
            map.serialize_entry(MARK, "b")?;
            map.serialize_entry("c", "\u{0}sourc")?;
            map.serialize_entry("d", "x\u{0}source")?;
            map.end()
        }
    }
    let mut writer = Writer::new();
    Marked.serialize(&mut writer).unwrap();
    let found: Vec<_> = memchr::memmem::find_iter(&writer.bytes, WRITTEN_MARK).collect();
    assert_eq!(writer.marks, found);
    assert_eq!(writer.marks.len(), 2);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_written_as_by_serde_json(value in any_value()) {
        prop_assert_eq!(written(&value).unwrap(), serde_json::to_vec(&value).unwrap());
    }
}
