//! The receiver on PostgreSQL.

#[path = "../../../../store/tests/it/postgres/server.rs"]
#[allow(dead_code, reason = "the tests of the store use the rest")]
pub(crate) mod server;

use identkit_testkit::pause;

use super::*;
use crate::support::file;

/// Waits until `/readyz` has this status: an answer of the store is valid for a second.
async fn becomes(receiver: &Receiver, expected: u16) {
    let began = Instant::now();
    while status(&receiver.url("/readyz"), "GET", "") != expected {
        assert!(began.elapsed() < HANGS, "/readyz does not become {expected}");
        pause(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_receiver_on_postgres_survives_the_end_of_the_server() {
    let Some(server) = server::shared().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let key = file(&folder, "key", &"7".repeat(64));
    let url = server.database().await;
    let start = |more: &[&str]| {
        let mut command = identkit();
        command.args(["listen", "--listen", "127.0.0.1:0", "--key-file", &key]).args(more);
        // A command line would show the password.
        Receiver::run(command.env("IDENTKIT_STORE", &url))
    };
    let (first, mut second) = (start(&[]), start(&["--print"]));
    assert_eq!(status(&first.order_url("OnFinal"), "GET", ""), 202);
    let path = first.order_url("AfterVideo").splitn(4, '/').nth(3).unwrap().to_owned();
    assert_eq!(status(&second.url(&format!("/{path}")), "GET", ""), 202, "the token of another process");
    let events = second.events(2);
    assert_eq!((&events[0]["event"], &events[1]["event"]), (&"OnFinal".into(), &"AfterVideo".into()));

    server.kill();
    assert_eq!(status(&second.order_url("OnFinal"), "GET", ""), 503);
    becomes(&second, 503).await;
    assert_eq!(status(&second.url("/healthz"), "GET", ""), 200);
    server.run().await;
    becomes(&second, 200).await;
    assert_eq!(status(&second.order_url("AfterIdent"), "GET", ""), 202);
    assert_eq!(second.events(3)[2]["event"], "AfterIdent");
    first.stop().logs_none_of(&["canary"]);
    second.stop().logs_none_of(&["canary"]);
}
