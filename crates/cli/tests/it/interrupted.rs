//! Being ended from outside: nothing half-written stays, and what may have happened is told.

use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::{HANGS, Ran, Server, Then, Vendor, file, ident, names, order, send, whole};
use serde_json::{Value, json};

const TOLD: &str =
    "error: interrupted; nothing more is done here, and what was sent may be carried out by the vendor\n";

/// Ends the process with a signal as soon as it is where it should be.
#[track_caller]
fn end_when(command: &mut Command, signal: &str, mut there: impl FnMut(&mut Option<ChildStdin>) -> bool) -> Ran {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Open until the end: nothing is to end because its input does.
    let mut stdin = child.stdin.take();
    while !there(&mut stdin) {
        assert!(began.elapsed() < HANGS, "it never came so far");
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    send(signal, child.id());
    child.wait_with_output().unwrap().into()
}

/// Whether something was written into this folder: the temporary file, with what came so far.
fn is_begun(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    files.flatten().any(|file| file.metadata().is_ok_and(|file| file.is_file() && file.len() > 0))
}

#[test]
fn a_download_that_is_interrupted_leaves_no_file_and_no_folder_that_was_made_for_it() {
    for (line, place, signal, code) in [
        ("tm video get 99921269855041 -o", "", "INT", 130),
        ("tm video get 99921269855041 -o", "", "TERM", 143),
        ("tm video get 99921269855041 -o", "", "HUP", 129),
        ("tm esign-pdf 99921269855041 -o", "signed", "TERM", 143),
    ] {
        let (media, first) = if place.is_empty() { ("video/mp4", "") } else { ("application/pdf", "%PDF-1.4") };
        let body = [first.as_bytes(), &[7; 1000]].concat();
        let server = Server::always(move || Then::Stall(whole(media, &body)[..900].to_vec()));
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join(if place.is_empty() { "video.mp4" } else { place });
        let ran = end_when(server.command(line).arg(&out), signal, |_| is_begun(folder.path()) || is_begun(&out));
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(code), "", TOLD));
        assert_eq!(names(folder.path()), [""; 0], "after SIG{signal}");
    }
}

#[test]
fn the_ref_of_an_order_that_is_interrupted_on_its_way_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = |reference: Value| {
        let file = file(&folder, "order.json", &order(&json!({ "Ref": reference })));
        let server = Server::always(Then::silence);
        let mut command = server.command(&format!("tm put-order {file}"));
        let ran = end_when(&mut command, "INT", |_| !server.seen().is_empty());
        assert_eq!(ran.code, Some(130));
        let sent: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
        (ran.stderr, sent["Ref"].as_str().unwrap().to_owned())
    };
    let (told, drawn) = place(Value::Null);
    assert!(told.contains(&format!("with the Ref {drawn}: keep it")) && told.ends_with(TOLD), "{told}");
    let (told, _) = place(json!("my-own"));
    assert_eq!(told, TOLD, "one's own Ref is known");
}

#[test]
fn i_042_an_ident_that_is_interrupted_on_its_way_is_told_with_what_it_can_be_asked_for_by() {
    let folder = tempfile::tempdir().unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for (id, way_back) in
            [(json!("a-tracking-value"), "custom_id, which"), (Value::Null, "the ident has no custom_id")]
        {
            let file = file(&folder, "ident.json", &ident(&json!({ "custom_id": id })));
            let server = Server::after_login(|_| Then::silence());
            let mut command = server.command(&format!("identify24 create {file} --out {file}.created"));
            let ran = end_when(&mut command, signal, |_| server.calls().iter().any(|call| call.contains("create")));
            assert_eq!(ran.stdout, "");
            ran.ends_with(code, &["note: the ident may be on its way", "only the vendor can say", way_back]);
            assert!(ran.stderr.ends_with(TOLD) && !ran.stderr.contains("a-tracking-value"), "{ran:#?}");
            assert_eq!(names(folder.path()), ["ident.json"], "the file that was made for the answer goes too");
        }
    }
}

#[test]
fn a_read_of_standard_input_can_be_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    for line in ["tm put-order -", "identify24 create - --out created.json"] {
        let server = Server::always(Then::silence);
        let mut command = server.command(line);
        command.current_dir(folder.path()).stdin(Stdio::piped());
        let (done, fed) = mpsc::channel();
        let ran = end_when(&mut command, "INT", |stdin| {
            if let Some(mut stdin) = stdin.take() {
                let done = done.clone();
                // More than a pipe holds: when all of it went in, it is being read.
                std::thread::spawn(move || done.send((stdin.write_all(&[b' '; 1 << 20]), stdin)));
            }
            let Ok((written, open)) = fed.try_recv() else { return false };
            written.unwrap();
            *stdin = Some(open);
            true
        });
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(130), TOLD), "{line}");
        assert_eq!((server.connections(), names(folder.path()).len()), (0, 0));
    }
}
