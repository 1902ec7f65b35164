//! Events of a world as server-sent events.

use crate::support::*;

struct Server {
    worlds: Worlds,
    listening: Listener,
}

impl Server {
    async fn new() -> Self {
        let worlds = Worlds::from(&Harness::new().sandbox);
        let listening = server::admin(&worlds, any()).await.unwrap();
        Self { worlds, listening }
    }

    /// Makes this number of calls in a world; each is one journal entry.
    async fn calls(&self, world: &str, count: usize, body: &Bytes) {
        let sandbox = self.worlds.get(world).unwrap();
        for _ in 0..count {
            sandbox.handle(Request::put("/api/2.10/putOrder").body(body.clone()).unwrap()).await;
        }
    }

    async fn follow(&self, query: &str, headers: &str) -> Stream {
        let mut stream = TcpStream::connect(self.listening.address()).await.unwrap();
        let request = format!(
            "GET /_sandbox/v1/events?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Stream { stream, read: String::new() };
        let head = stream.up_to("\r\n\r\n").await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
        stream
    }
}

/// A client that reads one piece at a time. Each piece is one chunk of the transfer coding.
struct Stream {
    stream: TcpStream,
    read: String,
}

impl Stream {
    /// What comes until this, `None` when the stream ends before. What never comes fails the test, and does not hang
    /// it: comments come all the time.
    async fn up_to(&mut self, end: &str) -> Option<String> {
        identkit_testkit::soon(end, self.read_up_to(end)).await
    }

    async fn read_up_to(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some(at) = self.read.find(end) {
                let rest = self.read.split_off(at + end.len());
                return Some(std::mem::replace(&mut self.read, rest));
            }
            let mut bytes = vec![0; 65_536];
            let count = self.stream.read(&mut bytes).await.unwrap();
            if count == 0 {
                return None;
            }
            self.read.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    }

    /// Reads the next event: its id and its data.
    async fn event(&mut self) -> (u64, Value) {
        loop {
            let piece = self.up_to("\n\n").await.expect("the stream goes on");
            let line = |name: &str| piece.lines().find_map(|line| line.strip_prefix(name));
            let Some(data) = line("data: ") else { continue };
            let value: Value = serde_json::from_str(data).unwrap();
            let (_, id) = line("id: ").unwrap().split_once('-').unwrap();
            let id: u64 = id.parse().unwrap();
            assert_eq!((&value["sequence"], value["kind"].as_str()), (&id.into(), line("event: ")));
            return (id, value);
        }
    }

    /// Reads to the regular end of the response.
    async fn ends(&mut self) {
        while let Some(piece) = self.up_to("\n\n").await {
            assert!(!piece.ends_with("\n:\n\n"), "the stream continues with a comment");
        }
        assert!(self.read.ends_with("0\r\n\r\n"), "{:?}", self.read);
    }
}

#[tokio::test]
async fn events_start_now_or_after_the_last_event_id() {
    let server = Server::new().await;
    let nothing = Bytes::new();
    server.calls("default", 3, &nothing).await;
    let mut now = server.follow("", "").await;
    // The stream starts before the first event.
    now.up_to("retry: 1000\n").await.unwrap();
    server.calls("default", 2, &nothing).await;
    assert_eq!((now.event().await.0, now.event().await.0), (4, 5));
    assert_eq!(server.follow("since=0", "").await.event().await.0, 1);
    assert_eq!(server.follow("since=3", "").await.event().await.0, 4);
    assert_eq!(server.follow("since=1", "Last-Event-ID: 4\r\n").await.event().await.0, 5, "a client that reconnects");
    // The number is from before the reset and has no meaning.
    assert_eq!(server.follow("", "Last-Event-ID: 99\r\n").await.event().await.0, 1);
}

#[tokio::test]
async fn a_reconnect_after_a_reset_misses_no_event() {
    let server = Server::new().await;
    let nothing = Bytes::new();
    server.calls("default", 2, &nothing).await;
    let mut before = server.follow("since=0", "").await;
    before.up_to("id: 1-2\n").await.unwrap();
    assert_eq!(server.follow("", "Last-Event-ID: 1-1\r\n").await.event().await.0, 2, "of this world");
    server.worlds.reset("default").unwrap();
    // The new world has reached the number of the old one.
    server.calls("default", 3, &nothing).await;
    let mut anew = server.follow("", "Last-Event-ID: 1-2\r\n").await;
    anew.up_to("id: 2-1\n").await.unwrap();
    assert_eq!(server.follow("", "Last-Event-ID: 2-2\r\n").await.event().await.0, 3);
    // No last event, as without the header: the stream starts with the next event.
    let mut none = server.follow("", "Last-Event-ID: \r\n").await;
    server.calls("default", 1, &nothing).await;
    assert_eq!(none.event().await.0, 4);
}

#[tokio::test]
async fn an_invalid_last_event_id_is_rejected() {
    let server = Server::new().await;
    let address = server.listening.address();
    let (status, _, output) =
        identkit_testkit::call(address, "GET", "/_sandbox/v1/events", "Last-Event-ID: x\r\n", "").await;
    assert!(status == 400 && output.contains(r#""rule":"admin-events""#), "{output}");
}

#[tokio::test]
async fn a_stream_ends_with_its_world_only() {
    let server = Server::new().await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    server.worlds.create(&named("mine")).unwrap();
    server.worlds.keep_snapshot("mine", "before").unwrap();
    let mut other = server.follow("", "").await;

    let mut stream = server.follow("world=mine", "").await;
    server.worlds.reset("mine").unwrap();
    stream.ends().await;
    let mut stream = server.follow("world=mine", "").await;
    server.worlds.restore("mine", "before").unwrap();
    stream.ends().await;
    let mut stream = server.follow("world=mine", "").await;
    server.worlds.delete("mine").unwrap();
    stream.ends().await;

    server.calls("default", 1, &Bytes::new()).await;
    assert_eq!(other.event().await.0, 1);
    let mut anew = server.follow("", "").await;
    server.worlds.reset("default").unwrap();
    other.ends().await;
    anew.ends().await;
    eventually("nothing of them is left", || tasks() <= before).await;
}

#[tokio::test]
async fn a_slow_reader_blocks_nothing_and_gets_all_entries_in_order() {
    let server = Server::new().await;
    // More than all buffers together can hold.
    let body = Bytes::from(format!("{:>20000}", "{}"));
    let mut slow = server.follow("since=0", "").await;
    server.calls("default", 2_000, &body).await;
    let mut quick = server.follow("since=1999", "").await;
    assert_eq!(quick.event().await.0, 2_000);
    for expected in 1..=2_000 {
        assert_eq!(slow.event().await.0, expected);
    }
}

#[tokio::test]
async fn a_reader_slower_than_the_journal_sees_a_gap_in_numbers() {
    let server = Server::new().await;
    server.worlds.default_world().with_world(|world| world.journal.set_limit(5));
    server.calls("default", 20, &Bytes::new()).await;
    assert_eq!(server.follow("since=2", "").await.event().await.0, 16);
}
