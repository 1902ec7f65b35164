//! A world that an earlier build saved is read and saved again identically.

use crate::support::*;

/// Written by `identkit sandbox --world-file`, with orders and idents in several states, failed and held webhooks,
/// settings and a fault.
const SAVED: &str = include_str!("../../fixtures/world-format-2.json");

/// The saved form of a world, without settings that the file of the earlier build does not have.
fn saved_again(world: &World, before: &Value) -> Value {
    let mut saved = world.to_json(&vendors::all()).unwrap();
    for (vendor, state) in saved["vendors"].as_object_mut().unwrap() {
        let known = before["vendors"][vendor]["settings"].as_object().unwrap();
        state["settings"].as_object_mut().unwrap().retain(|name, _| known.contains_key(name));
    }
    saved
}

#[test]
fn a_world_of_an_earlier_build_is_restored_exactly() {
    let vendors = vendors::all();
    let document: Value = serde_json::from_str(SAVED).unwrap();
    let world = World::from_json(&vendors, &document).unwrap();
    assert!(saved_again(&world, &document) == document);
    let orders = document.pointer("/vendors/identity-tm/orders").unwrap().as_array().unwrap();
    assert!(orders.len() > 9 && world.deliveries.len() > 9);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    world.save_file(&vendors, &path).unwrap();
    let written: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(written == world.to_json(&vendors).unwrap());
}

#[test]
fn switched_off_rules_are_saved_and_validated() {
    let vendors = vendors::all();
    let mut document: Value = serde_json::from_str(SAVED).unwrap();
    document["rules"] = json!(["AT-62", "I-080"]);
    let world = World::from_json(&vendors, &document).unwrap();
    assert_eq!(world.rules.without().collect::<Vec<_>>(), ["AT-62", "I-080"]);
    assert!(saved_again(&world, &document) == document);
    for id in ["AT-999", "T-060"] {
        document["rules"] = json!(["AT-62", id]);
        let error = World::from_json(&vendors, &document).unwrap_err();
        assert!(matches!(error, SavedError::Damaged { pointer, .. } if pointer == "/rules/1"));
    }
}
