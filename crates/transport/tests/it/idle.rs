//! Idle connections: reuse, limits, and stale connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use identkit_testkit::TestClock;
use identkit_transport::http::{HyperTransport, IdleLimits, TlsConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{OK, attempt, closed, hear, patient, pause, plain, put, server, soon, text};

fn limited(limits: IdleLimits, clock: &TestClock) -> HyperTransport {
    HyperTransport::builder(&TlsConfig::bundled().unwrap()).idle(limits).clock(Arc::new(clock.clone())).build()
}

#[tokio::test]
async fn an_idle_connection_expires() {
    let (address, count) = server(patient).await;
    let clock = TestClock::default();
    let transport = limited(IdleLimits { time: Duration::from_secs(10), ..IdleLimits::default() }, &clock);
    let url = format!("http://{address}/");
    for (wait, connections) in [(0, 1), (9, 1), (9, 1), (10, 2), (11, 3), (0, 3)] {
        clock.advance(Duration::from_secs(wait));
        assert_eq!(text(&transport, &url, false).await.unwrap(), "ok");
        assert_eq!(count.load(Ordering::SeqCst), connections, "after {wait} s");
    }
}

#[tokio::test]
async fn expired_connections_of_other_servers_are_closed() {
    let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let (left, _) = server(move |mut stream, _| {
        let sender = sender.clone();
        async move {
            hear(&mut stream, "body").await;
            stream.write_all(OK.as_bytes()).await.unwrap();
            closed(&mut stream).await;
            sender.send(()).unwrap();
        }
    })
    .await;
    let (other, _) = server(patient).await;
    let clock = TestClock::default();
    let transport = limited(IdleLimits::default(), &clock);
    text(&transport, &format!("http://{left}/"), false).await.unwrap();
    clock.advance(Duration::from_secs(31));
    text(&transport, &format!("http://{other}/"), false).await.unwrap();
    soon("closing", ended.recv()).await.unwrap();
}

#[tokio::test]
async fn idle_connections_are_limited() {
    for (limits, connections) in [
        (IdleLimits { per_server: 2, ..IdleLimits::default() }, 4),
        (IdleLimits { total: 1, ..IdleLimits::default() }, 5),
        (IdleLimits { per_server: 0, ..IdleLimits::default() }, 6),
    ] {
        let (address, count) = server(patient).await;
        let transport = limited(limits, &TestClock::default());
        let url = format!("http://{address}/");
        // Three concurrent requests, twice.
        for _ in 0..2 {
            let sent = [(); 3].map(|()| attempt(&transport, put(&url, "body"), false));
            for (sent, _) in futures_util::future::join_all(sent).await {
                assert_eq!(sent.unwrap().into_body().collect(10).await.unwrap(), "ok");
            }
        }
        assert_eq!(count.load(Ordering::SeqCst), connections, "{limits:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_reused_unless_fresh_or_closed() {
    let (address, count) = server(patient).await;
    let transport = plain();
    let url = format!("http://{address}/");
    for (fresh, connections) in [(false, 1), (false, 1), (true, 2), (true, 3), (false, 3)] {
        assert_eq!(text(&transport, &url, fresh).await.unwrap(), "ok");
        assert_eq!(count.load(Ordering::SeqCst), connections);
    }
    transport.close_idle();
    text(&transport, &url, false).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn servers_do_not_share_connections() {
    let named = |name: &'static [u8]| {
        move |mut stream: TcpStream, _| async move {
            while hear(&mut stream, "body").await.contains("body") {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n").await.unwrap();
                stream.write_all(name).await.unwrap();
            }
        }
    };
    let (first, _) = server(named(b"1")).await;
    let (second, _) = server(named(b"2")).await;
    let transport = plain();
    for _ in 0..2 {
        assert_eq!(text(&transport, &format!("http://{first}/"), false).await.unwrap(), "1");
        assert_eq!(text(&transport, &format!("http://{second}/"), false).await.unwrap(), "2");
    }
    // The same port under another name is another server: its certificate was not checked for that name.
    let url = format!("http://localhost:{}/", first.port());
    assert_eq!(text(&transport, &url, false).await.unwrap(), "1");
}

#[tokio::test]
async fn a_stale_connection_fails_no_request() {
    // The server closes or resets a connection that is idle at the client.
    for (resets, fresh) in [(false, true), (false, false), (true, true), (true, false)] {
        let (address, count) = server(move |mut stream, number| async move {
            if number > 0 {
                return patient(stream, number).await;
            }
            hear(&mut stream, "body").await;
            stream.write_all(OK.as_bytes()).await.unwrap();
            if resets {
                // The response must arrive before the reset.
                pause(Duration::from_millis(50)).await;
                stream.set_zero_linger().unwrap();
            }
        })
        .await;
        let transport = plain();
        let url = format!("http://{address}/");
        assert_eq!(text(&transport, &url, false).await.unwrap(), "ok");
        pause(Duration::from_millis(150)).await;
        // A create uses a new connection. A read detects the stale one before it sends anything.
        for fresh in [fresh, false] {
            assert_eq!(text(&transport, &url, fresh).await.unwrap(), "ok", "reset: {resets}, fresh: {fresh}");
        }
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}
