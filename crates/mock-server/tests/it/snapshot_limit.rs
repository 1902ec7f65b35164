//! How many snapshots a world keeps: nothing takes one away but the world's end.

use crate::support::*;
use identkit_mock_server::worlds::WorldError;

#[tokio::test(flavor = "multi_thread")]
async fn a_world_keeps_a_hundred_snapshots_and_a_name_can_be_used_again() {
    let bench = Harness::new();
    let worlds = Worlds::from(&bench.sandbox);
    let door = Door::of(&worlds).await;
    for number in 0..100 {
        worlds.keep_snapshot("default", &format!("s{number}")).unwrap();
    }
    let body = r#"{"snapshot":"one-more"}"#;
    let problem = door.problem("POST", "worlds/default/snapshot", body, 409, "admin-world").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("100 snapshots") && detail.contains("name"), "it says what to do: {detail}");
    assert_eq!(worlds.snapshots("default").unwrap().len(), 100);
    door.problem("POST", "worlds/default/restore", body, 404, "admin-world").await;

    bench.clock.advance(DAY).await;
    let (status, _, text) = door.text("POST", "worlds/default/snapshot", r#"{"snapshot":"s7"}"#).await;
    assert_eq!(status, 201, "in place of the one of that name: {text}");
    assert_eq!(
        door.good("POST", "worlds/default/restore", r#"{"snapshot":"s7"}"#).await["now"],
        "2020-09-11T12:00:00Z"
    );
    assert_eq!(worlds.keep_snapshot("default", "another"), Err(WorldError::TooManySnapshots));

    let (other, _) = worlds.create(&NewWorld::default()).unwrap();
    assert!(worlds.keep_snapshot(&other, "another").is_ok(), "each world has its own");
}
