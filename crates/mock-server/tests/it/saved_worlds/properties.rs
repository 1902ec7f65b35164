//! Random worlds and random files.

use super::{founded, id_of, minimal, pointers, put, small, through_text};
use crate::support::*;
use proptest::arbitrary::any;
use proptest::prelude::*;

/// Any JSON, including critical numbers and strings.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |float| float.is_finite()).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z/~.\\[\\]]{1,6}", inner, 0..4)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_order_survives_saving(
        unlisted in prop::collection::btree_map("x[A-Za-z]{1,5}", anything(), 0..4),
        in_address in prop::collection::btree_map("x[A-Za-z]{1,5}", anything(), 0..3),
        places in prop::collection::vec((0.0..1000.0_f64, 0.0..1000.0_f64), 1..3),
        one: bool,
        birthname in prop::option::of(prop::option::of(Just(""))),
        blob in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let mut order = minimal();
        order["Product"] = 15.into();
        order.as_object_mut().unwrap().extend(unlisted.clone());
        order["Address"].as_object_mut().unwrap().extend(in_address);
        let hashes: Vec<Value> = places.iter().enumerate().map(|(index, (x, y))| json!({
            "Hash": encode_base64(&[7; 32]), "Filename": format!("{index}"), "SignaturePosX": x, "SignaturePosY": y,
            "xBlob": encode_base64(&blob),
        })).collect();
        order["eSignHash"] = if one { hashes[0].clone() } else { hashes.into() };
        if let Some(birthname) = birthname {
            order["IdentData"] = json!({ "Birthname": birthname });
        }
        let mut world = founded();
        let id = id_of(&put(&mut world, &order));
        let saved = world.to_json(&vendors::all()).unwrap();
        let orders = saved["vendors"]["identity-tm"]["orders"].as_array().unwrap();
        let kept = &orders.iter().find(|order| order["id"] == *id).unwrap()["request"];
        let sent: PutOrder = serde_json::from_value(order).unwrap();
        prop_assert_eq!(kept, &serde_json::to_value(sent.normalized()).unwrap());
        for (key, value) in &unlisted {
            prop_assert_eq!(&kept[key], value);
        }
        let restored = through_text(&world);
        prop_assert!(restored.to_json(&vendors::all()).unwrap() == saved);
    }

    #[test]
    fn any_damage_to_a_world_is_reported_or_harmless(
        at in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4),
    ) {
        let mut document = small();
        for (index, value) in at {
            let mut all = Vec::new();
            pointers(&document, "", &mut all);
            let pointer: &String = index.get(&all);
            *document.pointer_mut(pointer).unwrap() = value;
        }
        let _ = World::from_json(&vendors::all(), &document).map(|world| through_text(&world));
    }

    #[test]
    fn bytes_that_are_not_a_world_are_an_error(bytes: Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(World::load_file(&vendors::all(), &path, 1_000_000).is_err());
    }
}
