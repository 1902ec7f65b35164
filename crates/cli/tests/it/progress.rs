//! Progress bars: on a terminal, for what takes a while, and nowhere else.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::support::{Ran, Server, Then, Vendor, content_length, file, has, head, on_a_terminal, order, run};
use serde_json::json;

/// A server for one request: it reads the body in bites, and answers in two halves with a pause.
fn slow(length: Option<usize>) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        let length_of = |length| format!("Content-Length: {length}");
        let said = length.map_or("Transfer-Encoding: chunked".to_owned(), length_of);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n{said}\r\n\r\n").unwrap();
        let half = "x".repeat(length.unwrap_or(2000) / 2);
        let size = half.len();
        let (piece, end) = match length {
            Some(_) => (half, ""),
            None => (format!("{size:x}\r\n{half}\r\n"), "0\r\n\r\n"),
        };
        for _ in 0..2 {
            stream.write_all(piece.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(900));
        }
        stream.write_all(end.as_bytes()).unwrap();
    });
    (url, serving)
}

/// Reads a request to its end, a body in small bites with pauses.
fn read_request(stream: &mut TcpStream) {
    let length = content_length(&head(stream).unwrap());
    let mut body = vec![0; length];
    for bite in body.chunks_mut(length / 8 + 1) {
        stream.read_exact(bite).unwrap();
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn get(url: &str, more: &str) -> (Command, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = url.command("tm video get 99921269855041 --callback-received -o");
    command.arg(folder.path().join("video.mp4")).args(more.split_whitespace());
    (command, folder)
}

/// Nothing but text and lines: no bar, no sequence that steers a terminal.
#[track_caller]
fn assert_plain(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("receiving") && !text.contains("waiting") && !text.contains('\u{1b}'), "{ran:#?}");
    }
}

#[test]
fn a_download_that_takes_a_while_is_seen_on_a_terminal_and_gone_in_the_end() {
    if !has("script") {
        return;
    }
    for (length, seen) in [(Some(2000), "of 1.95 KiB"), (None, "receiving")] {
        let (url, serving) = slow(length);
        let (command, folder) = get(&url, "");
        let ran = on_a_terminal(&command, "");
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        serving.join().unwrap();
        assert!(ran.stdout.contains("receiving") && ran.stdout.contains(seen), "{ran:#?}");
        // Everything of the bar is wiped before the result: the last line that it was on begins anew.
        let result = ran.stdout.rsplit('\u{1b}').next().unwrap();
        assert!(!result.contains("receiving") && result.contains("2000 bytes"), "{ran:#?}");
        assert_eq!(std::fs::metadata(folder.path().join("video.mp4")).unwrap().len(), 2000);
    }
}

#[test]
fn without_a_terminal_and_for_programs_nothing_is_shown() {
    let (url, serving) = slow(Some(2000));
    assert_plain(run(&mut get(&url, "").0).ends_with(0, &[]));
    serving.join().unwrap();
    if has("script") {
        let (url, serving) = slow(Some(2000));
        let ran = on_a_terminal(&get(&url, "--output json").0, "");
        assert_eq!(ran.code, Some(0));
        serving.join().unwrap();
        assert_plain(&ran);
    }
}

#[test]
fn a_wait_is_seen_and_gone_before_the_failure_is_told() {
    if !has("script") {
        return;
    }
    let silent = Server::always(Then::silence);
    let ran = on_a_terminal(&silent.command("tm finality 99921269855041 --timeout 1"), "");
    assert_eq!(ran.code, Some(7), "{ran:#?}");
    assert!(ran.stdout.contains("waiting for the answer"), "{ran:#?}");
    let end = ran.stdout.rsplit('\u{1b}').next().unwrap();
    assert!(end.contains("error: getStatus") && !end.contains("waiting"), "{ran:#?}");
}

#[test]
fn an_order_that_is_large_is_seen_going_up_and_arrives_as_it_is() {
    if !has("script") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Larger than what the sockets of two processes hold, so that it has to be waited for.
    let pdf = identkit_wire::encode_base64(&[b"%PDF-1.4\n".as_slice(), &vec![b' '; 24_000_000], b"\n%%EOF\n"].concat());
    let order = order(&json!({ "Add": 0, "eSignPDF": { "Data": pdf, "Filename": "contract.pdf" } }));
    let line = format!("tm put-order {}", file(&folder, "order.json", &order));
    let (url, serving) = slow(Some(10));
    let ran = on_a_terminal(&url.command(&line), "");
    let told: Vec<f64> =
        ran.stdout.split(" MiB of ").filter_map(|text| text.rsplit(' ').next()?.parse().ok()).collect();
    assert!(ran.stdout.contains("sending") && told.iter().any(|sent| (0.1..30.0).contains(sent)), "{}", ran.stdout);
    assert!(told.is_sorted(), "{told:?}");
    serving.join().unwrap();

    // Watched or not, the same bytes go out.
    let server = Server::json("400 Bad Request", "{}");
    on_a_terminal(&server.command(&line), "");
    server.run(&line);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].body == seen[1].body && seen[0].body.contains(&pdf), "a watched body is another one");
    assert_eq!(seen[0].head, seen[1].head);
}
