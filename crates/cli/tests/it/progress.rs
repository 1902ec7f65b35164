//! Progress bars: only on a terminal, and only for slow calls.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::support::{Reply, Run, Server, Vendor, content_length, file, has, head, order, run, run_in_terminal};
use serde_json::json;

/// A whole MP4 of this length.
fn video(length: usize) -> Vec<u8> {
    let start = b"\0\0\0\x08ftyp\0\0\0\x08moov";
    if length < start.len() + 8 {
        return vec![b'x'; length];
    }
    let size = u32::try_from(length - start.len()).unwrap().to_be_bytes();
    let mut video = [&start[..], &size, b"mdat"].concat();
    video.resize(length, b'x');
    video
}

/// A server for one request: it reads the body slowly and responds in two halves with a pause.
fn slow(length: Option<usize>) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        let length_of = |length| format!("Content-Length: {length}");
        let header = length.map_or("Transfer-Encoding: chunked".to_owned(), length_of);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n{header}\r\n\r\n").unwrap();
        let video = video(length.unwrap_or(2000));
        for half in video.chunks((video.len() / 2).max(1)) {
            let size = half.len();
            let piece = match length {
                Some(_) => half.to_vec(),
                None => [format!("{size:x}\r\n").as_bytes(), half, b"\r\n"].concat(),
            };
            stream.write_all(&piece).unwrap();
            std::thread::sleep(Duration::from_millis(900));
        }
        stream.write_all(if length.is_some() { b"" } else { b"0\r\n\r\n" }).unwrap();
    });
    (url, serving)
}

/// Reads a request to its end, the body in chunks with pauses.
fn read_request(stream: &mut TcpStream) {
    let length = content_length(&head(stream).unwrap());
    let mut body = vec![0; length];
    for chunk in body.chunks_mut(length / 8 + 1) {
        stream.read_exact(chunk).unwrap();
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn get(url: &str, more: &str) -> (Command, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = url.command("tm video get 99921269855041 --callback-received -o");
    command.arg(folder.path().join("video.mp4")).args(more.split_whitespace());
    (command, folder)
}

/// Asserts that the output has no bar and no control sequence.
#[track_caller]
fn assert_plain(result: &Run) {
    for text in [&result.stdout, &result.stderr] {
        assert!(!text.contains("receiving") && !text.contains("waiting") && !text.contains('\u{1b}'), "{result:#?}");
    }
}

#[test]
fn a_slow_download_shows_a_bar_that_is_cleared_at_the_end() {
    if !has("script") {
        return;
    }
    for (length, seen) in [(Some(2000), "of 1.95 KiB"), (None, "receiving")] {
        let (url, serving) = slow(length);
        let (command, folder) = get(&url, "");
        let result = run_in_terminal(&command, "");
        assert_eq!(result.code, Some(0), "{result:#?}");
        serving.join().unwrap();
        assert!(result.stdout.contains("receiving") && result.stdout.contains(seen), "{result:#?}");
        // The bar is cleared before the result: after the last control sequence, none of it is left.
        let result = result.stdout.rsplit('\u{1b}').next().unwrap();
        assert!(!result.contains("receiving") && result.contains("2000 bytes"), "{result:#?}");
        assert_eq!(std::fs::metadata(folder.path().join("video.mp4")).unwrap().len(), 2000);
    }
}

#[test]
fn no_bar_without_a_terminal_or_with_json_output() {
    let (url, serving) = slow(Some(2000));
    assert_plain(run(&mut get(&url, "").0).ends_with(0, &[]));
    serving.join().unwrap();
    if has("script") {
        let (url, serving) = slow(Some(2000));
        let result = run_in_terminal(&get(&url, "--output json").0, "");
        assert_eq!(result.code, Some(0));
        serving.join().unwrap();
        assert_plain(&result);
    }
}

#[test]
fn the_bar_is_cleared_before_an_error_is_printed() {
    if !has("script") {
        return;
    }
    let silent = Server::always(Reply::silence);
    let result = run_in_terminal(&silent.command("tm finality 99921269855041 --timeout 1"), "");
    assert_eq!(result.code, Some(7), "{result:#?}");
    assert!(result.stdout.contains("waiting for the response"), "{result:#?}");
    let end = result.stdout.rsplit('\u{1b}').next().unwrap();
    assert!(end.contains("error: getStatus") && !end.contains("waiting"), "{result:#?}");
}

#[test]
fn a_large_order_shows_a_bar_and_is_sent_unchanged() {
    if !has("script") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Larger than the socket buffers, so that sending takes time.
    let pdf = identkit_wire::encode_base64(&[b"%PDF-1.4\n".as_slice(), &vec![b' '; 12_000_000], b"\n%%EOF\n"].concat());
    let order = order(&json!({ "Add": 0, "eSignPDF": { "Data": pdf, "Filename": "contract.pdf" } }));
    let line = format!("tm put-order {}", file(&folder, "order.json", &order));
    let (url, serving) = slow(Some(10));
    let result = run_in_terminal(&url.command(&line), "");
    let sizes: Vec<f64> =
        result.stdout.split(" MiB of ").filter_map(|text| text.rsplit(' ').next()?.parse().ok()).collect();
    assert!(
        result.stdout.contains("sending") && sizes.iter().any(|sent| (0.1..15.0).contains(sent)),
        "{}",
        result.stdout
    );
    assert!(sizes.is_sorted(), "{sizes:?}");
    serving.join().unwrap();

    // The same bytes are sent with and without the bar.
    let server = Server::json("400 Bad Request", "{}");
    run_in_terminal(&server.command(&line), "");
    server.run(&line);
    let seen = server.requests();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].body == seen[1].body && seen[0].body.contains(&pdf), "the bar changes the body");
    assert_eq!(seen[0].head, seen[1].head);
}
