//! The process: signals, connections, standard output.

use super::*;
use crate::support::{Reply, Server, run, tamper};

#[test]
fn sigterm_and_ctrl_c_are_a_success() {
    for signal in ["TERM", "INT", "HUP"] {
        let folder = tempfile::tempdir().unwrap();
        // The signal arrives right after the ready line.
        Receiver::on(&folder, &["--print"]).end(signal).ends_with(0, &[]);
    }
}

#[test]
fn a_webhook_that_has_arrived_is_answered_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::on(&folder, &["--print"]);
    let body = "{\"ident_id\":\"A1\"}";
    let (first, rest) = body.split_at(5);
    let mut stream = begin(receiver.ident_url(), "POST", body.len(), first);
    // Connections are accepted in order, and the token is checked before the end of the next request.
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    let address = receiver.url("").replace("http://", "");
    let ended = std::thread::spawn(move || receiver.stop());
    let began = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(began.elapsed() < HANGS, "the port is closed");
        std::thread::sleep(Duration::from_millis(5));
    }
    stream.write_all(rest.as_bytes()).unwrap();
    let answer = response(stream);
    assert!(answer.starts_with("HTTP/1.1 202 ") && answer.contains("connection: close"), "{answer}");
    let run = ended.join().unwrap();
    assert!(run.stdout.contains("\"ident_id\":\"A1\""), "the last event is printed: {run:?}");
}

#[test]
fn silent_connections_delay_no_webhook() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::on(&folder, &[]);
    let authority = receiver.url("").replace("http://", "");
    let mut silent: Vec<TcpStream> = (0..600).map(|_| TcpStream::connect(&authority).unwrap()).collect();
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    // The last silent connection is open, so the response came before its 5 seconds were over.
    let mut last = silent.pop().unwrap();
    last.set_nonblocking(true).unwrap();
    let read = last.read(&mut [0]);
    assert!(read.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "{read:?}");
    receiver.stop();
}

/// A receiver whose standard output is a pipe, with its ready line.
fn piped(folder: &TempDir) -> (Receiver, std::io::BufReader<std::process::ChildStdout>) {
    let mut command = command(folder, &["--print"]);
    let stderr = NamedTempFile::new().unwrap();
    command.stdout(Stdio::piped()).stderr(stderr.reopen().unwrap());
    let mut child = command.spawn().unwrap();
    let mut pipe = std::io::BufReader::with_capacity(1024, child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut pipe, &mut line).unwrap();
    let ready = serde_json::from_str(&line).unwrap();
    (Receiver { child, stdout: NamedTempFile::new().unwrap(), stderr, ready }, pipe)
}

#[test]
fn a_blocked_standard_output_stops_no_webhook() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, pipe) = piped(&folder);
    // More than a pipe holds.
    let filler = "x".repeat(10_000);
    for number in 0..30 {
        let body = format!("{{\"ident_id\":\"I{number}\",\"status\":\"{filler}\"}}");
        assert_eq!(status(receiver.ident_url(), "POST", &body), 202, "{number}");
    }
    let began = Instant::now();
    while !receiver.stderr().contains("too slow") {
        assert!(began.elapsed() < HANGS, "a note says why: {}", receiver.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
    // As soon as it is read, every event is printed.
    for (number, line) in std::io::BufRead::lines(pipe).take(30).enumerate() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(event["ident_id"], format!("I{number}"), "{event}");
    }
    receiver.stop();
}

#[test]
fn a_blocked_standard_output_does_not_prevent_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, _pipe) = piped(&folder);
    let body = format!("{{\"ident_id\":\"1\",\"status\":\"{}\"}}", "x".repeat(200_000));
    for _ in 0..2 {
        assert_eq!(status(receiver.ident_url(), "POST", &body), 202);
    }
    let run = receiver.stop();
    assert!(run.stderr.contains("up to 2 stored events were not printed"), "{run:?}");
}

#[test]
fn the_ready_line_comes_before_all_events() {
    let folder = tempfile::tempdir().unwrap();
    let busy = Receiver::on(&folder, &[]);
    let url = busy.order_url("OnFinal");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                    status(&url, "GET", "");
                }
            });
        }
        let mut first_lines = Vec::new();
        for _ in 0..6 {
            let mut receiver = Receiver::on(&folder, &["--print"]);
            receiver.events(1);
            first_lines.push(receiver.ready["listen"].is_string());
        }
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(first_lines, [true; 6]);
    });
}

#[test]
fn an_unreadable_event_stops_neither_print_nor_forward() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::always(|| Reply::json("204 No Content", ""));
    let mut receiver = Receiver::on(&folder, &["--print", "--forward", &server.url()]);
    assert_eq!(status(&receiver.order_url("AfterVideo"), "GET", ""), 202);
    receiver.events(1);
    let unreadable =
        "INSERT INTO events (case_id, name, received, body) SELECT case_id, name, received, x'00' FROM events;
        UPDATE cases SET pending = 1";
    tamper(&folder.path().join("state.db"), unreadable);
    let began = Instant::now();
    while receiver.stderr().matches("event 2").count() < 2 {
        assert!(began.elapsed() < HANGS, "{}", receiver.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    assert_eq!(receiver.events(2)[1]["event"], "OnFinal");
    while server.requests().len() < 2 {
        assert!(began.elapsed() < HANGS, "{}", receiver.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
    let metrics = request(&receiver.url("/metrics"), "GET", "");
    for task in ["print", "forward"] {
        assert!(metrics.contains(&format!("identkit_unreadable_events_total{{task=\"{task}\"}} 1\n")), "{metrics}");
    }
    receiver.stop();
}

#[test]
fn a_key_file_that_is_removed_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::on(&folder, &[]);
    let present = |receiver: &Receiver, value: u8| {
        request(&receiver.url("/metrics"), "GET", "").contains(&format!("identkit_key_file_present {value}\n"))
    };
    assert!(present(&receiver, 1));
    std::fs::remove_file(folder.path().join("state.db.key")).unwrap();
    let began = Instant::now();
    while !present(&receiver, 0) {
        assert!(began.elapsed() < HANGS, "{}", receiver.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    let run = receiver.stop();
    assert_eq!(run.stderr.matches("state.db.key was removed").count(), 1, "{run:?}");
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    Receiver::on(&folder, &[]).stop();
    let headers = folder.path().join("headers");
    std::fs::write(&headers, "Authorization: Bearer secret\n").unwrap();
    let key = folder.path().join("state.db.key");
    for path in [&headers, &key] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let options = ["--forward", "http://127.0.0.1:9", "--forward-header-file", headers.to_str().unwrap()];
    let run = Receiver::on(&folder, &options).stop();
    for path in [&headers, &key] {
        let warning = format!("other users of this machine can read {}", path.display());
        assert_eq!(run.stderr.matches(&warning).count(), 1, "{run:?}");
    }
}

#[test]
fn a_closed_standard_output_stops_no_webhook() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, pipe) = piped(&folder);
    drop(pipe);
    let began = Instant::now();
    while !receiver.stderr().contains("cannot be printed") {
        assert!(began.elapsed() < HANGS, "a note says why: {}", receiver.stderr());
        assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    }
    assert_eq!(status(&receiver.order_url("OnFinal"), "GET", ""), 202);
    let run = receiver.stop();
    assert_eq!(run.stderr.matches("warning").count(), 1, "{run:?}");
}

#[test]
fn risks_of_plain_http_are_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let warnings = |more: &[&str]| -> Vec<String> {
        let receiver = Receiver::on(&folder, more);
        let stderr = receiver.stop().stderr;
        stderr.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned).collect()
    };
    for (more, expected) in [
        (&["--public-url", "https://example.com"][..], &[][..]),
        (&["--public-url", "http://example.com"], &["--public-url"]),
        (&["--public-url", "http://localhost:80"], &[]),
    ] {
        let found = warnings(more);
        assert!(found.len() == expected.len(), "{more:?}: {found:?}");
        assert!(found.iter().zip(expected).all(|(found, expected)| found.contains(expected)), "{more:?}: {found:?}");
    }
    let mut command = identkit();
    let store = format!("sqlite:{}", folder.path().join("state.db").display());
    command.args(["listen", "--listen", "0.0.0.0:0", "--store", &store]);
    Receiver::run(&mut command).stop().ends_with(0, &["reachable from other machines", "add --public-url"]);
}

#[test]
fn a_store_that_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    std::fs::write(&file, "no database, but a file that is long enough to look like one").unwrap();
    std::fs::write(folder.path().join("state.db.key"), "0".repeat(64)).unwrap();
    run(&mut command(&folder, &[])).fails_with(1, &["data file"]);
    run(identkit().args(["listen", "--store", "state.db"])).ends_with(2, &["sqlite:PATH"]);
    run(identkit().arg("listen")).ends_with(2, &["--store"]);
    let absent = ["listen", "--store", "postgres://identkit@127.0.0.1:1/x", "--key-file"];
    let key = folder.path().join("state.db.key");
    run(identkit().args(absent).arg(&key)).fails_with(1, &["cannot be reached"]);
}
