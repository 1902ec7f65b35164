//! Records of requests that must not be repeated: what is on disk whenever a command ends.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::support::{
    HANGS, ORDER, Reply, Run, Sandbox, Server, Vendor, assert_private, clean_command, feed, ident, identkit, names,
    on_full_disk, order, run, send, whole,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const PLACE: &str = "tm put-order -";
const CREATE: &str = "identify24 create -";
const PLACED: &str = r#"{"OrderID":"99921269855099","Ref":"my-ref","TargetURL":"https://example.com/t"}"#;
const CREATED: &str =
    r#"{"result":true,"ident_id":"secret-1dent","conference_url":"https://example.com/secret-1dent"}"#;

/// A state directory that does not exist yet.
struct State {
    folder: TempDir,
}

impl State {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a/b")
    }

    /// A command with this state directory.
    fn command(&self, vendor: &(impl Vendor + ?Sized), line: &str) -> Command {
        let mut command = vendor.command(line);
        command.env("IDENTKIT_STATE_DIR", self.path());
        command
    }

    fn state(&self, line: &str) -> Run {
        run(identkit().arg("state").args(line.split(' ')).arg("--state").arg(self.path()))
    }

    fn records(&self) -> Vec<Value> {
        let list = self.state("list --output json").ends_with(0, &[]).json();
        list["records"].as_array().unwrap().clone()
    }

    /// The only record.
    #[track_caller]
    fn record(&self) -> Value {
        let records = self.records();
        assert_eq!(records.len(), 1, "{records:?}");
        records[0].clone()
    }

    /// The only record with its response.
    fn shown(&self) -> Value {
        let name = self.record()["name"].as_str().unwrap().to_owned();
        self.state(&format!("show {name} --output json")).ends_with(0, &[]).json()
    }

    /// The content of the only file.
    fn text(&self) -> String {
        let mut files = std::fs::read_dir(self.path()).into_iter().flatten();
        files.next().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap_or_default()
    }
}

fn order_text() -> String {
    order(&json!({ "Ref": "my-ref" }))
}

/// The input of a command that creates.
fn input(line: &str) -> String {
    if line.starts_with("tm") { order_text() } else { ident(&json!({})) }
}

/// Runs a command with this standard output, and returns exit code and standard error.
fn with_output(command: &mut Command, line: &str, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.take().unwrap().write_all(input(line).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn created() -> Server {
    Server::after_login(|_| Reply::json("200 OK", CREATED))
}

#[cfg(unix)]
mod killed {
    use super::*;

    /// Kills a command when `is_ready`, and returns its state directory.
    #[track_caller]
    fn killed(server: &Server, line: &str, stdout: Stdio, is_ready: impl Fn(&State) -> bool) -> State {
        let state = State::new();
        let mut command = state.command(server, line);
        let mut child = command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input(line).as_bytes()).unwrap();
        let began = Instant::now();
        while !is_ready(&state) {
            assert!(began.elapsed() < HANGS, "the step was not reached: {}", state.text());
            assert_eq!(child.try_wait().unwrap(), None, "the process ended before the step: {}", state.text());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(state.record()["state"], "running");
        let name = names(&state.path()).remove(0);
        state.state(&format!("purge {name}")).fails_with(2, &["its command is running"]);
        send("KILL", child.id());
        child.wait().unwrap();
        assert_eq!(state.record()["open"], state.record()["state"] != "unsent");
        state
    }

    fn is_recorded(event: &'static str) -> impl Fn(&State) -> bool {
        move |state| state.text().contains(&format!("\"event\":\"{event}\""))
    }

    #[test]
    fn the_next_create_reports_what_a_killed_one_left() {
        let folder = tempfile::tempdir().unwrap();
        let line = |name: &str| format!("{CREATE} --out {}", folder.path().join(name).display());
        let server = Server::after_login(|_| Reply::silence());
        let is_sent = |_: &State| server.calls().iter().any(|call| call.contains("create"));
        killed(&server, &line("first.json"), Stdio::null(), is_sent);
        let left = names(folder.path()).remove(0);
        let partial = folder.path().join(".identkit-tmp-partial");
        std::fs::write(&partial, CREATED).unwrap();
        let result = created().feed(&line("second.json"), &ident(&json!({})));
        result.ends_with(0, &[&format!("{left}, an empty file"), "tmp-partial is left from a command that was killed"]);
        assert_eq!(names(folder.path()), [".identkit-tmp-partial", "second.json"]);
        assert_eq!(std::fs::read_to_string(&partial).unwrap(), CREATED);
        // A file of a running command stays.
        let mut running = server.command(&line("third.json"));
        let mut running = running.stdin(Stdio::piped()).spawn().unwrap();
        running.stdin.take().unwrap().write_all(ident(&json!({})).as_bytes()).unwrap();
        let began = Instant::now();
        while names(folder.path()).len() < 3 {
            assert!(began.elapsed() < HANGS);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        created().feed(&line("fourth.json"), &ident(&json!({}))).ends_with(0, &["tmp-partial is left"]);
        assert_eq!(names(folder.path()).len(), 4);
        running.kill().unwrap();
        running.wait().unwrap();
    }

    #[test]
    fn before_a_request_only_its_intent_is_recorded() {
        let server = Server::always(Reply::silence);
        let state =
            killed(&server, CREATE, Stdio::null(), |state| is_recorded("intent")(state) && !server.calls().is_empty());
        assert_eq!(server.calls(), ["POST /auth"]);
        let record = state.record();
        assert_eq!((&record["operation"], &record["state"]), (&json!("ident/create"), &json!("unsent")));
    }

    #[test]
    fn a_request_is_recorded_before_it_is_sent() {
        for partial in ["", "HTTP/1.1 202 Accep"] {
            let server = Server::always(move || Reply::Stall(partial.into()));
            let state = killed(&server, PLACE, Stdio::null(), |_| !server.calls().is_empty());
            let record = state.record();
            assert_eq!((&record["operation"], &record["state"]), (&json!("putOrder"), &json!("unanswered")));
            assert_eq!(record["names"], json!({ "Ref": "my-ref" }));
        }
    }

    #[test]
    fn at_97_a_head_is_recorded_before_its_body_arrives() {
        let head = "HTTP/1.1 202 Accepted\r\nLocation: /order/4711\r\nContent-Length: 90\r\n\r\n";
        for line in [PLACE, "tm sign request 4712"] {
            let server = Server::always(move || Reply::Stall(head.into()));
            let state = killed(&server, line, Stdio::null(), is_recorded("response"));
            let shown = state.shown();
            assert_eq!((&shown["state"], &shown["http_status"]), (&json!("answered"), &json!(202)));
            assert!(shown["headers"].as_array().unwrap().contains(&json!(["location", "/order/4711"])), "{shown}");
            assert_eq!((&shown["text"], &shown["complete"]), (&json!(""), &json!(false)));
            let name = shown["name"].as_str().unwrap();
            state.state(&format!("show {name}")).shows(&["header location\t/order/4711", "HTTP status\t202"]);
        }
    }

    #[test]
    fn a_part_of_a_response_is_recorded() {
        let server = Server::always(|| {
            let response = String::from_utf8(whole("application/json", PLACED.as_bytes())).unwrap();
            Reply::Stall(response.replace("200 OK", "202 Accepted").as_bytes()[..110].into())
        });
        let state = killed(&server, PLACE, Stdio::null(), is_recorded("body"));
        let shown = state.shown();
        assert_eq!((&shown["state"], &shown["http_status"]), (&json!("answered"), &json!(202)));
        let text = shown["text"].as_str().unwrap();
        assert!(!text.is_empty() && PLACED.starts_with(text) && shown["complete"] == false, "{shown}");
        assert!(shown["headers"].as_array().unwrap().contains(&json!(["content-type", "application/json"])));
    }

    #[test]
    fn a_response_is_recorded_before_it_is_printed() {
        let server = Server::json("202 Accepted", PLACED);
        // A full pipe: the process cannot print.
        let (_reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(&[b'x'; 64 * 1024]).unwrap();
        let state = killed(&server, PLACE, writer.into(), is_recorded("end"));
        let shown = state.shown();
        assert_eq!((&shown["state"], &shown["text"]), (&json!("answered"), &json!(PLACED)));
        assert_eq!(shown["complete"], true);
        assert_eq!(server.calls(), ["PUT /putOrder"]);
    }
}

#[test]
fn a_record_is_private_and_closed_after_its_result() {
    let state = State::new();
    let server = Server::json("202 Accepted", PLACED);
    let result = crate::support::feed(&mut state.command(&server, PLACE), order_text().as_bytes());
    assert_eq!(result.ends_with(0, &[]).shows(&["99921269855099"]).stderr, "");
    let record = state.record();
    assert_eq!((&record["state"], &record["open"]), (&json!("done"), &json!(false)));
    assert_eq!(record["names"], json!({ "OrderID": "99921269855099", "Ref": "my-ref" }));
    let file = PathBuf::from(record["path"].as_str().unwrap());
    [&*file, &state.path(), state.path().parent().unwrap()].into_iter().for_each(assert_private);
    // Nothing of the request but its Ref is recorded.
    assert!(!state.text().contains("Mustermann") && !state.text().contains("example.org"), "{}", state.text());
}

#[test]
fn each_outcome_closes_the_record_or_leaves_it_open() {
    for (status, body, line, code, expected) in [
        ("202 Accepted", PLACED, PLACE, 0, "done"),
        ("400 Bad Request", "{}", PLACE, 5, "refused"),
        ("401 Unauthorized", "{}", PLACE, 3, "refused"),
        ("500 Internal Server Error", PLACED, PLACE, 6, "unknown"),
        ("", "", PLACE, 6, "unknown"),
        ("202 Accepted", "", "tm sign request 99921269855041", 0, "done"),
    ] {
        let reply = move || if status.is_empty() { Reply::close() } else { Reply::json(status, body) };
        let (state, server) = (State::new(), Server::always(reply));
        let result = crate::support::feed(&mut state.command(&server, line), order_text().as_bytes());
        result.ends_with(code, &[]);
        let record = state.record();
        assert_eq!(record["state"], expected, "{result:#?}");
        let name = record["name"].as_str().unwrap();
        assert_eq!(result.stderr.contains(name), expected == "unknown", "{result:#?}");
    }
    let state = State::new();
    let mut command = state.command(crate::support::NO_SERVER, &format!("{PLACE} --timeout 1"));
    crate::support::feed(&mut command, order_text().as_bytes()).ends_with(7, &[]);
    assert_eq!(state.record()["state"], "unsent");
    // A read writes no record.
    let state = State::new();
    run(&mut state.command(&Sandbox::start(), &format!("tm status {ORDER}"))).ends_with(0, &[]);
    assert!(!state.path().exists());
}

#[test]
fn at_24_a_success_about_another_order_is_6() {
    const OTHER: &str = r#"{"order_id":"9992OTHER"}"#;
    for (line, status) in [
        ("tm sign request 4711", "202 Accepted"),
        ("tm sign resend 4711", "202 Accepted"),
        ("tm sign confirm 4711 --tan 123456", "202 Accepted"),
        ("tm cancel 4711 --yes", "202 Accepted"),
        ("tm delete 4711 --yes", "202 Accepted"),
        ("tm video request 4711 --callback-url https://example.com/h", "200 OK"),
    ] {
        let (state, server) = (State::new(), Server::json(status, OTHER));
        let result = run(&mut state.command(&server, line));
        result.fails_with(6, &["identkit state show"]);
        let shown = state.shown();
        assert_eq!((&shown["state"], &shown["text"]), (&json!("unknown"), &json!(OTHER)), "{line}");
        assert_eq!(shown["names"], json!({ "OrderID": "4711" }), "the order that was asked for: {line}");
    }
    let (state, server) = (State::new(), Server::json("202 Accepted", r#"{"OrderID":"9992OTHER"}"#));
    run(&mut state.command(&server, "tm sign request 4711")).fails_with(6, &["another order", "OrderID 9992OTHER"]);
    assert_eq!(state.record()["names"], json!({ "OrderID": "4711" }));
}

#[cfg(target_os = "linux")]
#[test]
fn a_lost_result_names_the_order_and_its_record() {
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap().into();
    let closed = || {
        let (_, writer) = std::io::pipe().unwrap();
        writer.into()
    };
    let outputs: [fn() -> Stdio; 2] = [full, closed];
    for stdout in outputs {
        for more in ["", " --output json"] {
            let (state, server) = (State::new(), Server::json("202 Accepted", PLACED));
            let line = format!("{PLACE}{more}");
            let (code, stderr) = with_output(&mut state.command(&server, &line), &line, stdout());
            let record = state.record();
            assert_eq!((code, &record["state"]), (Some(1), &json!("undelivered")), "{stderr}");
            for word in
                ["putOrder succeeded", "standard output", "99921269855099", "my-ref", record["path"].as_str().unwrap()]
            {
                assert!(stderr.contains(word), "{word}: {stderr}");
            }
            assert_eq!(server.calls(), ["PUT /putOrder"]);

            // An ident_id is a secret: only the record has it.
            let (state, server) = (State::new(), created());
            let line = format!("{CREATE}{more}");
            let (code, stderr) = with_output(&mut state.command(&server, &line), &line, stdout());
            assert!(code == Some(1) && !stderr.contains("secret-1dent"), "{stderr}");
            assert!(stderr.contains(state.record()["path"].as_str().unwrap()), "{stderr}");
            assert!(state.shown()["text"].as_str().unwrap().contains("secret-1dent"));

            // Without a record, it would be lost.
            let line = format!("{CREATE} --no-state{more}");
            let (code, stderr) = with_output(&mut state.command(&created(), &line), &line, stdout());
            assert!(code == Some(1) && stderr.contains("ident_id secret-1dent"), "{stderr}");
            assert!(stderr.contains("; conference_url https://"), "{stderr}");
            let line = format!("{PLACE} --no-state{more}");
            let placed = Server::json("202 Accepted", PLACED);
            let (_, stderr) = with_output(&mut state.command(&placed, &line), &line, stdout());
            assert!(stderr.contains("; TargetURL https://example.com/t"), "{stderr}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_standard_output_loses_no_result() {
    for redirection in [">&-", "1</dev/null"] {
        let (state, server) = (State::new(), Server::json("202 Accepted", PLACED));
        let mut shell = redirected(&state.command(&server, PLACE), redirection);
        let (code, stderr) = with_output(&mut shell, PLACE, Stdio::null());
        assert!(code == Some(1) && stderr.contains("99921269855099"), "{redirection}: {stderr}");
        assert_eq!(state.record()["state"], "undelivered");
        // Without a record, the error is the only copy.
        let mut shell = redirected(&created().command(&format!("{CREATE} --no-state")), redirection);
        let (code, stderr) = with_output(&mut shell, CREATE, Stdio::null());
        assert!(code == Some(1) && stderr.contains("ident_id secret-1dent"), "{redirection}: {stderr}");
    }
    let server = Server::json("202 Accepted", PLACED);
    // To discard the result is a decision.
    let state = State::new();
    let null = std::fs::File::options().write(true).open("/dev/null").unwrap();
    let (code, stderr) = with_output(&mut state.command(&server, PLACE), PLACE, null);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

/// The command with a stream of its own.
fn redirected(command: &Command, redirection: &str) -> Command {
    let mut shell = clean_command("sh");
    shell.args(["-c", &format!("exec \"$@\" {redirection}"), "sh"]).arg(command.get_program());
    shell.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_never_a_success() {
    let (sandbox, state) = (Sandbox::start(), State::new());
    let status = format!("tm status {ORDER}");
    for line in [&status, &format!("tm finality {ORDER}"), &format!("{status} --raw -"), "state list"] {
        for redirection in [">&-", "1</dev/null"] {
            let result = run(&mut redirected(&state.command(&sandbox, line), redirection));
            result.ends_with(1, &["cannot be written", "standard output"][1..]);
        }
    }
}

#[test]
fn ai_31_a_refused_create_is_not_unsent() {
    // The vendor refuses the token; the second login does not get through.
    for status in ["401 Unauthorized", "429 Too Many Requests"] {
        let (state, logins) = (State::new(), std::sync::atomic::AtomicUsize::new(0));
        let server = Server::start(move |request| match request.path == "/auth" {
            true if logins.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
                Reply::json("200 OK", r#"{"result":true,"response_status":200,"token":"t"}"#)
            }
            true => Reply::json("500 Internal Server Error", "{}"),
            false => Reply::json(status, "{}"),
        });
        feed(&mut state.command(&server, &format!("{CREATE} --timeout 3")), ident(&json!({})).as_bytes());
        assert!(server.calls().contains(&"POST /ident/create".to_owned()), "{:?}", server.calls());
        assert_eq!(state.record()["state"], "refused", "{status}");
    }
}

#[test]
fn a_record_shows_the_response_to_an_earlier_attempt() {
    for (status, code) in [("401 Unauthorized", 401), ("429 Too Many Requests", 429)] {
        let (state, creates) = (State::new(), std::sync::atomic::AtomicUsize::new(0));
        let server = Server::start(move |request| match request.path.as_str() {
            "/auth" => Reply::json("200 OK", r#"{"result":true,"response_status":200,"token":"t"}"#),
            _ if creates.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
                Reply::json(status, r#"{"messages":["first: invalid"]}"#)
            }
            _ => Reply::json("500 Internal Server Error", r#"{"messages":["second"]}"#),
        });
        feed(&mut state.command(&server, CREATE), ident(&json!({})).as_bytes()).ends_with(6, &[]);
        let name = state.record()["name"].as_str().unwrap().to_owned();
        let shown =
            run(&mut state.command(&server, &format!("state show {name} --output json"))).ends_with(0, &[]).json();
        let earlier = &shown["earlier"][0];
        assert_eq!(
            (&earlier["http_status"], &earlier["text"]),
            (&code.into(), &r#"{"messages":["first: invalid"]}"#.into())
        );
        assert_eq!((&shown["http_status"], &shown["earlier"][1]), (&500.into(), &Value::Null));
        let page = run(&mut state.command(&server, &format!("state show {name}")));
        page.ends_with(0, &[]).shows(&["earlier response", &format!("HTTP status {code}"), "first: invalid", "second"]);
    }
}

#[test]
fn without_a_usable_directory_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::support::file(&folder, "file", "");
    let server = Server::untouched();
    for line in [PLACE, CREATE, "tm sign request 99921269855041"] {
        for place in [format!("{file}/below"), file.clone()] {
            let mut command = server.command(line);
            let result = crate::support::feed(command.args(["--state", &place]), input(line).as_bytes());
            result.fails_with(2, &["record", &place, "--state", "--no-state", "nothing was sent"]);
        }
        let mut command = server.command(line);
        command.env("HOME", "relative").env_remove("XDG_STATE_HOME");
        crate::support::feed(&mut command, input(line).as_bytes())
            .fails_with(2, &["HOME is not an absolute path", "--state"]);
        command.env("XDG_STATE_HOME", "relative");
        let result = crate::support::feed(&mut command, input(line).as_bytes());
        result.ends_with(2, &["note: XDG_STATE_HOME is ignored because it is not an absolute path; --state"]);
        command.env("XDG_STATE_HOME", "");
        assert!(!crate::support::feed(&mut command, input(line).as_bytes()).stderr.contains("XDG_STATE_HOME"));
    }
    // Commands in other directories would not find the records.
    for (directory, option) in [("records", ""), ("~/records", ""), ("", " --state ~/records")] {
        let mut command = server.command(&format!("tm put-order -{option}"));
        command.env("IDENTKIT_STATE_DIR", directory);
        let result = crate::support::feed(&mut command, input("tm put-order -").as_bytes());
        result.fails_with(2, &["records: ", "pass an absolute path", "nothing was sent"]);
    }
    assert_eq!(server.connections(), 0);
}

#[cfg(unix)]
#[test]
fn on_a_full_disk_nothing_is_sent() {
    let (state, server) = (State::new(), Server::untouched());
    for line in [PLACE, CREATE] {
        let mut command = on_full_disk(&state.command(&server, line), 0);
        let (code, stderr) = with_output(&mut command, line, Stdio::piped());
        assert!(code == Some(2) && stderr.contains("nothing was sent"), "{stderr}");
    }
    assert_eq!((server.connections(), names(&state.path())), (0, Vec::new()), "no empty record is left");
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_loses_no_result() {
    let long = PLACED.replace("https://example.com/t", &format!("https://example.com/{}", "t".repeat(8000)));
    let (state, server) = (State::new(), Server::json("202 Accepted", long));
    let mut command = on_full_disk(&state.command(&server, PLACE), 4);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(order_text().as_bytes()).unwrap();
    let result = Run::from(child.wait_with_output().unwrap());
    result.ends_with(0, &["note: the vendor's response could not be written to"]).shows(&["99921269855099"]);
    assert_eq!(result.stderr.lines().count(), 1, "{result:#?}");
    assert_eq!((&state.record()["state"], server.calls().len()), (&json!("done"), 1));
    // The record says that it does not have the response.
    let shown = state.shown();
    assert_eq!((&shown["recorded"], &shown["complete"], &shown["text"]), (&json!(false), &json!(false), &json!("")));
    let name = shown["name"].as_str().unwrap();
    state.state(&format!("show {name}")).ends_with(0, &[]).shows(&["response\tnot recorded"]);
    state.state(&format!("show {name} --body")).ends_with(0, &["a part of the response is not recorded"]);
    assert!(!state.text().contains("\"complete\":true"), "{}", state.text());
}

#[cfg(unix)]
#[test]
fn at_97_a_response_in_no_file_is_on_standard_error() {
    let long = format!("order 99921269855099, {}", "x".repeat(8000));
    let (state, server) = (State::new(), Server::always(move || Reply::answer("202 Accepted", "text/plain", &long)));
    let mut command = on_full_disk(&state.command(&server, PLACE), 4);
    let (code, stderr) = with_output(&mut command, PLACE, Stdio::null());
    assert!(
        code == Some(6)
            && stderr.contains("was not saved to a file; save it now: HTTP 202; body: order 99921269855099"),
        "{stderr}"
    );
    assert!(stderr.contains(&"x".repeat(8000)), "{stderr}");
    // Neither the file nor the record has the response.
    let url = format!("https://example.com/{}", "t".repeat(100_000));
    let body = json!({ "result": true, "ident_id": "secret-1dent", "conference_url": url }).to_string();
    let (state, server) = (State::new(), Server::after_login(move |_| Reply::json("200 OK", &body)));
    let line = format!("{CREATE} --out {}", state.folder.path().join("created.json").display());
    let mut command = on_full_disk(&state.command(&server, &line), 130);
    let (code, stderr) = with_output(&mut command, &line, Stdio::null());
    assert!(code == Some(1) && stderr.contains("the response is on standard output\n"), "{stderr}");
}

#[test]
fn at_97_without_a_record_an_unknown_response_is_shown() {
    let status = "https://example.com/getStatus/99921269855099";
    let located = format!("201 Created\r\nLocation: {status}\r\nX-Order-Id: 9992\r\nETag: \"secret\"");
    for (head, body, expected) in [
        ("202 Accepted", &br#"{"OrderNumber":"99921269855099"}"#[..], r#"; body: {"OrderNumber":"99921269855099"}"#),
        ("202 Accepted", b"order 99921269855099\n", "; body: order 99921269855099\u{fffd}"),
        ("202 Accepted", b"order \xff", "; body in Base64: b3JkZXIg/w=="),
        ("500 Internal Server Error", b"order 99921269855099", "HTTP 500; body: order 99921269855099"),
        (&located, b"", &format!("; location: {status}; x-order-id: 9992\n")),
    ] {
        for line in [PLACE, CREATE, "tm sign request 99921269855041"] {
            let (head, body) = (head.to_owned(), body.to_owned());
            let server = Server::after_login(move |_| Reply::answer(&head, "text/plain", &body));
            let result = server.feed(&format!("{line} --no-state"), &input(line));
            if result.code == Some(0) {
                // The document has no body for this call.
                assert!(line.contains("sign"), "{line}: {result:#?}");
                continue;
            }
            result.ends_with(6, &[expected]).logs_none_of(&["--show-vendor-text"]);
            assert_eq!(result.stderr.matches(expected).count(), 1, "{line}: {result:#?}");
        }
    }
    // A change that may be repeated has no record, unless its outcome is unknown.
    let server = Server::always(|| Reply::answer("302 Found\r\nLocation: /elsewhere", "text/plain", "moved"));
    for line in ["tm delete", "tm cancel"] {
        let result = server.run(&format!("{line} {ORDER} --yes --no-state"));
        result.ends_with(6, &["HTTP 302; location: /elsewhere; body: moved"]).logs_none_of(&["nothing was sent"]);
    }
}

#[test]
fn at_97_show_prints_a_header_that_can_hold_an_id() {
    let status = "https://example.com/getStatus/99921269855099";
    let (state, head) = (State::new(), format!("201 Created\r\nLocation: {status}\r\nETag: \"1\""));
    let server = Server::always(move || Reply::answer(&head, "text/plain", ""));
    feed(&mut state.command(&server, PLACE), order_text().as_bytes()).ends_with(6, &[]);
    let shown = state.state(&format!("show {}", state.record()["name"].as_str().unwrap()));
    shown.ends_with(0, &[]).shows(&[&format!("header location\t{status}\n")]);
    assert!(!shown.stdout.contains("etag"), "{shown:#?}");
}

#[test]
fn at_97_an_id_in_an_unreadable_response_is_told_and_recorded() {
    for body in [
        r#"{"OrderID":"9992SAVED","Number":1e400}"#,
        r#"Notice: deprecated {"OrderID":"9992SAVED"}"#,
        r#"{"OrderID":"9992SAVED","Ref":"#,
    ] {
        let (state, server) = (State::new(), Server::json("202 Accepted", body));
        let result = crate::support::feed(&mut state.command(&server, PLACE), order_text().as_bytes());
        if result.code == Some(0) {
            // The reader tolerates it.
            result.shows(&["9992SAVED"]);
            continue;
        }
        result.fails_with(6, &["contains OrderID 9992SAVED", "identkit state show"]);
        assert_eq!(state.record()["names"]["OrderID"], "9992SAVED");
        assert_eq!(state.shown()["text"], body);
        assert_eq!(server.calls().len(), 1);
    }
    // The record has every id (AT-95).
    let (state, server) = (State::new(), Server::json("202 Accepted", r#"{"OrderID":"9992A","OrderID":"9992B"}"#));
    let result = crate::support::feed(&mut state.command(&server, PLACE), order_text().as_bytes());
    result.fails_with(6, &["9992A", "9992B"]);
    let recorded = state.record()["names"]["OrderID"].as_str().unwrap().to_owned();
    assert!(recorded.contains("9992A") && recorded.contains("9992B"), "{recorded}");
    let body = r#"Notice: {"ident_id":"secret-1dent"}"#;
    let (state, server) = (State::new(), Server::after_login(move |_| Reply::json("200 OK", body)));
    let result = crate::support::feed(&mut state.command(&server, CREATE), input(CREATE).as_bytes());
    result.fails_with(6, &["identkit state show"]).hides(&["secret-1dent"]);
    assert_eq!(state.record()["names"]["ident_id"], "secret-1dent");
}

#[test]
fn no_state_prints_what_is_about_to_be_sent() {
    let (state, server) = (State::new(), Server::json("202 Accepted", PLACED));
    let mut command = state.command(&server, &format!("{PLACE} --no-state"));
    let result = crate::support::feed(&mut command, order_text().as_bytes());
    result.ends_with(0, &["about to send putOrder", "Ref my-ref"]).shows(&["99921269855099"]);
    assert!(!state.path().exists());
}

#[test]
fn a_list_of_open_records_counts_the_closed_ones() {
    let state = State::new();
    let absent = state.state("list --open").stdout;
    assert!(absent.starts_with("no records: the directory") && absent.contains("does not exist"), "{absent}");
    for closed in 1..=2 {
        let server = Server::json("202 Accepted", PLACED);
        crate::support::feed(&mut state.command(&server, PLACE), order_text().as_bytes()).ends_with(0, &[]);
        assert!(state.state("list --open").stdout.starts_with(&format!("no open records ({closed} closed) in ")));
    }
}

#[test]
fn purge_deletes_closed_records_and_named_ones() {
    let state = State::new();
    for (status, body, code) in
        [("202 Accepted", PLACED, 0), ("400 Bad Request", "{}", 5), ("500 Internal Server Error", PLACED, 6)]
    {
        let server = Server::json(status, body);
        let result = crate::support::feed(&mut state.command(&server, PLACE), order_text().as_bytes());
        result.ends_with(code, &[]);
    }
    std::fs::write(state.path().join("20200101T000000Z-x-damaged.jsonl"), "not a record\n").unwrap();
    std::fs::write(state.path().join("notes.txt"), "mine").unwrap();
    // A later version may have sent the request in another way: its records are never closed.
    let intent = |v: u8| {
        let intent = json!({ "event": "intent", "names": {}, "operation": "x", "provider": "x", "v": v }).to_string();
        intent.replacen('{', "{\"at\":\"2020-01-01T00:00:00Z\",", 1)
    };
    let event = r#"{"at":"2020-01-01T00:00:00Z","event":"dispatched"}"#;
    let other = format!("{}\n", intent(2));
    for (name, lines) in [("v2", other), ("event", format!("{}\n{event}\n", intent(1)))] {
        std::fs::write(state.path().join(format!("20200101T000000Z-x-{name}.jsonl")), lines).unwrap();
    }
    let states = || -> Vec<String> {
        state.records().iter().map(|record| record["state"].as_str().unwrap().to_owned()).collect()
    };
    assert!(states().contains(&"unknown".to_owned()) && states().contains(&"damaged".to_owned()), "{:?}", states());
    let listed = state.state("list");
    listed.ends_with(0, &["before you repeat an open request"]).shows(&["putOrder", "my-ref", "done", "unknown"]);
    let open = state.state("list --open").stdout;
    assert!(open.contains("unknown") && !open.contains("done"), "{open}");

    state.state("purge").ends_with(0, &[]).shows(&["deleted ", "(putOrder, done)"]);
    let mut open = states();
    open.sort_unstable();
    assert_eq!(open, ["damaged", "damaged", "damaged", "unknown"]);
    state.state("purge").ends_with(0, &[]).shows(&["nothing to delete"]);
    for record in state.records() {
        let name = record["name"].as_str().unwrap().to_owned();
        state.state(&format!("purge {name}")).ends_with(0, &[]).shows(&[&name]);
    }
    state.state("purge ../notes.txt").fails_with(2, &["has no record"]);
    assert_eq!(names(&state.path()), ["notes.txt"]);
    assert!(state.state("list").stdout.starts_with("no records in "));
}

/// Such a record may be open: it is not deleted unless it is named.
#[test]
fn a_record_of_a_later_version_is_damaged() {
    let intent = |version: u8| {
        let at = r#"{"at":"2020-01-01T00:00:00Z","event":"intent","v":"#;
        format!("{at}{version},\"provider\":\"identity-tm\",\"operation\":\"putOrder\",\"names\":{{}}}}\n")
    };
    let event = r#"{"at":"2020-01-01T00:00:00Z","event":"sent-elsewhere"}"#;
    for (content, expected) in
        [(intent(1), "unsent"), (intent(2), "damaged"), (format!("{}{event}\n", intent(1)), "damaged")]
    {
        let state = State::new();
        std::fs::create_dir_all(state.path()).unwrap();
        std::fs::write(state.path().join("20200101T000000Z-x.jsonl"), content).unwrap();
        assert_eq!(state.record()["state"], expected);
        state.state("purge").ends_with(0, &[]);
        assert_eq!(state.records().len(), usize::from(expected == "damaged"), "{expected}");
    }
}

#[test]
fn at_97_a_damaged_line_hides_no_later_one() {
    for line in 0..3 {
        let (state, server) = (State::new(), created());
        crate::support::feed(&mut state.command(&server, CREATE), input(CREATE).as_bytes()).ends_with(0, &[]);
        let path = state.shown()["path"].as_str().unwrap().to_owned();
        let record = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<&str> = record.lines().collect();
        assert!(!lines[line].contains("base64"), "{record}");
        lines[line] = "{";
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let shown = state.shown();
        assert_eq!((&shown["state"], &shown["recorded"]), (&"damaged".into(), &false.into()), "{line}");
        assert_eq!(shown["text"], CREATED, "{line}");
    }
}

#[test]
fn a_piece_that_a_crash_cut_off_is_shown() {
    let (state, server) = (State::new(), created());
    crate::support::feed(&mut state.command(&server, CREATE), input(CREATE).as_bytes()).ends_with(0, &[]);
    let path = state.shown()["path"].as_str().unwrap().to_owned();
    let record = std::fs::read_to_string(&path).unwrap();
    // In the middle of the Base64 of the body: 13 characters, so nine whole bytes.
    let cut = record.find("\"base64\":\"").unwrap() + "\"base64\":\"".len() + 13;
    std::fs::write(&path, record.get(..cut).unwrap()).unwrap();
    let shown = state.shown();
    assert_eq!(shown["text"].as_str(), CREATED.get(..9));
    assert_eq!((&shown["complete"], &shown["recorded"]), (&false.into(), &false.into()));
}

#[test]
fn show_prints_the_response() {
    let (state, server) = (State::new(), created());
    crate::support::feed(&mut state.command(&server, CREATE), input(CREATE).as_bytes()).ends_with(0, &[]);
    let name = state.record()["name"].as_str().unwrap().to_owned();
    let shown = state.state(&format!("show {name}"));
    shown.ends_with(0, &[]).shows(&["ident/create", "done", "HTTP status\t200", "secret-1dent"]);
    assert_eq!(state.state(&format!("show {name} --body")).stdout, CREATED);
    state.state("show other").fails_with(2, &["has no record other"]);
    assert!(Path::new(&state.shown()["path"].as_str().unwrap()).exists());
}

#[test]
fn at_97_an_unknown_deletion_or_cancellation_keeps_its_answer() {
    for (line, operation) in [("tm delete", "delIdentdata"), ("tm cancel", "cancelOrder")] {
        let server = Server::start(|seen| match seen.method.as_str() {
            "GET" => Reply::json("403 Forbidden", ""),
            _ => Reply::json("200 OK", "done"),
        });
        let state = State::new();
        let result = run(&mut state.command(&server, &format!("{line} {ORDER} --yes")));
        result.fails_with(6, &["identkit state show"]);
        let (record, shown) = (state.record(), state.shown());
        assert_eq!((&record["operation"], &record["open"]), (&json!(operation), &json!(true)), "{record}");
        assert!(record.to_string().contains(ORDER) && shown["text"] == "done", "{record} {shown}");
        // A change that is confirmed or refused needs no record.
        for status in ["202 Accepted", "400 Bad Request"] {
            let server = Server::start(move |seen| match seen.method.as_str() {
                "GET" => Reply::json("404 Not Found", ""),
                _ => Reply::json(status, ""),
            });
            let state = State::new();
            run(&mut state.command(&server, &format!("{line} {ORDER} --yes")));
            assert!(state.records().is_empty());
        }
    }
}

#[test]
fn at_22_an_odd_order_id_that_put_order_returned_is_accepted() {
    for (odd, segment) in [("9992-AB", "9992-AB"), ("a/b c", "a%2Fb%20c"), (&"1".repeat(25), &"1".repeat(25))] {
        let answer = json!({ "OrderID": odd, "Ref": "my-ref" }).to_string();
        let server = Server::start(move |seen| match seen.path.as_str() {
            "/putOrder" => Reply::json("202 Accepted", &answer),
            _ => Reply::json("200 OK", &answer.replace('}', r#","Status":[{"Kind":25}]}"#)),
        });
        let (state, other) = (State::new(), State::new());
        let status = |state: &State, more: &[&str]| run(state.command(&server, "tm status --extended").args(more));
        let refused = status(&state, &[odd]);
        refused.fails_with(2, &["AT-22", "if a record of identkit state has it", "--state", "--any-id"]);
        assert_eq!(server.connections(), 0);
        with_output(&mut state.command(&server, PLACE), PLACE, Stdio::null());
        status(&state, &[odd]).ends_with(0, &[]).shows(&["not finished"]);
        status(&other, &["--any-id", odd]).ends_with(0, &[]);
        let calls =
            [format!("GET /getStatus/{segment}/ExtendedList"), format!("GET /getStatus/{segment}/ExtendedList")];
        assert_eq!(server.calls()[1..], calls, "one segment");
        status(&other, &[odd]).fails_with(2, &["AT-22"]);
        status(&state, &[&format!("{odd}x/")]).fails_with(2, &["AT-22"]);
        for bad in ["", " ", "a\u{7}b"] {
            status(&state, &["--any-id", bad]).fails_with(2, &["OrderID must not be empty or contain control"]);
        }
        assert_eq!(server.calls().len(), 3);
    }
}

#[test]
fn at_22_a_record_of_another_vendor_does_not_make_an_id() {
    let server = Server::untouched();
    let state = State::new();
    let created = Server::after_login(|_| Reply::json("200 OK", r#"{"result":true,"ident_id":"a.b","OrderID":"a.b"}"#));
    with_output(&mut state.command(&created, CREATE), CREATE, Stdio::null());
    run(state.command(&server, "tm status a.b").arg("--extended")).fails_with(2, &["AT-22"]);
    assert_eq!(server.connections(), 0);
}

#[test]
fn at_22_the_id_in_an_unread_response_is_known() {
    let state = State::new();
    let stalled = Server::json("202 Accepted", r#"{"OrderID":"9992-AB","Ref":"my-ref"}"#);
    with_output(&mut state.command(&stalled, PLACE), PLACE, Stdio::null());
    let path = state.path().join(names(&state.path()).remove(0));
    // As a killed command leaves it: without the result.
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains(r#""event":"result""#)).collect();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let server = Server::json("200 OK", r#"{"OrderID":"9992-AB","Status":[{"Kind":25}]}"#);
    run(&mut state.command(&server, "tm status 9992-AB --extended")).ends_with(0, &[]);
}

#[test]
fn the_directory_and_no_state_exclude_each_other() {
    let server = Server::json("202 Accepted", PLACED);
    let state = State::new();
    let line = format!("{PLACE} --no-state");
    let both = server.feed(&format!("{line} --state {}", state.path().display()), &order_text());
    both.ends_with(2, &["--no-state", "--state", "cannot be used with"]);
    assert_eq!((server.connections(), state.path().exists()), (0, false));
    // The variable is a setting of the machine.
    let (code, _) = with_output(&mut state.command(&server, &line), PLACE, Stdio::null());
    assert_eq!((code, state.path().exists()), (Some(0), false));
}

#[cfg(unix)]
#[test]
fn at_97_without_a_place_for_the_intent_nothing_is_sent() {
    let server = Server::json("202 Accepted", PLACED);
    for (redirection, code) in [("2>&-", 2), ("2</dev/null", 2), ("2>/dev/full", 2), ("2>/dev/null", 0)] {
        let command = server.command(&format!("{PLACE} --no-state"));
        let mut shell = clean_command("sh");
        shell.args(["-c", &format!("exec \"$@\" {redirection}"), "sh"]).arg(command.get_program());
        shell.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert_eq!(feed(&mut shell, order_text().as_bytes()).code, Some(code), "{redirection}");
        assert_eq!(server.connections(), usize::from(code == 0), "{redirection}");
    }
}

/// Commands that change something and can be repeated.
const CHANGES: [&str; 3] = [
    "tm delete 99921269855041 --yes",
    "tm cancel 99921269855041 --yes",
    "tm video request 99921269855041 --callback-url https://example.com/",
];

#[test]
fn at_97_a_change_needs_a_place_for_its_record() {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::untouched());
    let blocked = crate::support::file(&folder, "file", "");
    for line in CHANGES {
        for (directory, words) in [
            ("records", "pass an absolute path"),
            ("~/records", "pass an absolute path"),
            (&*blocked, "the record of the request cannot be written"),
            (&format!("{blocked}/below"), "the record of the request cannot be written"),
        ] {
            let mut command = server.command(line);
            command.env("IDENTKIT_STATE_DIR", directory);
            run(&mut command).fails_with(2, &[words, "nothing was sent"]);
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
#[cfg(unix)]
fn at_97_a_change_needs_space_for_its_record() {
    for line in CHANGES {
        let (state, server) = (State::new(), Server::untouched());
        let mut command = on_full_disk(&state.command(&server, line), 1);
        run(&mut command).fails_with(2, &["the record of the request cannot be written", "nothing was sent"]);
        assert_eq!((server.connections(), state.records().len()), (0, 0), "{line}");
    }
}

#[test]
fn at_97_a_change_with_a_cut_head_has_a_record() {
    for line in CHANGES {
        for head in ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "HTTP/1.1 202 Accepted\r\nContent-T"] {
            let (state, server) = (State::new(), Server::always(move || Reply::Cut(head.into())));
            run(&mut state.command(&server, line)).ends_with(6, &["not known whether"]);
            let changes = server.requests().iter().filter(|request| request.method != "GET").count();
            assert_eq!((changes, state.records().len()), (1, 1), "{line} {head}");
        }
    }
}
