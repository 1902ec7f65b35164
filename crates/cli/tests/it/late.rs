//! Responses that arrive when the command is about to end, because of a signal or its deadline (AT-97).

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    ORDER, Reply, Run, Server, Vendor as _, accept, content_length, file, head, ident, order, run, send,
};

/// A step of a server after a request.
#[derive(Clone, Copy)]
enum Step {
    Send(&'static str),
    /// Sends the process a signal.
    Signal(&'static str),
    Wait(u64),
}

use Step::{Send, Signal, Wait};

/// A server that takes the steps after each request with this text, and accepts each login. Returns its URL, the number of the
/// process that gets the signals, and the request lines.
fn server(wanted: &'static str, steps: &'static [Step]) -> (String, Arc<AtomicU32>, Arc<Mutex<Vec<String>>>) {
    let (process, lines) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (id, log) = (Arc::clone(&process), Arc::clone(&lines));
    let (address, _) = accept(move |mut stream| {
        while let Some(head) = head(&mut stream) {
            stream.read_exact(&mut vec![0; content_length(&head)]).unwrap();
            log.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
            if !head.contains(wanted) {
                let body = r#"{"result":true,"response_status":200,"token":"xxx","messages":[]}"#;
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                continue;
            }
            for step in steps {
                match step {
                    Send(bytes) => drop(stream.write_all(bytes.as_bytes())),
                    Signal(name) => {
                        while id.load(Ordering::SeqCst) == 0 {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        send(name, id.load(Ordering::SeqCst));
                    }
                    Wait(milliseconds) => std::thread::sleep(Duration::from_millis(*milliseconds)),
                }
            }
        }
    });
    (format!("http://{address}"), process, lines)
}

/// Runs a command whose process gets the signals of the server.
fn run_to_end(mut command: Command, process: &AtomicU32) -> Run {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.store(child.id(), Ordering::SeqCst);
    child.wait_with_output().unwrap().into()
}

fn command(url: &str, folder: &TempDir, line: &str) -> Command {
    file(folder, "order.json", &order(&json!({ "Ref": "my-ref" })));
    file(folder, "ident.json", &ident(&json!({})));
    let mut command = url.to_owned().command(line);
    command.current_dir(folder.path()).env("IDENTKIT_STATE_DIR", folder.path().join("state"));
    command
}

const PLACED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 60\r\n\r\n{\"OrderID\":\"99\",\"Ref\":\"my-ref\",\"TargetURL\":\"https://e.de/t\"}";
const DRAINED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n[{\"OrderID\":\"99\",\"Status\":[]}]";

#[test]
fn at_97_a_response_before_a_signal_counts() {
    for (line, wanted, steps, shown) in [
        // Suspended while the response arrives.
        (
            "tm put-order order.json",
            "putOrder",
            &[Signal("STOP"), Send(PLACED), Signal("TERM"), Signal("CONT")][..],
            "99",
        ),
        (
            "tm drain-unreported --yes --journal j",
            "getAllStatus",
            &[Signal("STOP"), Send(DRAINED), Signal("TERM"), Signal("CONT")],
            "99",
        ),
        // Shortly after the signal, in pieces.
        (
            "tm put-order order.json",
            "putOrder",
            &[
                Signal("INT"),
                Wait(100),
                Send("HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n"),
                Wait(300),
                Send("{\"Order"),
                Wait(300),
                Send("ID\":\"99\"}"),
            ],
            "99",
        ),
    ] {
        for _ in 0..3 {
            let (url, process, _) = server(wanted, steps);
            let folder = tempfile::tempdir().unwrap();
            let result = run_to_end(command(&url, &folder, line), &process);
            result.ends_with(0, &[]).shows(&[shown]);
        }
    }
}

#[test]
fn ai_31_nothing_is_sent_after_a_signal() {
    let refused: &[Step] = &[Signal("TERM"), Wait(100), Send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")];
    let (url, process, lines) = server("ident/create", refused);
    let folder = tempfile::tempdir().unwrap();
    let result = run_to_end(command(&url, &folder, "identify24 create ident.json"), &process);
    result.ends_with(143, &["stopped by a signal"]);
    assert_eq!(lines.lock().unwrap().len(), 2, "a login and a create: {lines:?}");
    // The check after a deletion.
    let deleted: &[Step] = &[Signal("TERM"), Wait(100), Send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")];
    let (url, process, lines) = server("DELETE", deleted);
    let result = run_to_end(command(&url, &folder, "tm delete 4711 --yes"), &process);
    result.ends_with(143, &["the vendor confirmed the deletion"]);
    assert_eq!(lines.lock().unwrap().len(), 1, "{lines:?}");
}

#[test]
fn at_97_a_response_before_the_deadline_counts() {
    for (line, wanted, answer) in [
        ("tm put-order order.json --timeout 2", "putOrder", PLACED),
        ("tm drain-unreported --yes --journal j --timeout 2", "getAllStatus", DRAINED),
    ] {
        for _ in 0..3 {
            let steps = [Signal("STOP"), Wait(300), Send(answer), Wait(2200), Signal("CONT")];
            let (url, process, _) = server(wanted, Box::leak(Box::new(steps)));
            let folder = tempfile::tempdir().unwrap();
            run_to_end(command(&url, &folder, line), &process).ends_with(0, &[]).shows(&["99"]);
        }
    }
}

#[test]
fn at_97_late_bytes_after_a_change_are_not_the_next_response() {
    const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}";
    let deleted = &[Send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"), Wait(50), Send(NOT_FOUND)];
    let (url, process, lines) = server("DELETE", deleted);
    let folder = tempfile::tempdir().unwrap();
    let result = run_to_end(command(&url, &folder, "tm delete 4711 --yes"), &process);
    result.ends_with(6, &["identkit state show"]);
    assert_eq!(lines.lock().unwrap().len(), 1, "{lines:?}");
    const CREATED: &str = "{\"result\":true,\"ident_id\":\"zz-9\"}";
    let refused =
        &[Send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), Wait(50), Send(CREATED), Wait(1500)];
    let (url, process, lines) = server("ident/create", refused);
    let result = run_to_end(command(&url, &folder, "identify24 create ident.json"), &process);
    result.ends_with(6, &["identkit state show"]);
    assert_eq!(lines.lock().unwrap().len(), 2, "a login and a create: {lines:?}");
}

#[test]
fn at_79_a_large_response_is_whole_in_its_record() {
    let filler = "x".repeat(1_500_000);
    let body = format!(r#"{{"a":"{filler}","OrderID":"9992SAVED","Ref":"my-ref","TargetURL":"https://e.de/t"}}"#);
    for (status, headers, code) in [
        ("202 Accepted", "", 0),
        ("500 Error", "", 6),
        ("206 Partial", "", 6),
        ("202 Accepted", "Content-Encoding: br\r\n", 6),
    ] {
        let response = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        let steps: &'static [Step] = Box::leak(Box::new([Send(Box::leak(response.into_boxed_str()))]));
        let (url, process, _) = server("putOrder", steps);
        let folder = tempfile::tempdir().unwrap();
        let result = run_to_end(command(&url, &folder, "tm put-order order.json"), &process);
        let words: &[&str] = if code == 0 { &[] } else { &["contains OrderID 9992SAVED"] };
        result.ends_with(code, words);
        let record = std::fs::read_dir(folder.path().join("state")).unwrap().next().unwrap().unwrap();
        let show = format!("state show {} --body", record.file_name().to_str().unwrap());
        assert!(run(&mut command(&url, &folder, &show)).stdout == body, "{status} {headers}");
    }
}

#[test]
fn ai_31_a_trailer_is_in_the_record() {
    let refused = &[
        Send("HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        Send("0\r\nLocation: https://example.com/apply/zz-9\r\n\r\n"),
    ];
    let (url, process, lines) = server("ident/create", refused);
    let folder = tempfile::tempdir().unwrap();
    run_to_end(command(&url, &folder, "identify24 create ident.json"), &process).ends_with(6, &["identkit state show"]);
    assert_eq!(lines.lock().unwrap().len(), 2, "a login and a create: {lines:?}");
    let record = std::fs::read_dir(folder.path().join("state")).unwrap().next().unwrap().unwrap();
    let show = format!("state show {}", record.file_name().to_str().unwrap());
    run(&mut command(&url, &folder, &show)).ends_with(0, &[]).shows(&["location", "https://example.com/apply/zz-9"]);
}

#[test]
fn bytes_after_the_end_make_a_read_unusable() {
    let folder = tempfile::tempdir().unwrap();
    let status = r#"{"OrderID":"99921269855041","Status":[{"Kind":6,"Time":"2020-09-10T12:00:00Z"}]}"#;
    let pdf = "%PDF-1.4\n%%EOF\n";
    for (line, wanted, media, body) in [
        (format!("tm finality {ORDER}"), "getStatus", "application/json", status),
        (format!("tm status {ORDER} --extended"), "getStatus", "application/json", status),
        (format!("tm ident-data-pdf {ORDER} -o report.pdf"), "getIdent", "application/pdf", pdf),
    ] {
        for (after, code) in [("", 0), ("{}", 1)] {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n", body.len());
            let steps: &'static [Step] = Box::leak(Box::new([Send(Box::leak(format!("{head}{body}{after}").into()))]));
            let (url, process, lines) = server(wanted, steps);
            let result = run_to_end(command(&url, &folder, &line), &process);
            if media.contains("json") {
                result.ends_with(code, if code == 0 { &[] } else { &["bytes follow the end"] });
            }
            assert_eq!(lines.lock().unwrap().len(), 1, "{line}");
            assert!(!folder.path().join("report.pdf").exists() || code == 0, "{result:#?}");
            let _ = std::fs::remove_file(folder.path().join("report.pdf"));
        }
    }
}

#[test]
fn at_24_a_status_without_its_order_proves_no_cancellation() {
    for (name, code) in [("", 6), (r#""OrderID":"4711","#, 0)] {
        let body = format!(r#"{{{name}"Status":[{{"Kind":63,"Time":"2020-09-10T12:00:00Z"}}]}}"#);
        let canceled = Server::start(move |request| match request.method.as_str() {
            "POST" => Reply::json("500 Error", ""),
            _ => Reply::json("200 OK", &body),
        });
        let folder = tempfile::tempdir().unwrap();
        run(&mut command(&canceled.url(), &folder, "tm cancel 4711 --yes")).ends_with(code, &[]);
        let noted = run(&mut command(&canceled.url(), &folder, "tm finality 4711"));
        assert_eq!(noted.stderr.contains("does not name its order"), code == 6, "{noted:#?}");
    }
}
