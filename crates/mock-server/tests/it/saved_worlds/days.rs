//! A world that is saved and restored at any step continues identically.

use super::through_text;
use crate::support::*;

/// The receivers' responses, then always 200, so that some first attempts fail.
const STATUSES: [Option<u16>; 8] = [Some(500), Some(202), None, Some(200), Some(404), Some(200), None, Some(503)];

/// A sandbox and its responses so far.
struct Day {
    bench: Harness,
    receiver: Receiver,
    /// Start of the bench.
    start: jiff::Timestamp,
    known: BTreeMap<&'static str, String>,
    log: Vec<String>,
}

const STEPS: usize = 17;

impl Day {
    fn begin(receiver: Receiver, start: jiff::Timestamp, seed: u64) -> Self {
        let through = receiver.clone();
        let bench = Harness::since(start, |builder| builder.seed(seed).webhook_transport(Arc::new(through)));
        receiver.by(&bench.clock);
        Self { bench, receiver, start, known: BTreeMap::new(), log: Vec::new() }
    }

    /// Continues in another sandbox, from the saved text.
    fn restored(&self) -> Self {
        let world = self.bench.sandbox.with_world(|world| through_text(world));
        let rest = STATUSES.get(self.receiver.count()..).unwrap_or_default();
        let mut day = Self::begin(Receiver::script(rest), world.now, 7);
        day.bench.sandbox.with_world(|place| *place = world);
        day.known.clone_from(&self.known);
        day
    }

    fn note(&mut self, answer: &Answer) {
        self.log.push(format!("{} {:?} {:?}", answer.status, answer.headers, answer.body));
    }

    async fn place(&mut self, name: &'static str, order: &PutOrder) {
        let answer = self.bench.tm_call("PUT", "/putOrder", serde_json::to_vec(order).unwrap()).await;
        self.note(&answer);
        self.known.insert(name, answer.json()["OrderID"].as_str().unwrap().to_owned());
    }

    async fn get(&mut self, path: &str, name: &str) -> Answer {
        let path = path.replace("{}", self.known.get(name).map_or(name, String::as_str));
        let answer = self.bench.tm_call("GET", &path, "").await;
        self.note(&answer);
        answer
    }

    async fn play(&self, name: &str, story: &str) {
        self.bench.play(&self.known[name], story).await;
    }

    /// Executes a step of a script that uses everything a world can contain.
    async fn step(&mut self, step: usize) {
        let pdf = || SignPdf::default().filename("contract.pdf").data(Blob::Text(sample_contract().into()));
        match step {
            0 => {
                let url = Secret::new("https://hooks.example/identify24/t0ken/status");
                self.bench.sandbox.with_world(|world| {
                    identify24::set_webhook(world, Some(url));
                    identify24::configure(world, |settings| settings.creates_left = Some(2));
                    identity_tm::configure(world, |settings| settings.voice_files = true);
                });
            }
            1 => {
                let answer = self.bench.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#).await;
                self.note(&answer);
                self.known.insert("token", answer.json()["token"].as_str().unwrap().to_owned());
            }
            2 | 15 => {
                let body = fixture("identify24", "S-012-ident-create-curl-body.json");
                let answer = self.bench.i24_call(&self.known["token"], "POST", "/ident/create", body).await;
                self.note(&answer);
                if step == 2 {
                    self.known.insert("ident", answer.json()["ident_id"].as_str().unwrap().to_owned());
                }
            }
            3 => self.place("filmed", &order_with(&["AfterVideo", "OnFinal"]).add(131_072_u64)).await,
            4 => {
                let mut order = order_with(&["AfterIdent", "OnFinal"]).product(15_u32).get_target_link(true);
                order.extra.insert("Unlisted".into(), json!({ "null": null, "float": 0.1, "list": [1, -1, "ä"] }));
                self.place("signing", &order.sign_pdf(OneOrMany::One(pdf()))).await;
            }
            5 => self.play("filmed", "positive").await,
            6 => self.play("signing", "identified").await,
            7 => {
                let order = &self.known["filmed"];
                let body = r#"{"callbackUrl":"https://hooks.example/identity-tm/t0ken/video"}"#;
                let answer = self.bench.tm_call("POST", &format!("/getVideoFileBinaryAsync/{order}"), body).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
            8 => {
                let answer = self.bench.tm_call("POST", &format!("/requestSign/{}", self.known["signing"]), "").await;
                assert_eq!(answer.status, 202, "{}", answer.text());
                self.note(&answer);
            }
            9 => drop(self.bench.clock.advance(10 * MINUTE).await),
            10 => drop(self.get("/getAllStatus", "").await),
            11 => {
                let id = &self.known["signing"];
                let tan = self.bench.tan(id);
                let wrong = self.bench.tm_call("POST", &format!("/confirmSign/{id}"), r#"{"tan":"x"}"#).await;
                let right = format!(r#"{{"tan":"{tan}"}}"#);
                let right = self.bench.tm_call("POST", &format!("/confirmSign/{id}"), right).await;
                assert_eq!((wrong.status, right.status), (400, 202), "{} {}", wrong.text(), right.text());
                self.note(&wrong);
                self.note(&right);
            }
            12 => {
                let form = self.get("/getIdentData/{}/Signed", "signing").await.text();
                for (name, form) in [("again", form.clone()), ("tampered", form + "\n")] {
                    let order = order().product(15_u32).sign_pdf(OneOrMany::Many(vec![pdf()]));
                    self.place(name, &order.ident_data_signed(Secret::new(form))).await;
                }
                let output = self.bench.sandbox.inspect(&self.known["again"]).unwrap();
                self.log.push(format!("{output}"));
            }
            13 => {
                let mut body = serde_json::to_value(order().product(15_u32)).unwrap();
                body["MultiSignOptions"] = json!({ "FirstOrderID": self.known["again"] });
                let answer = self.bench.tm_call("PUT", "/putOrder", body.to_string()).await;
                self.note(&answer);
                self.known.insert("copied", answer.json()["OrderID"].as_str().unwrap().to_owned());
                self.play("copied", "signed").await;
            }
            14 => {
                let ident = self.known["ident"].clone();
                self.bench.play(&ident, "negative").await;
                self.bench.clock.advance(20 * MINUTE).await;
            }
            _ => {
                for name in ["filmed", "signing", "again", "tampered", "copied", EXAMPLE_ORDER] {
                    for path in
                        ["/getStatus/{}/ExtendedList", "/getIdentData/{}", "/getIdentData/{}/IncludeInitialData"]
                    {
                        self.get(path, name).await;
                    }
                    self.get("/getESignPDF/{}", name).await;
                    self.get("/getIdentDataPDF/{}", name).await;
                    self.get("/getVideoFileBinary/{}", name).await;
                }
                self.get("/getAllStatus/ExtendedList", "").await;
                let path = format!("/ident/get/{}", self.known["ident"]);
                let answer = self.bench.i24_call(&self.known["token"], "GET", &path, "").await;
                self.note(&answer);
                self.bench.clock.advance(100 * DAY).await;
                for name in ["filmed", "tampered"] {
                    self.get("/getStatus/{}/ExtendedList", name).await;
                }
                self.place("last", &order().get_video_hashes(true)).await;
            }
        }
        // The order of simultaneous webhooks is undefined.
        self.bench.clock.advance(7 * SECOND).await;
    }

    /// Returns responses and webhooks since then, and the world at the end.
    fn end(&self, since: (usize, usize)) -> (Vec<String>, Value) {
        let mut log = self.log[since.0..].to_vec();
        for call in self.receiver.arrived().into_iter().skip(since.1) {
            let at = self.start.checked_add(jiff::SignedDuration::try_from(call.at.0).unwrap()).unwrap();
            log.push(format!("{at} {} {} {:?} {:?}", call.method, call.uri, call.headers, call.body));
        }
        (log, self.bench.sandbox.with_world(|world| world.to_json(&vendors::all()).unwrap()))
    }
}

fn sample_contract() -> String {
    encode_base64(&identkit_synthetic::sample_contract())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_restored_at_any_step_continues_identically() {
    for cut in 0..=STEPS {
        let mut day = Day::begin(Receiver::script(&STATUSES), start_time(), 7);
        for step in 0..cut {
            day.step(step).await;
        }
        let mut other = day.restored();
        let since = (day.log.len(), day.receiver.count());
        for step in cut..STEPS {
            day.step(step).await;
            other.step(step).await;
        }
        let (one, two) = (day.end(since), other.end((0, 0)));
        for (one, other) in one.0.iter().zip(&two.0) {
            assert_eq!(one, other, "cut before step {cut}");
        }
        assert_eq!(one.0.len(), two.0.len());
        assert!(cut > 0 || one.0.len() > 40, "{}", one.0.len());
        assert!(one.1 == two.1, "cut before step {cut}");
    }
}

/// Runs the whole script; returns responses and webhooks, and the world at the end.
async fn whole(seed: u64) -> (Vec<String>, Value) {
    let mut day = Day::begin(Receiver::script(&STATUSES), start_time(), seed);
    for step in 0..STEPS {
        day.step(step).await;
    }
    day.end((0, 0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_seed_and_script_give_the_same_bytes() {
    let first = whole(7).await;
    for _ in 0..10 {
        let again = whole(7).await;
        for (one, other) in first.0.iter().zip(&again.0) {
            assert_eq!(one, other);
        }
        assert!(first == again);
    }
    let other = whole(8).await.0;
    assert_eq!(first.0.len(), other.len(), "the number of responses is the same");
    // The login, the ident, and two orders.
    for (one, other) in first.0.iter().zip(&other).take(4) {
        assert_ne!(one, other, "another seed gives other ids and tokens");
    }
}
