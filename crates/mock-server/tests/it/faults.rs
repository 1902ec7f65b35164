//! Faults: their effect on the wire, their rules, and the admin API.

use crate::support::*;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A listener, and connections to it.
struct Net {
    bench: Harness,
    listening: server::Listener,
    authority: Option<Authority>,
}

impl Net {
    async fn new(tls: bool) -> Self {
        let bench = Harness::new();
        let authority = tls.then(|| Authority::new().unwrap());
        let listening = server::vendors(&bench.sandbox, any(), authority.as_ref()).await.unwrap();
        Self { bench, listening, authority }
    }

    async fn connect(&self) -> Box<dyn Stream> {
        let tcp = TcpStream::connect(self.listening.address()).await.unwrap();
        let Some(authority) = &self.authority else { return Box::new(tcp) };
        let connector = TlsConnector::from(Arc::new(crate::support::net::trust(authority)));
        Box::new(connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap())
    }

    /// Reads a status: the whole response, and how it ended.
    async fn status(&self) -> (String, io::Result<()>) {
        let mut stream = self.connect().await;
        stream.write_all(request("GET", &format!("/getStatus/{EXAMPLE_ORDER}"), "").as_bytes()).await.unwrap();
        all_of(&mut stream).await
    }

    fn inject(&self, fault: Fault) {
        self.bench.sandbox.inject(fault).unwrap();
    }
}

fn request(method: &str, path: &str, body: &str) -> String {
    let code = encode_base64(b"sandbox-customer:sandbox-code");
    let length = body.len();
    format!(
        "{method} {TM}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {code}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

async fn all_of(stream: &mut Box<dyn Stream>) -> (String, io::Result<()>) {
    let mut read = Vec::new();
    let ended = within(20 * SECOND, stream.read_to_end(&mut read)).await.expect("the connection ends");
    (String::from_utf8_lossy(&read).into_owned(), ended.map(|_| ()))
}

/// Returns `Content-Length` and the body.
fn parts(answer: &str) -> (Option<usize>, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    (length.map(|length| length.parse().unwrap()), body)
}

fn is_reset(ended: &io::Result<()>) -> bool {
    ended.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
}

#[tokio::test(flavor = "multi_thread")]
async fn m_07_each_fault_has_its_effect_with_and_without_tls() {
    for tls in [false, true] {
        let net = Net::new(tls).await;
        let (whole, ended) = net.status().await;
        let (length, body) = parts(&whole);
        assert!(ended.is_ok() && length == Some(body.len()) && body.len() > 100, "{whole}");
        let body = body.to_owned();
        for fault in Fault::all() {
            let name = fault.name();
            if fault == Fault::ResultFalse {
                continue;
            }
            net.inject(fault.clone());
            let (answer, ended) = net.status().await;
            let (length, read) = parts(&answer);
            let good = answer.starts_with("HTTP/1.1 200 ");
            match name {
                "reset-before-commit" | "reset-after-commit" => {
                    assert!(is_reset(&ended) && answer.is_empty(), "{name}")
                }
                "reset-in-commit" => {
                    assert!(is_reset(&ended), "{name} {tls}: {ended:?}");
                    assert!(good && !answer.contains("\r\n\r\n"), "{name}: {answer}");
                }
                "truncated-body" => {
                    assert!(ended.is_ok(), "{name}");
                    assert_eq!((length, read), (Some(body.len()), &body[..body.len() / 2]), "{name}");
                }
                "missing-length" => assert_eq!((length, read), (None, &*body), "{name}"),
                "wrong-length" => assert_eq!((length, read), (Some(body.len() + 7), &*body), "{name}"),
                "invalid-json" => {
                    assert_eq!((length, read), (Some(body.len() - 1), &body[..body.len() - 1]), "{name}");
                }
                "wrong-content-type" => {
                    assert!(answer.contains("content-type: text/html\r\n") && read == body, "{name}")
                }
                "duplicate-keys" => assert!(read.starts_with("{\"OrderID\":null,\"OrderID\":"), "{name}: {read}"),
                "shape-variant" => assert!(good, "{name}"),
                "informational-flood" => {
                    assert_eq!(answer.matches("HTTP/1.1 103 ").count(), 100, "{name}");
                    assert!(answer.ends_with(&body), "{name}");
                }
                "latency" | "bandwidth" | "slow-drip" => assert!(good && read == body, "{name}"),
                "status" => assert!(answer.starts_with("HTTP/1.1 503 "), "{name}"),
                "rate-limit" => {
                    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("retry-after: 1\r\n"), "{name}");
                }
                "redirect" => {
                    let to = "location: https://redirected.invalid/\r\n";
                    assert!(answer.starts_with("HTTP/1.1 307 ") && answer.contains(to), "{name}");
                }
                other => panic!("{other} is not covered"),
            }
        }
        assert!(net.bench.sandbox.faults().iter().all(|injected| injected.left() == Some(0)));
        assert!(net.status().await.0.ends_with(&body), "the next call succeeds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m_07_a_request_is_reset_before_its_body_is_read() {
    let net = Net::new(false).await;
    net.inject(Fault::ResetInCommit { at: Middle::Request });
    let mut stream = net.connect().await;
    // The rest of the body is never sent, so the sandbox cannot wait for it.
    let whole = request("PUT", "/putOrder", &"x".repeat(100_000));
    stream.write_all(&whole.as_bytes()[..10_000]).await.unwrap();
    let (answer, ended) = all_of(&mut stream).await;
    assert!(is_reset(&ended) && answer.is_empty(), "{ended:?} {answer}");
    let (fault, status) = net.bench.sandbox.with_world(|world| {
        let (_, call) = world.journal.calls().next_back().unwrap();
        (call.fault, call.status)
    });
    assert_eq!((fault, status), (Some("reset-in-commit"), None));
}

#[tokio::test]
async fn only_identify24_responds_with_result_false() {
    let bench = Harness::new();
    let refused = bench.sandbox.inject(Rule::new(Fault::ResultFalse).operation("getStatus")).unwrap_err();
    assert!(refused.text().contains("identify24"), "{}", refused.text());
    let injected = bench.sandbox.inject(Fault::ResultFalse).unwrap();
    assert_eq!(bench.tm_call("GET", "/getBankList", "").await.status, 200);
    let answer = bench.log_in("{}").await;
    assert_eq!((answer.status, &answer.json()["result"]), (200, &json!(false)));
    assert_eq!(bench.sandbox.faults()[0].hits, 1);
    assert_eq!(bench.sandbox.faults()[0].id, injected.id);
}

/// Returns the statuses of this number of calls.
async fn statuses(bench: &Harness, calls: usize) -> Vec<u16> {
    let mut all = Vec::new();
    for _ in 0..calls {
        all.push(bench.tm_call("GET", &format!("/getStatus/{EXAMPLE_ORDER}"), "").await.status);
    }
    all
}

fn gone() -> Rule {
    Rule::new(Fault::Status { status: 503, retry_after: None, committed: false }).operation("GETSTATUS")
}

#[tokio::test]
async fn times_and_nth_limit_a_rule() {
    for (rule, expected) in [
        (gone(), [503, 200, 200, 200, 200]),
        (gone().times(2), [503, 503, 200, 200, 200]),
        (gone().nth(3), [200, 200, 503, 200, 200]),
        (gone().nth(2).times(3), [200, 503, 503, 503, 200]),
        (gone().always(), [503; 5]),
        (gone().operation("getBankList"), [200; 5]),
        (gone().vendor("identify24").operation("auth"), [200; 5]),
    ] {
        let bench = Harness::new();
        bench.sandbox.inject(rule.clone()).unwrap();
        assert_eq!(statuses(&bench, 5).await, expected, "{rule:?}");
    }
}

#[tokio::test]
async fn the_oldest_matching_rule_applies() {
    let bench = Harness::new();
    let status = |status| Rule::new(Fault::Status { status, retry_after: None, committed: false });
    bench.sandbox.inject(status(500).nth(2)).unwrap();
    bench.sandbox.inject(status(502)).unwrap();
    bench.sandbox.inject(status(504).times(2)).unwrap();
    assert_eq!(statuses(&bench, 5).await, [502, 500, 504, 504, 200]);
}

#[tokio::test]
async fn a_probability_is_drawn_from_the_seed() {
    let struck = |seed| async move {
        let bench = Harness::with(|builder| builder.seed(seed));
        bench.sandbox.inject(gone().probability(0.3)).unwrap();
        statuses(&bench, 200).await
    };
    let first = struck(7).await;
    assert_eq!(struck(7).await, first);
    assert_ne!(struck(8).await, first);
    let hits = first.iter().filter(|status| **status == 503).count();
    assert!((40..80).contains(&hits), "{hits}");
}

#[tokio::test]
async fn the_journal_has_the_fault_and_the_vendors_response() {
    let bench = Harness::new();
    let output = |bench: &Harness| {
        bench.sandbox.with_world(|world| {
            let (_, call) = world.journal.calls().next_back().unwrap();
            (call.operation.unwrap(), call.fault, call.status)
        })
    };
    for (fault, status) in [
        (Fault::ResetBeforeCommit, None),
        (Fault::ResetAfterCommit, Some(202)),
        (Fault::Status { status: 502, retry_after: None, committed: true }, Some(202)),
        (Fault::Status { status: 502, retry_after: None, committed: false }, Some(502)),
        (Fault::MissingLength, Some(202)),
    ] {
        bench.sandbox.inject(fault.clone()).unwrap();
        let before = bench.sandbox.cases("identity-tm").len();
        bench.tm_call("PUT", "/putOrder", serde_json::to_string(&order()).unwrap()).await;
        assert_eq!(output(&bench), ("putOrder", Some(fault.name()), status), "{fault:?}");
        let placed = bench.sandbox.cases("identity-tm").len() - before;
        assert_eq!(placed, usize::from(fault.commits()), "{fault:?}");
    }
    // A fault without effect is not recorded: the response has no such shape, or is not JSON.
    bench.sandbox.inject(Rule::new(Fault::DuplicateKeys)).unwrap();
    bench.tm_call("GET", "/serverStatus", "").await;
    assert_eq!(output(&bench), ("serverStatus", None, Some(200)));
}

#[tokio::test]
async fn latency_passes_with_stopped_and_with_advanced_time() {
    let bench = Harness::new();
    bench.sandbox.inject(Fault::Latency { by: Duration::from_millis(50) }).unwrap();
    // The call ends although time is not advanced.
    assert_eq!(statuses(&bench, 1).await, [200]);
    assert_eq!(bench.sandbox.now(), start_time());
    // Advancing by a day ends the call at once.
    bench.sandbox.inject(Fault::Latency { by: DAY }).unwrap();
    let sandbox = bench.sandbox.clone();
    let call = tokio::spawn(async move { statuses(&Harness { clock: sandbox.clock().clone(), sandbox }, 1).await });
    let waits = || bench.clock.next_due().is_some_and(|due| due > HOUR && due <= DAY);
    eventually("the call waits", || bench.sandbox.faults()[1].left() == Some(0) && waits()).await;
    assert!(!call.is_finished());
    bench.sandbox.advance(DAY).await;
    assert_eq!(within(20 * SECOND, call).await.unwrap().unwrap(), [200]);
}

#[tokio::test]
async fn slow_responses_follow_the_clock() {
    for (fault, pieces, pause) in
        [(Fault::Bandwidth { bytes_per_second: 1 }, 1, SECOND), (Fault::SlowDrip { bytes: 7, pause: HOUR }, 7, HOUR)]
    {
        let bench = Harness::new();
        let whole = bench.tm_call("GET", &format!("/getStatus/{EXAMPLE_ORDER}"), "").await.body;
        bench.sandbox.inject(fault).unwrap();
        let request = http::Request::builder()
            .uri(format!("http://x{TM}/getStatus/{EXAMPLE_ORDER}"))
            .header("authorization", format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code")))
            .body(identkit_wire::Body::empty())
            .unwrap();
        let context = identkit_transport::AttemptContext::new(false, identkit_core::Instant::NEVER);
        let transport = identkit_mock_server::InProcess(bench.sandbox.clone());
        let mut body = identkit_transport::Transport::send(&transport, request, &context).await.unwrap().into_body();
        let (mut read, mut came) = (Vec::new(), 0);
        while read.len() < whole.len() {
            let piece = tokio::select! {
                biased;
                piece = within(20 * SECOND, body.next()) => piece.expect("the body continues").unwrap().unwrap(),
                _ = bench.clock.advance(2 * HOUR) => continue,
            };
            assert!(piece.len() <= pieces, "{} at once", piece.len());
            came += 1;
            read.extend_from_slice(&piece);
        }
        assert_eq!(read, whole);
        assert!(came > 5 && bench.clock.now().0 >= pause * (came - 1), "no pauses between {came} pieces");
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_webhook_meets_its_fault_once() {
    let (bench, _) = Harness::with_receiver(Receiver::slow(50, 200));
    let id = bench.place(order_with(&["OnFinal"])).await;
    bench.begin(id.expose(), "positive").unwrap();
    let injected = bench.sandbox.inject(gone().probability(0.5).times(100)).unwrap();
    let path = format!("/getStatus/{}", id.expose());
    bench.tm_call("GET", &path, "").await;
    let after = bench.sandbox.faults();
    assert_eq!((after[0].id, after[0].seen), (injected.id, 1));
}

#[tokio::test]
async fn seen_counts_every_matching_call() {
    let bench = Harness::new();
    bench.sandbox.inject(gone()).unwrap();
    // The call that meets the older rule counts for this one, too.
    bench.sandbox.inject(gone().nth(3)).unwrap();
    bench.sandbox.inject(gone().operation("putOrder")).unwrap();
    assert_eq!(statuses(&bench, 4).await, [503, 200, 503, 200]);
    let counts = |rule: &InjectedRule| (rule.seen, rule.hits, rule.left());
    let counted: Vec<_> = bench.sandbox.faults().iter().map(counts).collect();
    assert_eq!(counted, [(4, 1, Some(0)), (4, 1, Some(0)), (0, 0, Some(1))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_reset_while_it_is_read_counts_once() {
    let net = Net::new(false).await;
    net.inject(Fault::ResetInCommit { at: Middle::Request });
    net.bench.sandbox.inject(gone().always()).unwrap();
    assert!(is_reset(&net.status().await.1));
    assert!(net.status().await.0.starts_with("HTTP/1.1 503 "));
    let counts = |rule: &InjectedRule| (rule.seen, rule.hits);
    assert_eq!(net.bench.sandbox.faults().iter().map(counts).collect::<Vec<_>>(), [(2, 1), (2, 1)]);
}

#[tokio::test]
async fn a_copy_of_a_world_has_its_own_faults() {
    let bench = Harness::new();
    bench.sandbox.inject(gone().times(2)).unwrap();
    assert_eq!(statuses(&bench, 1).await, [503]);
    let fork = bench.sandbox.fork();
    let fork = Harness { clock: fork.clock().clone(), sandbox: fork };
    assert_eq!(statuses(&fork, 2).await, [503, 200]);
    assert_eq!(statuses(&bench, 2).await, [503, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_07_the_admin_api_adds_lists_and_removes_faults() {
    let bench = Harness::new();
    let worlds = Worlds::from(&bench.sandbox);
    let door = Door::of(&worlds).await;
    let admin = async |method: &str, path: &str, body: &str| {
        let (status, _, text) = door.text(method, path, body).await;
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    let body = r#"{"operation":"getStatus","fault":"reset-after-commit","times":1}"#;
    let (status, output) = admin("POST", "faults", body).await;
    assert_eq!(status, 201);
    assert_eq!((&output["id"], &output["left"], &output["hits"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!((&output["fault"], &output["operation"]), (&json!("reset-after-commit"), &json!("getStatus")));
    statuses(&bench, 1).await;
    let (status, output) = admin("GET", "faults", "").await;
    assert_eq!(status, 200);
    assert_eq!((&output["faults"][0]["left"], &output["faults"][0]["hits"]), (&json!(0), &json!(1)));
    let known: BTreeSet<&str> = output["known"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(known, Fault::all().iter().map(Fault::name).collect());

    admin("POST", "faults", r#"{"fault":"latency","seconds":0.5}"#).await;
    let (status, output) = admin("DELETE", "faults/1", "").await;
    assert_eq!((status, output["faults"].as_array().unwrap().len(), &output["faults"][0]["id"]), (200, 1, &json!(2)));
    let (status, output) = admin("DELETE", "faults", "").await;
    assert_eq!((status, &output["faults"]), (200, &json!([])));

    let (_, other) = worlds.create(&Default::default()).unwrap();
    assert_eq!(other.faults(), []);
}

#[tokio::test]
async fn at_1000_rules_used_up_ones_are_removed() {
    let bench = Harness::new();
    let sandbox: &Sandbox = &bench.sandbox;
    for _ in 0..1_000 {
        sandbox.inject(gone()).unwrap();
    }
    assert_eq!(sandbox.inject(gone()).unwrap_err().status, 409);
    statuses(&bench, 1).await;
    sandbox.inject(gone()).unwrap();
    assert_eq!(sandbox.faults().len(), 1_000);
}

#[test]
fn the_guide_lists_every_fault() {
    let guide = include_str!("../../../../docs/sandbox-control.md");
    let (_, section) = guide.split_once("\n## Faults").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let listed: BTreeSet<&str> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(listed, Fault::all().iter().map(Fault::name).collect());
}

#[tokio::test]
async fn a_restored_world_continues_with_its_faults() {
    let bench = Harness::with(|builder| builder.profile(Profile::Chaos));
    bench.sandbox.inject(gone().nth(3).times(2)).unwrap();
    bench.sandbox.inject(gone().probability(0.5)).unwrap();
    statuses(&bench, 3).await;
    let vendors = identkit_mock_server::vendors::all();
    let saved = bench.sandbox.snapshot().to_json(&vendors).unwrap();
    let restored = identkit_mock_server::World::from_json(&vendors, &saved).unwrap();
    let restored = Harness::with(|builder| builder.world(restored));
    assert_eq!(restored.sandbox.faults(), bench.sandbox.faults());
    assert_eq!(statuses(&restored, 40).await, statuses(&bench, 40).await);
    for (place, value) in [
        ("/faults/rules/0/id", json!(7)),
        ("/faults/rules/1/id", json!(1)),
        ("/faults/rules/0/rule/fault", json!("fire")),
        ("/faults/random", json!(1)),
    ] {
        let mut damaged = saved.clone();
        *damaged.pointer_mut(place).unwrap() = value;
        let output = identkit_mock_server::World::from_json(&vendors, &damaged).unwrap_err().to_string();
        let expected = place.strip_suffix("/fault").unwrap_or(place);
        assert!(output.contains(expected), "{output}");
    }
}
