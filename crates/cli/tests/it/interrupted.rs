//! Being ended from outside: nothing half-written stays, and what may have happened is told.

// Real processes live in real time; it is only ever used as an upper bound against hanging.
#![allow(clippy::disallowed_methods)]

use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::{HANGS, ORDER, Ran, Server, Then, names, towards, whole};
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
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Ran { code: output.status.code(), stdout, stderr, took: began.elapsed() }
}

#[test]
fn a_download_that_is_interrupted_leaves_no_file() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let server = Server::start(|_| Then::Stall(whole("video/mp4", &[7; 1000])[..900].to_vec()));
        let folder = tempfile::tempdir().unwrap();
        let mut command = towards(&server.url());
        command.args(["tm", "video", "get", ORDER, "-o"]).arg(folder.path().join("video.mp4"));
        let written = |_: &mut Option<ChildStdin>| {
            // The temporary file, with what came so far.
            let files = std::fs::read_dir(folder.path()).unwrap();
            files.flatten().any(|file| file.metadata().is_ok_and(|file| file.len() > 0))
        };
        let ran = end_when(&mut command, signal, written);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(code), "", TOLD));
        assert_eq!(names(folder.path()), [""; 0], "after SIG{signal}");
    }
}

#[test]
fn a_folder_that_was_made_for_an_interrupted_download_goes_too() {
    let server = Server::start(|_| {
        Then::Stall(whole("application/pdf", &[b"%PDF-1.4".as_slice(), &[7; 1000]].concat())[..900].to_vec())
    });
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("signed");
    let mut command = towards(&server.url());
    command.args(["tm", "esign-pdf", ORDER, "-o"]).arg(&out);
    let written = |_: &mut Option<ChildStdin>| {
        let files = std::fs::read_dir(&out).into_iter().flatten();
        files.flatten().any(|file| file.metadata().is_ok_and(|file| file.len() > 0))
    };
    let ran = end_when(&mut command, "TERM", written);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(143), TOLD));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn the_ref_of_an_order_that_is_interrupted_on_its_way_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("order.json");
    let place = |order: &str| {
        std::fs::write(&file, order).unwrap();
        let server = Server::always(|| Then::Silence);
        let mut command = towards(&server.url());
        let ran = end_when(command.args(["tm", "put-order"]).arg(&file), "INT", |_| !server.seen().is_empty());
        assert_eq!(ran.code, Some(130));
        let sent: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
        (ran.stderr, sent["Ref"].as_str().unwrap().to_owned())
    };
    let (told, drawn) = place(&crate::support::order(&json!({ "Ref": null })));
    assert!(told.contains(&format!("with the Ref {drawn}: keep it")) && told.ends_with(TOLD), "{told}");
    let (told, _) = place(&crate::support::order(&json!({ "Ref": "my-own" })));
    assert_eq!(told, TOLD, "one's own Ref is known");
}

#[test]
fn i_042_an_ident_that_is_interrupted_on_its_way_is_told_with_what_it_can_be_asked_for_by() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ident.json");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for (id, way_back) in
            [(json!("a-tracking-value"), "custom_id, which"), (Value::Null, "the ident has no custom_id")]
        {
            std::fs::write(&file, crate::support::ident(&json!({ "custom_id": id }))).unwrap();
            let server = Server::after_login(|_| Then::Silence);
            let mut command = towards(&server.url());
            command.args(["identify24", "create"]).arg(&file).arg("--out").arg(folder.path().join("created.json"));
            let ran = end_when(&mut command, signal, |_| server.calls().iter().any(|call| call.contains("create")));
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""));
            for told in ["note: the ident may be on its way", "only the vendor can say", way_back] {
                assert!(ran.stderr.contains(told), "{told}: {ran:#?}");
            }
            assert!(ran.stderr.ends_with(TOLD) && !ran.stderr.contains("a-tracking-value"), "{ran:#?}");
            assert_eq!(names(folder.path()), ["ident.json"], "the file that was made for the answer goes too");
        }
    }
}

#[test]
fn a_read_of_standard_input_can_be_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["tm", "put-order", "-"][..], &["identify24", "create", "-", "--out", "created.json"]] {
        let server = Server::always(|| Then::Silence);
        let mut command = towards(&server.url());
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::piped());
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
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(130), TOLD), "{arguments:?}");
        assert_eq!((server.connections(), names(folder.path()).len()), (0, 0));
    }
}
