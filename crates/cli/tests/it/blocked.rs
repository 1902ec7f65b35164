//! Standard error that no program reads: nothing that must happen waits for a note.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{IDENT, ORDER, Reply, Server, Vendor, file, ident, order};

/// How long a command may take, on a loaded machine.
const BOUND: Duration = Duration::from_secs(20);

/// Runs a command whose standard error takes no byte. Returns its exit code and standard output.
fn run_blocked(command: &mut Command) -> (Option<i32>, String) {
    let (mut pipe, _unread) = UnixStream::pair().unwrap();
    pipe.set_nonblocking(true).unwrap();
    while pipe.write(&[b'x'; 4096]).is_ok() {}
    pipe.set_nonblocking(false).unwrap();
    let began = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::os::fd::OwnedFd::from(pipe));
    let mut child = command.spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > BOUND {
            child.kill().unwrap();
            panic!("{command:?} waits for standard error");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn at_97_a_blocked_standard_error_delays_no_result() {
    let folder = tempfile::tempdir().unwrap();
    // Notes before the request (an unknown name, blanks), and after the response (no TargetURL).
    file(&folder, "order.json", &order(&json!({ "Ref": "r", "email_address": "x", "getTargetLink": true })));
    file(&folder, "ident.json", &ident(&json!({ "customid": "x" })));
    let placed = json!({ "OrderID": ORDER, "Ref": "other" }).to_string();
    let created = json!({ "result": true, "ident_id": IDENT, "conference_url": "no url" }).to_string();
    let status = json!({ "Status": [{ "Kind": 6 }] }).to_string();
    for (line, http, answer, code, shown) in [
        ("tm put-order order.json", "202 Accepted", placed.as_str(), 0, ORDER),
        ("tm put-order order.json --output json", "202 Accepted", &placed, 0, ORDER),
        ("tm put-order order.json --no-state", "202 Accepted", &placed, 2, ""),
        ("tm put-order order.json", "500 Error", "", 6, ""),
        ("identify24 create ident.json", "200 OK", &created, 0, "ident_id"),
        (&format!("tm finality {ORDER} -v"), "200 OK", &status, 0, "Verdict"),
        ("tm put-order", "202 Accepted", &placed, 2, ""),
        ("tm drain-unreported --yes --journal j", "200 OK", "[]", 0, ""),
    ] {
        let (http, answer) = (http.to_owned(), answer.to_owned());
        let server = Server::after_login(move |_| Reply::json(&http, &answer));
        let mut command = server.command(line);
        command.current_dir(folder.path()).args(if line.starts_with("tm put-order ") && !line.contains("--no-state") {
            &["--state", "records"][..]
        } else {
            &[]
        });
        let (ended, stdout) = run_blocked(&mut command);
        assert_eq!(ended, Some(code), "{line}: {stdout}");
        assert!(stdout.contains(shown), "{line}: {stdout}");
        assert_eq!(server.requests().is_empty(), code == 2, "{line}");
    }
}

/// Without a record, what is about to be sent must be on standard error before.
#[test]
fn a_note_that_is_needed_is_written_before_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "order.json", &order(&json!({ "Ref": "my-ref" })));
    let server = Server::json("202 Accepted", json!({ "OrderID": ORDER }).to_string());
    let run = server.run(&format!("tm put-order {path} --no-state"));
    run.ends_with(0, &["about to send putOrder, Ref my-ref"]);
}
