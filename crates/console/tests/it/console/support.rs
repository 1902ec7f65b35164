//! A sandbox with its console, a client of a vendor, and a receiver of webhooks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use identkit_console::Console;
use identkit_mock_server::{Sandbox, TestSandbox, VirtualClock};
use identkit_testkit::{call, hear};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

/// HTTP Basic authentication of the account of a new world.
const ACCOUNT: &str = "Basic c2FuZGJveC1jdXN0b21lcjpzYW5kYm94LWNvZGU=";

pub(crate) struct Bench {
    sandbox: TestSandbox,
}

/// A response of the console.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default()
    }

    /// The text of the page without its markup.
    pub(crate) fn text(&self) -> String {
        let main = self.body.split_once("<main").map_or(self.body.as_str(), |(_, main)| main);
        let parts = main.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
        let text = parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        [("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
            .iter()
            .fold(text, |text, (from, to)| text.replace(from, to))
    }

    /// The values of an attribute, as a browser reads them.
    pub(crate) fn attributes(&self, name: &str) -> BTreeSet<String> {
        let start = format!(" {name}=\"");
        let parts = self.body.split(&start).skip(1);
        parts.map(|part| part.split('"').next().unwrap().replace("&amp;", "&")).collect()
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let clock = VirtualClock::new("2026-03-01T09:00:00Z".parse().unwrap());
        let sandbox = Sandbox::builder().clock(clock).seed(7).pages(Arc::new(Console::new()));
        // A long guard: the receiver must not be cut off on a busy machine.
        let sandbox = sandbox.receiver_guard(Duration::from_secs(10)).serve().await.unwrap();
        Self { sandbox }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let url = self.sandbox.admin_url();
        url.split('/').nth(2).unwrap().parse().unwrap()
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let (status, head, body) = call(self.address(), method, path, headers, body).await;
        Answer { status, head, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }

    /// Opens a page that must exist.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }

    /// Submits a form as a browser does.
    pub(crate) async fn submit(&self, path: &str, fields: &str) -> Answer {
        let headers = "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n\
            Content-Type: application/x-www-form-urlencoded\r\n";
        self.send("POST", path, headers, fields).await
    }

    /// Submits a form that must succeed, and opens the page that follows.
    pub(crate) async fn post(&self, path: &str, fields: &str) -> Answer {
        let answer = self.submit(path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
        self.page(answer.header("location")).await
    }

    /// Plays a story with the form of an order, and waits for its webhooks.
    pub(crate) async fn play(&self, id: &str, story: &str) -> Answer {
        let page = self.post(&format!("/orders/{id}/play"), &format!("story={story}&back=/orders/{id}")).await;
        self.post("/clock/advance", "seconds=0").await;
        page
    }

    /// Makes a call of the admin API.
    pub(crate) async fn api(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(&format!("/_sandbox/v1/{path}")).await.body).unwrap()
    }

    /// Places an order of a made-up person. `changes` replaces members of the request.
    pub(crate) async fn place(&self, changes: Value) -> String {
        let (status, answer) = self.put(changes).await;
        assert_eq!(status, 202, "{answer}");
        answer["OrderID"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn put(&self, changes: Value) -> (u16, Value) {
        let mut order = json!({
            "Ref": "customer-4711", "Product": 12, "Add": 0, "Email": "erika@example.com",
            "Address": {
                "Firstname": "Erika", "Surname": "Mustermann", "Street": "Heidestraße 17", "ZipCode": "51147",
                "City": "Köln", "Country": "DE"
            },
        });
        order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let request = Request::put("/api/2.10/putOrder").header("authorization", ACCOUNT);
        let request = request.header("content-type", "application/json").header("host", "127.0.0.1:8443");
        let response = self.sandbox.handle(request.body(Bytes::from(order.to_string())).unwrap()).await;
        let body = response.body().as_bytes().cloned().unwrap_or_default();
        (response.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }
}

/// Starts a receiver of webhooks whose status can be changed. Returns its URL.
pub(crate) async fn receiver(status: u16) -> (String, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(status));
    let current = Arc::clone(&status);
    let (address, _) = identkit_testkit::server(move |mut stream, _| {
        let status = current.load(Ordering::SeqCst);
        async move {
            hear(&mut stream, "\r\n\r\n").await;
            let answer = format!("HTTP/1.1 {status} Status\r\nContent-Length: 4\r\nConnection: close\r\n\r\nseen");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    (format!("http://{address}/done?id=[OrderID]"), status)
}
