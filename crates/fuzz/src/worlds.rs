//! Saved worlds of the sandbox.

use identkit_mock_server::{World, vendors};

pub(crate) fn run(input: &[u8]) {
    let Ok(document) = serde_json::from_slice(input) else { return };
    let vendors = vendors::all();
    let Ok(world) = World::from_json(&vendors, &document) else { return };
    let Ok(saved) = world.to_json(&vendors) else { return };
    let again = World::from_json(&vendors, &saved).and_then(|world| world.to_json(&vendors));
    assert!(again.is_ok_and(|again| again == saved), "a world is saved as it was loaded");
}
