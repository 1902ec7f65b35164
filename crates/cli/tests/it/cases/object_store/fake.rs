//! A fake object store that answers as a test says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;

/// How the store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Works,
    /// It ignores If-None-Match.
    Overwrites,
    /// It answers each request with an error: status and code.
    Fails(u16, &'static str),
    /// It reads each request and never answers.
    Hangs,
    /// It closes each connection.
    Dead,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    objects: BTreeMap<String, Vec<u8>>,
}

/// The store. Its threads end with the process.
#[derive(Debug)]
struct Fake {
    state: Arc<Mutex<State>>,
    place: S3,
}

impl Fake {
    fn new(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { mode, objects: BTreeMap::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream.unwrap(), &state));
            }
        });
        let place = S3 { endpoint, url: "s3://evidence/p".to_owned(), key: "id", secret: SECRETS[0] };
        Self { state, place }
    }

    fn set(&self, mode: Mode) {
        self.state.lock().unwrap().mode = mode;
    }

    fn objects(&self) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().cloned().collect()
    }

    fn service(&self) -> Service {
        Service { s3: Some(self.place.clone()), ..Service::new() }
    }
}

/// Serves a connection until its end.
fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let (mut line, mut length, mut is_conditional) = (String::new(), 0, false);
        let mut request = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            let lower = line.trim().to_lowercase();
            if request.is_empty() {
                request = line.trim().to_owned();
            } else if let Some(number) = lower.strip_prefix("content-length: ") {
                length = number.parse().unwrap();
            }
            is_conditional |= lower == "if-none-match: *";
            line.clear();
        }
        let mut body = vec![0; length];
        if request.is_empty() || reader.read_exact(&mut body).is_err() {
            return;
        }
        let Some((status, answer)) = answer(&mut state.lock().unwrap(), &request, body, is_conditional) else {
            if state.lock().unwrap().mode == Mode::Dead {
                return;
            }
            continue;
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\netag: \"1\"\r\nlast-modified: Mon, 30 Nov 2026 09:00:00 GMT\r\n\r\n",
            answer.len()
        );
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer)).is_err() {
            return;
        }
    }
}

/// Status and body of a response. `None`: there is none.
fn answer(state: &mut State, request: &str, body: Vec<u8>, is_conditional: bool) -> Option<(u16, Vec<u8>)> {
    match state.mode {
        Mode::Hangs | Mode::Dead => return None,
        Mode::Fails(status, code) => return Some((status, error(code))),
        Mode::Works | Mode::Overwrites => {}
    }
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let upload = b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";
    Some(match method {
        "PUT" if is_conditional && state.mode == Mode::Works && state.objects.contains_key(path) => {
            (412, error("PreconditionFailed"))
        }
        "PUT" => {
            state.objects.insert(path.to_owned(), body);
            (200, Vec::new())
        }
        "POST" => (200, upload.to_vec()),
        "DELETE" => {
            state.objects.remove(path);
            (204, Vec::new())
        }
        _ if query.contains("list-type") => (200, list(state)),
        _ => match state.objects.get(path) {
            Some(object) => (200, object.clone()),
            None => (404, error("NoSuchKey")),
        },
    })
}

fn error(code: &str) -> Vec<u8> {
    format!("<Error><Code>{code}</Code><Message>{}</Message></Error>", SECRETS[1]).into_bytes()
}

fn list(state: &State) -> Vec<u8> {
    let object = |path: &String| {
        let key = path.strip_prefix("/evidence/").unwrap();
        format!(
            "<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-11-30T09:00:00.000Z</LastModified></Contents>"
        )
    };
    let objects: String = state.objects.keys().map(object).collect();
    format!("<ListBucketResult>{objects}</ListBucketResult>").into_bytes()
}

#[test]
fn a_store_that_cannot_be_used_is_named_at_the_start() {
    let fake = Fake::new(Mode::Works);
    let service = fake.service();
    let check = || run(&mut service.collector(&["--check"]));
    check().ends_with(0, &[]).logs_none_of(&SECRETS);
    for (mode, words) in [
        (Mode::Overwrites, "ignores If-None-Match"),
        (Mode::Fails(403, "SignatureDoesNotMatch"), "(HTTP 403, SignatureDoesNotMatch); check the credentials"),
        (Mode::Fails(404, "NoSuchBucket"), "(HTTP 404, NoSuchBucket); check the name of the bucket"),
        (Mode::Fails(501, "NotImplemented"), "(HTTP 501, NotImplemented); it must support conditional creation"),
        (Mode::Fails(301, "PermanentRedirect"), "check the endpoint, the region"),
        (Mode::Fails(503, "SlowDown"), "(HTTP 503, SlowDown); check the store and the network"),
        (Mode::Dead, "could not be reached"),
    ] {
        fake.set(mode);
        check().ends_with(1, &["--sink s3://evidence/p cannot be used", words]).logs_none_of(&SECRETS);
        let started = Running::try_start(&mut service.collector(&[])).map(drop).unwrap_err();
        assert!(started.code == Some(1) && started.stderr.contains(words), "{started:?}");
        assert_eq!(fake.objects(), [""; 0], "{mode:?}");
    }
}

/// Asserts that nothing is deleted while the store has a mode, and that the case continues later.
fn assert_continues(mode: Mode, words: &str) {
    let fake = Fake::new(Mode::Works);
    let service = fake.service();
    let running = service.start(&[]);
    fake.set(mode);
    let case = service.open_order(&json!({}));
    service.play(&case, "positive");
    let status = service.until(&case, |status| status["failures"] != 0);
    assert_eq!(status["state"], "collecting", "{status:#}");
    let explained = service.run(&format!("case explain {}", case["case"]));
    assert!(explained.ends_with(0, &[]).stdout.contains(words), "{explained:?}");
    assert_eq!((service.calls("delIdentdata"), service.ledger().len()), (0, 0), "nothing is deleted before");
    fake.set(Mode::Works);
    service.run(&format!("case retry {}", case["case"])).ends_with(0, &[]);
    let status = service.becomes(&case, "deleted");
    service.assert_artifacts(&status);
    assert_eq!(fake.objects().len(), status["artifacts"].as_array().unwrap().len());
    running.end("TERM").logs_none_of(&SECRETS);
}

#[test]
fn a_store_that_fails_delays_a_case_and_deletes_nothing() {
    assert_continues(Mode::Fails(503, "SlowDown"), "(HTTP 503, SlowDown)");
}

#[test]
fn a_store_that_hangs_delays_a_case_and_deletes_nothing() {
    assert_continues(Mode::Hangs, "did not answer in time");
}

#[test]
fn a_store_that_dies_delays_a_case_and_deletes_nothing() {
    assert_continues(Mode::Dead, "could not be reached");
}

/// A store that fails after the collection: its artifacts are read again before the deletion.
#[test]
fn an_artifact_lost_in_the_store_deletes_nothing() {
    let fake = Fake::new(Mode::Works);
    let service = fake.service();
    let running = service.start(&["--delete-after", "1h"]);
    let case = service.open_order(&json!({}));
    service.play(&case, "positive");
    let status = service.becomes(&case, "collected");
    service.assert_artifacts(&status);
    running.end("TERM");
    fake.state.lock().unwrap().objects.pop_first().unwrap();
    // The endpoint is the one that the collector used.
    let mut command = service.sandbox.identkit();
    command.args(["case", "delete", &case["case"].to_string(), "--store", &service.store()]);
    command.env("AWS_ACCESS_KEY_ID", fake.place.key).env("AWS_SECRET_ACCESS_KEY", fake.place.secret);
    let failed = run(&mut command);
    assert!(failed.code == Some(1) && failed.stderr.contains("is missing"), "{failed:?}");
    failed.logs_none_of(&SECRETS);
    assert_eq!((service.calls("delIdentdata"), service.ledger().len()), (0, 0));
}

#[test]
fn trust_and_proxy_of_the_store_are_checked() {
    let service = Service::of(Sandbox::start());
    let (https, ca_file) =
        (service.sandbox.ready_text("/identity_tm/base_url"), service.sandbox.ready_text("/ca_file"));
    let check = |endpoint: &str, variables: &[(&str, &str)]| {
        let s3 = S3 { endpoint: endpoint.to_owned(), url: "s3://evidence".to_owned(), key: "id", secret: SECRETS[0] };
        let mut command = service.command("run --provider tm --check --sink s3://evidence");
        s3.set(&mut command);
        run(command.envs(variables.iter().copied()))
    };
    // The authorities of --ca-file are for the vendors only.
    check(https, &[]).ends_with(1, &["could not be reached", "no trusted authority issued it"]);
    check(https, &[("AWS_CA_BUNDLE", ca_file)]).ends_with(1, &["the object store", "HTTP 4"]).logs_none_of(&SECRETS);
    check(https, &[("AWS_CA_BUNDLE", "/nowhere")]).ends_with(2, &["--s3-ca-file (AWS_CA_BUNDLE)", "/nowhere"]);
    let proxy = [("IDENTKIT_PROXY", "http://127.0.0.1:9")];
    check("http://127.0.0.1:9", &proxy).ends_with(2, &["--s3-endpoint begins with http://", "the proxy"]);
    check("http://store.example.com", &[]).ends_with(2, &["--s3-endpoint or AWS_ENDPOINT_URL", "https://"]);
}
