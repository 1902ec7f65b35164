//! A deleted world leaves nothing behind.

use super::door::{Door, tm};
use crate::support::*;
use tokio::runtime::Handle;

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_worlds_leave_no_task_and_no_memory_behind() {
    let door = Door::new().await;
    let before = tasks();
    let token = Arc::new(());
    for round in 0..2_000 {
        let mut wanted = NewWorld::default();
        // Every second world has running time, which needs another task.
        wanted.mode =
            Some(if round % 2 == 0 { identkit_mock_server::Mode::Frozen } else { identkit_mock_server::Mode::Real });
        let (id, sandbox) = door.worlds.create(&wanted).unwrap();
        // Dropped together with the world's data.
        sandbox.with_world(|world| world.state::<Vec<Arc<()>>>().push(Arc::clone(&token)));
        drop(sandbox);
        if round % 10 == 0 {
            door.worlds.keep_snapshot(&id, "kept").unwrap();
            door.worlds.restore(&id, "kept").unwrap();
            let (copy, _) = door.worlds.fork(&id, None).unwrap();
            door.worlds.delete(&copy).unwrap();
        }
        door.worlds.delete(&id).unwrap();
    }
    eventually("all tasks have ended", || tasks() <= before).await;
    eventually("all worlds are gone", || Arc::strong_count(&token) == 1).await;
    assert_eq!(door.worlds.ids(), ["default"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_call_to_a_deleted_world_gets_its_response() {
    let door = Door::new().await;
    let before = tasks();
    let (hook, gate) = Hook::gated(|_| true).await;
    let world = door.world(json!({ "id": "short" })).await;
    let order = door.place(&world, &hook.order(&["OnFinal"])).await;
    door.play("short", &order, "positive").await;
    hook.until(1).await;
    let reads: Vec<_> = (0..5)
        .map(|_| {
            let (address, world, path) = (door.api.address(), world.clone(), format!("/getStatus/{order}"));
            tokio::spawn(async move { tm(address, &world, "GET", &path, "").await })
        })
        .collect();
    pause(Duration::from_millis(50)).await;
    assert_eq!(door.ask("DELETE", "/worlds/short", &Value::Null).await.0, 200);
    // From now on its credentials are unknown.
    assert_eq!(door.tm(&world, "GET", &format!("/getStatus/{order}"), "").await.0, 401);
    gate.notify_one();
    for read in reads {
        let (status, output) = within(10 * SECOND, read).await.expect("a response").unwrap();
        assert!(status == 200 && output.contains("\"Kind\":6"), "{output}");
    }
    drop(hook);
    eventually("nothing of it is left", || tasks() <= before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worlds_come_and_go_while_their_clients_call() {
    let door = Door::new().await;
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (worlds, address) = (door.worlds.clone(), door.api.address());
            tokio::spawn(async move {
                for round in 0..15 {
                    let (id, sandbox) = worlds.create(&named(&format!("c{caller}-{round}"))).unwrap();
                    let account = Value::Object(
                        sandbox
                            .accounts()
                            .into_iter()
                            .map(|(vendor, account)| (vendor.replace('-', "_"), account))
                            .collect(),
                    );
                    let body = serde_json::to_string(&order()).unwrap();
                    let (status, output) = tm(address, &account, "PUT", "/putOrder", &body).await;
                    assert_eq!(status, 202, "{output}");
                    let order = serde_json::from_str::<Value>(&output).unwrap()["OrderID"].as_str().unwrap().to_owned();
                    let path = format!("/getStatus/{order}");
                    let late = {
                        let (account, path) = (account.clone(), path.clone());
                        tokio::spawn(async move { tm(address, &account, "GET", &path, "").await.0 })
                    };
                    worlds.delete(&id).unwrap();
                    assert!(matches!(late.await.unwrap(), 200 | 401), "before or after");
                    assert_eq!(tm(address, &account, "GET", &path, "").await.0, 401);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(door.worlds.ids(), ["default"]);
}

/// Sends a call of the admin API; dropping the stream disconnects.
async fn begun(door: &Door, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(door.admin.address()).await.unwrap();
    let length = body.len();
    let head = format!("POST /_sandbox/v1{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_calls_do_not_keep_a_deleted_world_alive() {
    let door = Door::new().await;
    let hook = Hook::always(Does::Answer(500)).await;
    let world = door.world(json!({ "id": "short" })).await;
    let order = door.place(&world, &hook.order(&["OnFinal"])).await;
    // An attempt every few milliseconds.
    door.post("/clock/mode?world=short", json!({ "mode": "scaled", "factor": 10_000 })).await;
    door.play("short", &order, "positive").await;
    let wait = begun(&door, "/journal/wait?world=short", r#"{"operation":"getStatus","timeout":600}"#).await;
    let mut events = TcpStream::connect(door.admin.address()).await.unwrap();
    events.write_all(b"GET /_sandbox/v1/events?world=short HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    events.read_exact(&mut [0; 12]).await.unwrap();
    hook.until(3).await;
    assert_eq!(door.ask("DELETE", "/worlds/short", &Value::Null).await.0, 200);
    pause(Duration::from_millis(100)).await;
    let before = hook.count();
    pause(Duration::from_millis(500)).await;
    assert_eq!(hook.count(), before, "no further webhook");
    drop((wait, events));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_moves_on_to_the_end_also_when_the_client_goes_away() {
    let door = Door::new().await;
    let (hook, gate) = Hook::gated(|_| true).await;
    let world = door.world(json!({ "id": "long", "clock": "frozen", "now": "2020-09-10T12:00:00Z" })).await;
    let order = door.place(&world, &hook.order(&["OnFinal"])).await;
    door.play("long", &order, "positive").await;
    hook.until(1).await;
    let asked = begun(&door, "/clock/advance?world=long", r#"{"seconds":172800}"#).await;
    pause(Duration::from_millis(50)).await;
    drop(asked);
    pause(Duration::from_millis(50)).await;
    gate.notify_one();
    let sandbox = door.worlds.get("long").unwrap();
    eventually("time has come to the end", || sandbox.now().to_string() == "2020-09-12T12:00:00Z").await;
}
