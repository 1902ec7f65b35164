//! Many worlds behind one listener, and copies of them.

use super::door::{Door, http};
use crate::support::*;
use identkit_mock_server::worlds::WorldError;

/// Calls identify24; returns status and body.
async fn i24(door: &Door, partner: &str, token: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let headers = format!("X-API-PARTNER: {partner}\r\nX-API-TOKEN: {token}\r\nContent-Type: application/json\r\n");
    let (status, answer) = http(door.api.address(), method, path, &headers, body).await;
    (status, serde_json::from_str(&answer).unwrap())
}

async fn log_in(door: &Door, partner: &str, key: &str) -> (u16, Value) {
    let body = json!({ "PARTNER": partner, "APIKEY": key }).to_string();
    let (status, answer) = http(door.api.address(), "POST", "/auth", "Content-Type: application/json\r\n", &body).await;
    (status, serde_json::from_str(&answer).unwrap())
}

/// Returns a token of identify24 in a world.
async fn token(door: &Door, world: &Value) -> String {
    let account = &world["identify24"];
    let (status, answer) =
        log_in(door, account["partner"].as_str().unwrap(), account["api_key"].as_str().unwrap()).await;
    assert_eq!(status, 200, "{answer}");
    answer["token"].as_str().unwrap().to_owned()
}

fn partner(world: &Value) -> &str {
    world["identify24"]["partner"].as_str().unwrap()
}

fn id(world: &Value) -> String {
    world["id"].as_str().unwrap().to_owned()
}

const IDENT: &str = "S-012-ident-create-curl-body.json";

async fn ident(door: &Door, world: &Value, token: &str) -> String {
    let body = String::from_utf8(fixture("identify24", IDENT).to_vec()).unwrap();
    let (status, answer) = i24(door, partner(world), token, "POST", "/ident/create", &body).await;
    assert_eq!(status, 200, "{answer}");
    answer["ident_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credentials_of_both_vendors_select_the_world() {
    let door = Door::new().await;
    let (one, other) = (door.world(json!({})).await, door.world(json!({})).await);
    let order = door.place(&one, &order()).await;
    let token = token(&door, &one).await;
    let ident = ident(&door, &one, &token).await;
    for (world, seen) in [(&one, 200), (&other, 404), (&Door::default_account(), 404)] {
        let (status, _) = door.tm(world, "GET", &format!("/getStatus/{order}"), "").await;
        assert_eq!(status, seen, "{world}");
    }
    let path = format!("/ident/get/{ident}");
    assert_eq!(i24(&door, partner(&one), &token, "GET", &path, "").await.0, 200);
    assert_eq!(i24(&door, partner(&other), &token, "GET", &path, "").await.0, 401, "a token of the other world");
    for (world, seen) in [(id(&one), 200), (id(&other), 404), ("default".to_owned(), 404)] {
        assert_eq!(door.ask("GET", &format!("/orders/{order}?world={world}"), &Value::Null).await.0, seen);
        assert_eq!(door.ask("GET", &format!("/orders/{ident}?world={world}"), &Value::Null).await.0, seen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_world_checks_unknown_credentials() {
    let door = Door::new().await;
    let world = door.world(json!({})).await;
    let stranger = json!({ "identity_tm": { "customer_id": "sandbox-nobody", "customer_code": "x" } });
    assert_eq!(door.tm(&stranger, "GET", "/getStatus/1", "").await.0, 401);
    assert_eq!(log_in(&door, "nobody", "x").await.0, 401);
    assert_eq!(http(door.api.address(), "GET", &format!("{TM}/getStatus/1"), "", "").await.0, 401);
    // The world is selected by name; it rejects a wrong secret.
    let mut wrong = world.clone();
    wrong["identity_tm"]["customer_code"] = "sandbox-code".into();
    assert_eq!(door.tm(&wrong, "GET", "/getStatus/1", "").await.0, 401);
    let calls = |world: String| {
        let door = &door;
        async move { door.get(&format!("/journal?world={world}")).await["count"].as_u64().unwrap() }
    };
    assert_eq!((calls("default".into()).await, calls(id(&world)).await), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_depend_on_the_seed_only() {
    let door = Door::new().await;
    let mut ids = Vec::new();
    for seed in [11, 11, 12] {
        let world = door.world(json!({ "seed": seed, "clock": "frozen", "now": "2020-09-10T12:00:00Z" })).await;
        let order = door.place(&world, &order()).await;
        let token = token(&door, &world).await;
        ids.push((order, token.clone(), ident(&door, &world, &token).await));
    }
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0].0 != ids[2].0 && ids[0].1 != ids[2].1 && ids[0].2 != ids[2].2, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_has_its_own_timers_held_webhooks_and_tokens() {
    let door = Door::new().await;
    let hook = Hook::always(Does::Answer(500)).await;
    let world = door.world(json!({ "clock": "frozen" })).await;
    let from = id(&world);
    let token = token(&door, &world).await;
    let ident = ident(&door, &world, &token).await;
    let waiting = door.place(&world, &hook.order(&["OnFinal"])).await;
    door.play_out(&from, &waiting, "positive").await;
    door.post(&format!("/webhooks?world={from}"), json!({ "mode": "hold" })).await;
    let held = door.place(&world, &hook.order(&["OnFinal"])).await;
    door.play_out(&from, &held, "positive").await;
    assert_eq!(hook.count(), 1);

    let fork = door.post(&format!("/worlds/{from}/fork"), json!({ "id": "copy" })).await;
    assert_eq!((&fork["id"], &fork["now"], &fork["clock"]), (&json!("copy"), &world["now"], &json!("frozen")));
    assert_ne!(fork["identity_tm"], world["identity_tm"]);
    // A token is copied: it works in both worlds, each with its own partner.
    for world in [&world, &fork] {
        assert_eq!(i24(&door, partner(world), &token, "GET", &format!("/ident/get/{ident}"), "").await.0, 200);
        assert_eq!(door.tm(world, "GET", &format!("/getStatus/{waiting}"), "").await.0, 200);
    }
    // The copy has its own timers.
    door.post("/webhooks?world=copy", json!({ "mode": "deliver" })).await;
    door.advance("copy", 200.0).await;
    assert_eq!(hook.count(), 3, "two retries of the copy");
    assert_eq!(door.get(&format!("/clock?world={from}")).await["now"], world["now"]);
    let attempts = |list: Vec<Value>| list[0]["attempts"].as_array().unwrap().len();
    assert_eq!(attempts(door.deliveries("copy", &waiting).await), 3);
    assert_eq!(attempts(door.deliveries(&from, &waiting).await), 1);
    // And its own held webhooks.
    let number = door.deliveries("copy", &held).await[0]["id"].clone();
    door.post(&format!("/deliveries/{number}/release?world=copy"), Value::Null).await;
    door.advance("copy", 0.0).await;
    assert_eq!(hook.count(), 4);
    assert_eq!(door.deliveries(&from, &held).await[0]["state"], "held");
    // New orders exist in one world only.
    let placed = door.place(&fork, &order()).await;
    assert_eq!(door.tm(&world, "GET", &format!("/getStatus/{placed}"), "").await.0, 404);
    // The idle time of the token continues in the copy.
    door.advance("copy", 31.0 * 60.0).await;
    assert_eq!(i24(&door, partner(&fork), &token, "GET", "/project/getAll", "").await.0, 401);
    assert_eq!(i24(&door, partner(&world), &token, "GET", "/project/getAll", "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_has_the_whole_world_and_can_be_restored_twice() {
    let door = Door::new().await;
    let world = door.world(json!({ "clock": "frozen" })).await;
    let name = id(&world);
    let before = door.place(&world, &order()).await;
    door.post(&format!("/worlds/{name}/snapshot"), json!({ "snapshot": "early" })).await;
    for _ in 0..2 {
        door.play_out(&name, &before, "positive").await;
        let after = door.place(&world, &order()).await;
        door.advance(&name, 86_400.0).await;
        let restored = door.post(&format!("/worlds/{name}/restore"), json!({ "snapshot": "early" })).await;
        assert_eq!((&restored["now"], &restored["identity_tm"]), (&world["now"], &world["identity_tm"]));
        let (status, output) = door.tm(&world, "GET", &format!("/getStatus/{before}"), "").await;
        assert!(status == 200 && !output.contains("\"Kind\":6,"), "open again: {output}");
        assert_eq!(door.tm(&world, "GET", &format!("/getStatus/{after}"), "").await.0, 404);
    }
    assert_eq!(door.get(&format!("/worlds/{name}")).await["snapshots"], json!(["early"]));
    door.refused("POST", &format!("/worlds/{name}/restore"), json!({ "snapshot": "late" }), 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forked_world_resends_a_running_webhook_and_unblocks() {
    let door = Door::new().await;
    let (hook, gate) = Hook::gated(|count| count == 0).await;
    let world = door.world(json!({ "clock": "frozen" })).await;
    let from = id(&world);
    let order = door.place(&world, &hook.order(&["AfterIdent"])).await;
    door.play(&from, &order, "positive").await;
    hook.until(1).await;
    door.post(&format!("/worlds/{from}/snapshot"), json!({})).await;
    // A later mode does not affect a running attempt.
    door.post(&format!("/webhooks?world={from}"), json!({ "mode": "hold" })).await;
    let fork = door.post(&format!("/worlds/{from}/fork"), json!({ "id": "copy" })).await;
    hook.until(2).await;
    let path = format!("/getStatus/{order}");
    let read = within(10 * SECOND, door.tm(&fork, "GET", &path, "")).await;
    assert!(read.expect("not blocked").1.contains("\"Kind\":6"), "the story continues");
    assert_eq!(door.get(&format!("/orders/{order}?world={from}")).await["blocked"], true, "the original waits");
    gate.notify_one();
    assert_eq!(within(10 * SECOND, door.tm(&world, "GET", &path, "")).await.unwrap().0, 200);
    assert_eq!(hook.count(), 2);
    door.post(&format!("/worlds/{from}/restore"), json!({})).await;
    hook.until(3).await;
    assert_eq!(
        within(10 * SECOND, door.tm(&world, "GET", &path, "")).await.expect("not blocked after a restore").0,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_empties_a_world_and_keeps_its_credentials() {
    let door = Door::new().await;
    let world = door.world(json!({ "clock": "frozen", "seed": 5, "now": "2020-09-10T12:00:00Z" })).await;
    let name = id(&world);
    let first = door.place(&world, &order()).await;
    door.advance(&name, 86_400.0).await;
    let reset = door.post(&format!("/reset?world={name}"), Value::Null).await;
    for part in ["now", "seed", "identity_tm", "identify24"] {
        assert_eq!(reset[part], world[part], "{part}");
    }
    assert_eq!(door.tm(&world, "GET", &format!("/getStatus/{first}"), "").await.0, 404);
    assert_eq!(door.place(&world, &order()).await, first, "the same seed gives the same ids");
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_credentials_survive_reset_and_restore() {
    let door = Door::new().await;
    let world = door.world(json!({ "clock": "frozen" })).await;
    let name = id(&world);
    let order = door.place(&world, &order()).await;
    door.post(&format!("/worlds/{name}/snapshot"), json!({})).await;
    let changed = json!({ "identity_tm": { "customer_id": "mine", "customer_code": "my-code" }, "identify24": { "partner": "me", "api_key": "my-key" } });
    door.post(&format!("/settings?world={name}"), changed.clone()).await;
    let path = format!("/getStatus/{order}");
    assert_eq!(door.tm(&changed, "GET", &path, "").await.0, 200);
    assert_eq!(door.tm(&world, "GET", &path, "").await.0, 401, "the old credentials are unknown");
    assert_eq!(log_in(&door, "me", "my-key").await.0, 200);
    door.post(&format!("/worlds/{name}/restore"), json!({})).await;
    assert_eq!(door.tm(&changed, "GET", &path, "").await.0, 200, "after a restore");
    assert_eq!(door.tm(&world, "GET", &path, "").await.0, 401);
    door.post(&format!("/reset?world={name}"), Value::Null).await;
    assert_eq!(door.tm(&changed, "GET", &path, "").await.0, 404, "after a reset: known, and empty");
    assert_eq!(log_in(&door, "me", "my-key").await.0, 200);
    // They are taken, like those of the default world.
    let other = id(&door.world(json!({})).await);
    for (taken, theirs) in [
        (json!({ "identity_tm": { "customer_id": "mine" } }), "mine"),
        (json!({ "identify24": { "partner": "911-internet" } }), "911-internet"),
    ] {
        door.refused("POST", &format!("/settings?world={other}"), taken, 409).await;
        assert!(!door.get(&format!("/settings?world={other}")).await.to_string().contains(theirs));
    }
    door.refused("POST", "/settings", json!({ "identity_tm": { "customer_id": "mine" } }), 409).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_world_takes_the_default_worlds_credentials() {
    let door = Door::new().await;
    // Its credentials would be those of the default world: sandbox-customer.
    door.refused("POST", "/worlds", json!({ "id": "customer" }), 409).await;
    door.refused("POST", "/worlds/default/fork", json!({ "id": "customer" }), 409).await;
    assert_eq!(door.tm(&Door::default_account(), "GET", &format!("/getStatus/{EXAMPLE_ORDER}"), "").await.0, 200);
    // After the default world changes them, another world can take them; then the change back fails.
    door.post("/worlds/default/snapshot", json!({})).await;
    door.post("/settings", json!({ "identity_tm": { "customer_id": "another" } })).await;
    door.world(json!({ "id": "customer" })).await;
    door.refused("POST", "/reset", Value::Null, 409).await;
    door.refused("POST", "/worlds/default/restore", json!({}), 409).await;
    let (status, _) = door.ask("DELETE", "/worlds/customer", &Value::Null).await;
    assert_eq!(status, 200);
    door.post("/reset", Value::Null).await;
    assert_eq!(door.tm(&Door::default_account(), "GET", &format!("/getStatus/{EXAMPLE_ORDER}"), "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_has_at_most_100_snapshots_with_reusable_names() {
    let bench = Harness::new();
    let worlds = Worlds::from(&bench.sandbox);
    let door = crate::support::Door::of(&worlds).await;
    for number in 0..100 {
        worlds.keep_snapshot("default", &format!("s{number}")).unwrap();
    }
    let body = r#"{"snapshot":"one-more"}"#;
    let problem = door.problem("POST", "worlds/default/snapshot", body, 409, "admin-world").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("100 snapshots") && detail.contains("name"), "the detail says what to do: {detail}");
    assert_eq!(worlds.snapshots("default").unwrap().len(), 100);
    door.problem("POST", "worlds/default/restore", body, 404, "admin-world").await;

    bench.clock.advance(DAY).await;
    let (status, _, text) = door.text("POST", "worlds/default/snapshot", r#"{"snapshot":"s7"}"#).await;
    assert_eq!(status, 201, "replaces the snapshot of that name: {text}");
    assert_eq!(
        door.good("POST", "worlds/default/restore", r#"{"snapshot":"s7"}"#).await["now"],
        "2020-09-11T12:00:00Z"
    );
    assert_eq!(worlds.keep_snapshot("default", "another"), Err(WorldError::TooManySnapshots));

    let (other, _) = worlds.create(&NewWorld::default()).unwrap();
    assert!(worlds.keep_snapshot(&other, "another").is_ok(), "each world has its own");
}
