//! Signals that stop a command: no partial file is left, and an unknown outcome is reported.

use std::io::{Read as _, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::support::{
    HANGS, ORDER, PROGRAM, Reply, Run, Server, Vendor, accept, clean_command, file, has, head, ident, names, order,
    run, send, whole,
};
use identkit_wire::{decode_base64, encode_base64};
use serde_json::{Value, json};
use tempfile::TempDir;

const MESSAGE: &str = "error: interrupted; if a request was already sent, the vendor may execute it\n";

/// The message of a command that has sent nothing, or only reads.
const UNSENT: &str = "error: interrupted; no request that changes something was sent\n";

/// Sends a signal to the process as soon as `is_ready` returns true.
#[track_caller]
fn end_when(command: &mut Command, signal: &str, mut is_ready: impl FnMut(&mut Option<ChildStdin>) -> bool) -> Run {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Open until the end, so that the end of input does not end the process.
    let mut stdin = child.stdin.take();
    while !is_ready(&mut stdin) {
        assert!(began.elapsed() < HANGS, "the process never became ready");
        assert_eq!(child.try_wait().unwrap(), None, "the process ended before the signal");
        std::thread::sleep(Duration::from_millis(5));
    }
    send(signal, child.id());
    child.wait_with_output().unwrap().into()
}

/// Whether the directory has a file with content: the temporary file of a download.
fn has_content(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    files.flatten().any(|file| file.metadata().is_ok_and(|file| file.is_file() && file.len() > 0))
}

#[test]
fn an_interrupted_download_leaves_no_file_or_directory() {
    for (line, place, signal, code) in [
        ("tm video get 99921269855041 -o", "", "INT", 130),
        ("tm video get 99921269855041 -o", "", "TERM", 143),
        ("tm video get 99921269855041 -o", "", "HUP", 129),
        ("tm esign-pdf 99921269855041 -o", "signed", "TERM", 143),
    ] {
        let (media, first) = if place.is_empty() { ("video/mp4", "") } else { ("application/pdf", "%PDF-1.4") };
        let body = [first.as_bytes(), &[7; 3000]].concat();
        let server = Server::always(move || Reply::Stall(whole(media, &body)[..2900].to_vec()));
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join(if place.is_empty() { "video.mp4" } else { place });
        let result =
            end_when(server.command(line).arg(&out), signal, |_| has_content(folder.path()) || has_content(&out));
        assert_eq!((result.code, result.stdout.as_str(), result.stderr.as_str()), (Some(code), "", UNSENT));
        assert_eq!(names(folder.path()), [""; 0], "after SIG{signal}");
    }
}

#[test]
fn at_06_at_97_an_interrupted_drain_is_in_the_journal() {
    // More than the sockets hold before the process reads, by default 4 MiB (tcp_wmem) and 128 KiB (tcp_rmem): once all is
    // written, the process has the beginning. With much more, a slow machine does not write the journal in time.
    let part = [b"[{\"OrderID\":\"9992SAVED\"},".to_vec(), vec![b' '; 8 << 20]].concat();
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (written, body) = (Arc::new(AtomicBool::new(false)), part.clone());
        let flag = Arc::clone(&written);
        let (address, _) = accept(move |mut stream| {
            head(&mut stream).unwrap();
            let length = body.len() + 1;
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").unwrap();
            flag.store(stream.write_all(&body).is_ok(), Ordering::SeqCst);
            let _ = stream.read(&mut [0]);
        });
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("drained.jsonl");
        let line = format!("tm drain-unreported --yes --no-state --journal {}", journal.display());
        let mut command = format!("http://{address}").command(&line);
        let result = end_when(&mut command, signal, |_| written.load(Ordering::SeqCst));
        result.ends_with(code, &["what arrived of the response is in", MESSAGE]);
        let (events, arrived) = journal_of(&journal);
        assert_eq!(
            (events.as_slice(), result.stdout.as_str()),
            (&["asked", "answer", "unknown"].map(str::to_owned)[..], "")
        );
        assert!(arrived.starts_with(b"[{\"OrderID\":\"9992SAVED\"}") && part.starts_with(&arrived));
    }
}

/// The events of a journal, and the body in its record of a response.
fn journal_of(path: &Path) -> (Vec<String>, Vec<u8>) {
    let text = std::fs::read_to_string(path).unwrap();
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event = |record: &Value| record["event"].as_str().unwrap().to_owned();
    let body = records.iter().find_map(|record| record["base64"].as_str()).unwrap_or_default();
    (records.iter().map(event).collect(), decode_base64(body).unwrap())
}

/// The commands whose requests must not be repeated, each with a head without its end, and with the id in it.
const HEADS: [(&str, &str, &str); 3] = [
    (
        "identify24 create ident.json",
        "HTTP/1.1 201 Created\r\nServer: x\r\nLocation: https://example.com/apply/zz-9\r\n",
        "conference_url https://example.com/apply/zz-9",
    ),
    (
        "tm put-order order.json",
        "HTTP/1.1 202 Accepted\r\nLocation: https://example.com/status/zz-9\r\n",
        "TargetURL https://example.com/status/zz-9",
    ),
    ("tm drain-unreported --yes --journal j", "HTTP/1.1 200 OK\r\nX-Entry: {\"OrderID\":\"9992\"}\r\n", "OrderID 9992"),
];

/// The command in this directory, with its input files and its records there.
fn in_folder(server: &Server, folder: &TempDir, line: &str) -> Command {
    file(folder, "order.json", &order(&json!({ "Ref": "my-ref" })));
    file(folder, "ident.json", &ident(&json!({})));
    let mut command = server.command(line);
    command.current_dir(folder.path()).env("IDENTKIT_STATE_DIR", folder.path().join("state"));
    command
}

fn state(folder: &TempDir, line: &str) -> String {
    run(in_folder(&Server::untouched(), folder, "state").args(line.split(' '))).stdout
}

/// The records of the directory.
fn records(folder: &TempDir) -> Vec<Value> {
    let records: Value = serde_json::from_str(&state(folder, "list --output json")).unwrap();
    records["records"].as_array().unwrap().clone()
}

/// The states of the records of the directory.
fn states(folder: &TempDir) -> Vec<String> {
    records(folder).iter().map(|record| record["state"].as_str().unwrap().to_owned()).collect()
}

/// The body of the response in the only record of the directory.
fn recorded(folder: &TempDir) -> String {
    state(folder, &format!("show {} --body", records(folder)[0]["name"].as_str().unwrap()))
}

#[test]
fn at_97_a_head_that_stalls_is_kept_like_a_broken_one() {
    for (line, head, id) in HEADS {
        for reply in [Reply::Cut, Reply::Stall] {
            let server = Server::after_login(move |_| reply(head.into()));
            let folder = tempfile::tempdir().unwrap();
            let result = run(in_folder(&server, &folder, line).args(["--timeout", "2"]));
            result.ends_with(6, &["identkit state show"]);
            assert_eq!(recorded(&folder), head, "{line}: {result:#?}");
            let result = run(in_folder(&server, &folder, line).args(["--timeout", "2", "--no-state"]));
            if line.contains("drain") {
                let journal = std::fs::read_to_string(folder.path().join("j")).unwrap();
                assert!(journal.contains(&encode_base64(head.as_bytes())), "{result:#?}");
                continue;
            }
            result.ends_with(6, &[id]);
        }
    }
}

#[test]
fn at_97_a_head_that_a_signal_interrupts_is_kept() {
    for (line, head, id) in HEADS {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let server = Server::after_login(move |_| Reply::Stall(head.into()));
            let folder = tempfile::tempdir().unwrap();
            let end = |more: &str| {
                let calls = server.requests().len() + usize::from(line.contains("create"));
                end_when(&mut in_folder(&server, &folder, &format!("{line}{more}")), signal, |_| {
                    let is_sent = server.requests().len() > calls;
                    // Until the head is read.
                    std::thread::sleep(Duration::from_millis(if is_sent { 500 } else { 0 }));
                    is_sent
                })
            };
            end("").ends_with(code, &["identkit state show", MESSAGE]);
            assert_eq!(recorded(&folder), head, "{line}");
            let result = end(" --no-state");
            if line.contains("drain") {
                result.ends_with(code, &["what arrived of the response is in", MESSAGE]);
                let (events, arrived) = journal_of(&folder.path().join("j"));
                assert_eq!(events, ["asked", "answer", "unknown"].repeat(2));
                assert_eq!((arrived.as_slice(), result.stdout.as_str()), (head.as_bytes(), ""));
                continue;
            }
            result.ends_with(code, &[id, "is on standard output: save it", MESSAGE]);
            assert_eq!(result.stdout, head, "{line}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn at_97_a_forced_end_shows_a_part_that_blocks() {
    // More than a pipe holds.
    let body = format!("[{{\"OrderID\":\"9992SAVED\"}}{}", " ".repeat(300_000));
    let length = body.len() + 1;
    let part = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
    let server = Server::always(move || Reply::Stall(part.clone().into()));
    let folder = tempfile::tempdir().unwrap();
    let mut command = in_folder(&server, &folder, "tm put-order order.json --no-state");
    let (_reader, writer) = std::io::pipe().unwrap();
    let errors = folder.path().join("errors");
    let mut child = command.stdout(writer).stderr(std::fs::File::create(&errors).unwrap()).spawn().unwrap();
    let began = Instant::now();
    while server.requests().is_empty() {
        assert!(began.elapsed() < HANGS);
        std::thread::sleep(Duration::from_millis(5));
    }
    // Until the part is read.
    std::thread::sleep(Duration::from_secs(1));
    send("TERM", child.id());
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > HANGS {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let errors = std::fs::read_to_string(&errors).unwrap();
    assert!(errors.contains(&format!("HTTP 200; body: {body}")), "{} bytes", errors.len());
}

#[cfg(unix)]
#[test]
fn at_97_a_record_that_was_taken_away_holds_nothing() {
    type Take = fn(&Path);
    let taken: [(&str, Take); 2] = [
        ("deleted", |folder| std::fs::remove_dir_all(folder.join("state")).unwrap()),
        ("renamed", |folder| std::fs::rename(folder.join("state"), folder.join("other")).unwrap()),
    ];
    for (how, take) in taken {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_owned();
        let server = Server::always(move || {
            take(&place);
            Reply::json("500 Error", r#"{"OrderID":"9992SAVED"}"#)
        });
        let result = run(&mut in_folder(&server, &folder, "tm put-order order.json"));
        result.ends_with(6, &[r#"HTTP 500; body: {"OrderID":"9992SAVED"}"#]).logs_none_of(&["recorded in"]);
        // The journal, too.
        let place = folder.path().to_owned();
        let server = Server::always(move || {
            std::fs::remove_file(place.join("j")).unwrap();
            Reply::json("200 OK", r#"[{"OrderID":"9992SAVED","Status":[]}]"#)
        });
        let line = "tm drain-unreported --yes --no-state --journal j";
        let result = run(&mut in_folder(&server, &folder, line));
        result.ends_with(6, &["is on standard output instead"]).shows(&["\"event\":\"answer\""]);
        assert!(!folder.path().join("j").exists(), "{how}");
    }
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    // As in a script that runs the program with `&`.
    let server = Server::always(|| {
        std::thread::sleep(Duration::from_secs(1));
        Reply::json("200 OK", r#"{"OrderID":"99921269855041","Status":[]}"#)
    });
    let program = server.command(&format!("tm status {ORDER} --extended"));
    let trapped = |signals: &str| {
        let mut shell = clean_command("sh");
        shell.args(["-c", &format!("trap '' {signals}; exec \"$@\""), "sh"]);
        // Without what resets the signals if the tests themselves run with ignored ones.
        let line = std::iter::once(program.get_program()).chain(program.get_args());
        shell
            .args(line.skip_while(|part| *part != PROGRAM))
            .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell
    };
    for (ignored, signal, code) in
        [("INT", "INT", 0), ("TERM", "TERM", 0), ("HUP", "HUP", 0), ("INT HUP", "TERM", 143), ("TERM", "INT", 130)]
    {
        let calls = server.calls().len();
        let result = end_when(&mut trapped(ignored), signal, |_| server.calls().len() > calls);
        assert_eq!(result.code, Some(code), "{ignored} is ignored, SIG{signal}: {result:#?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn at_97_a_signal_ends_a_command_that_cannot_write() {
    const PLACED: &str = r#"{"OrderID":"9992SAVED","Ref":"my-ref","TargetURL":"https://example.com/t"}"#;
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, "order.json", &order(&json!({ "Ref": "my-ref" })));
    let state = format!("--state {}", folder.path().join("state").display());
    // Standard error never blocks a command (module `blocked`).
    for (more, signal, code) in [("--no-state", "TERM", 143), (state.as_str(), "INT", 130)] {
        let server = Server::json("202 Accepted", PLACED);
        let (_reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(&[b'x'; 64 * 1024]).unwrap();
        let mut command = server.command(&format!("tm put-order {file} {more}"));
        command.stdout(writer).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        while server.calls().is_empty() {
            assert!(began.elapsed() < HANGS);
            std::thread::sleep(Duration::from_millis(5));
        }
        // Until the response is read.
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(child.try_wait().unwrap(), None, "it is blocked");
        let began = Instant::now();
        send(signal, child.id());
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > HANGS {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let result = Run::from(child.wait_with_output().unwrap());
        let expected = if more == "--no-state" { "contains OrderID 9992SAVED" } else { "identkit state show" };
        result.ends_with(code, &[expected, MESSAGE]);
    }
}

#[test]
fn an_interrupted_order_prints_its_generated_ref() {
    let folder = tempfile::tempdir().unwrap();
    let place = |reference: Value| {
        let file = file(&folder, "order.json", &order(&json!({ "Ref": reference })));
        let server = Server::always(Reply::silence);
        let mut command = server.command(&format!("tm put-order {file}"));
        let result = end_when(&mut command, "INT", |_| !server.requests().is_empty());
        assert_eq!(result.code, Some(130));
        let sent: Value = serde_json::from_str(&server.requests()[0].body).unwrap();
        (result.stderr, sent["Ref"].as_str().unwrap().to_owned())
    };
    let (output, drawn) = place(Value::Null);
    assert!(output.contains(&format!("with the Ref {drawn}: save it")) && output.ends_with(MESSAGE), "{output}");
    let (output, _) = place(json!("my-own"));
    // The user knows a Ref of the order file.
    assert!(output.starts_with("note: the request and") && output.ends_with(MESSAGE), "{output}");
    assert_eq!(output.lines().count(), 2, "{output}");
}

#[test]
fn an_interrupted_change_says_how_to_check_it() {
    for (line, words) in [
        ("tm delete 4711 --yes", ["may have deleted", "tm ident-data 4711 ends with exit code 4"]),
        ("tm delete --any-id --yes -- a-1", ["may have deleted", "tm ident-data --any-id -- 'a-1'"]),
        ("tm cancel 4711 --yes", ["may have canceled", "tm finality 4711"]),
        (
            "tm video request 4711 --callback-url https://example.com/h",
            ["may have received the request", "can send the request again"],
        ),
        ("tm sign request 4711", ["may have texted", "tm status --extended 4711"]),
        ("tm sign resend 4711", ["may have texted", "tm status --extended 4711"]),
        ("tm sign confirm 4711 --tan 123456", ["may have signed", "tm finality 4711"]),
    ] {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let server = Server::always(Reply::silence);
            let result = end_when(&mut server.command(line), signal, |_| !server.requests().is_empty());
            result.ends_with(code, &words);
            assert!(result.stderr.ends_with(MESSAGE) && !result.stderr.contains("123456"), "{line}: {result:#?}");
        }
    }
    // The deletion is confirmed, and its check is interrupted.
    let server = Server::start(|request| match request.method.as_str() {
        "DELETE" => Reply::json("202 Accepted", ""),
        _ => Reply::silence(),
    });
    let result = end_when(&mut server.command("tm delete 4711 --yes"), "TERM", |_| server.requests().len() > 1);
    result.ends_with(143, &["the vendor confirmed the deletion", "tm ident-data 4711 ends with exit code 4"]);
}

#[test]
fn at_97_a_response_to_an_interrupted_change_is_kept() {
    type Start = fn() -> Server;
    const OTHER: &str = "{\"OrderID\":\"9992\"}";
    let cancel = "tm cancel 4711 --yes";
    let arriving: [(&str, Start); 4] = [
        // The vendor names another order, so the status is read.
        (cancel, || {
            Server::start(|request| match request.path.contains("cancelOrder") {
                true => Reply::json("202 Accepted", OTHER),
                false => Reply::silence(),
            })
        }),
        (cancel, || Server::always(|| Reply::Stall(format!("HTTP/1.1 202 A\r\n\r\n{OTHER}").into()))),
        ("tm delete 4711 --yes", || Server::always(|| Reply::Stall(format!("HTTP/1.1 202 A\r\n\r\n{OTHER}").into()))),
        ("tm video request 4711 --callback-url https://example.com/h", || {
            Server::always(|| Reply::Stall(format!("HTTP/1.1 200 A\r\n\r\n{OTHER}").into()))
        }),
    ];
    for (at, (line, start)) in arriving.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let end = |more: &str| {
            let server = start();
            end_when(&mut in_folder(&server, &folder, &format!("{line}{more}")), "TERM", |_| {
                let is_sent = server.requests().len() > usize::from(at == 0);
                // Until the response is read.
                std::thread::sleep(Duration::from_millis(if is_sent { 500 } else { 0 }));
                is_sent
            })
        };
        end("").ends_with(143, &["identkit state show", MESSAGE]);
        assert_eq!(recorded(&folder), OTHER, "{line}");
        let result = end(" --no-state");
        result.ends_with(143, &["is on standard output: save it", MESSAGE]);
        assert_eq!(result.stdout, OTHER, "{line}");
    }
}

#[test]
fn at_97_a_change_keeps_an_answer_that_is_not_http() {
    let lengths = "HTTP/1.1 202 A\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}";
    let switched = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    for line in ["tm delete 4711 --yes", "tm video request 4711 --callback-url https://example.com/h"] {
        for answer in [lengths, switched] {
            let server = Server::always(|| Reply::Cut(answer.into()));
            let folder = tempfile::tempdir().unwrap();
            run(&mut in_folder(&server, &folder, line)).ends_with(6, &["identkit state show"]);
            assert_eq!(recorded(&folder), answer, "{line}");
        }
        // The head arrives, the body does not within the timeout.
        let server = Server::always(|| Reply::Stall("HTTP/1.1 202 A\r\nContent-Length: 9\r\n\r\n{}".into()));
        let folder = tempfile::tempdir().unwrap();
        run(in_folder(&server, &folder, line).args(["--timeout", "1"])).ends_with(6, &["identkit state show"]);
        assert_eq!(recorded(&folder), "{}", "{line}");
    }
}

#[test]
fn at_97_a_signal_does_not_hide_a_refusal() {
    // The command's own probe after a 404 hangs.
    for line in ["tm put-order order.json", "tm sign confirm 4711 --tan 123456"] {
        let server = Server::start(|request| match request.path.contains("serverStatus") {
            false => Reply::json("404 Not Found", ""),
            true => Reply::silence(),
        });
        let folder = tempfile::tempdir().unwrap();
        let mut command = in_folder(&server, &folder, line);
        let result = end_when(&mut command, "TERM", |_| server.requests().len() > 1);
        assert!(matches!(result.code, Some(4 | 5)), "{line}: {result:#?}");
        result.logs_none_of(&["interrupted", "may execute"]);
    }
    // The login after a 401 hangs.
    let logins = AtomicUsize::new(0);
    let server = Server::start(move |request| match request.path.as_str() {
        "/auth" if logins.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::json("200 OK", r#"{"result":true,"response_status":200,"token":"xxx"}"#)
        }
        "/auth" => Reply::silence(),
        _ => Reply::json("401 Unauthorized", ""),
    });
    let folder = tempfile::tempdir().unwrap();
    let mut command = in_folder(&server, &folder, "identify24 create ident.json");
    let result = end_when(&mut command, "TERM", |_| server.requests().len() > 2);
    result.ends_with(143, &["the vendor refused the request (HTTP 401)"]).logs_none_of(&["may execute", "may exist"]);
    assert_eq!(states(&folder), ["refused"]);
    // During the wait after a 429.
    for body in ["", r#"{"result":false,"messages":["too many requests"]}"#] {
        let length = body.len();
        let refusal =
            format!("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\nContent-Length: {length}\r\n\r\n{body}");
        let server = Server::after_login(move |_| Reply::Next(refusal.clone().into_bytes()));
        let folder = tempfile::tempdir().unwrap();
        let mut command = in_folder(&server, &folder, "identify24 create ident.json");
        let result = end_when(&mut command, "TERM", |_| {
            std::thread::sleep(Duration::from_millis(300));
            server.requests().len() > 1
        });
        result.ends_with(143, &["the vendor refused the request (HTTP 429), and it was not sent again"]);
        result.logs_none_of(&["may execute", "may exist"]);
        assert_eq!(states(&folder), ["refused"]);
    }
}

#[test]
fn i_042_an_interrupted_login_sends_no_ident() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::always(Reply::silence);
    let mut command = in_folder(&server, &folder, "identify24 create ident.json");
    let result = end_when(&mut command, "TERM", |_| !server.requests().is_empty());
    assert!(result.ends_with(143, &[UNSENT]).stderr.ends_with(UNSENT), "{result:#?}");
    assert!(!result.stderr.contains("may exist"), "{result:#?}");
}

#[test]
fn at_96_a_signal_does_not_split_a_set_of_files() {
    if !has("strace") {
        return;
    }
    let list = |letter: char| {
        let pdf = |number: usize| format!("%PDF-1.4\n{letter}{number}{}\n%%EOF\n", "x".repeat(2000));
        let documents: Vec<Value> =
            (1..=3).map(|number| json!({ "Base64Data": encode_base64(pdf(number).as_bytes()) })).collect();
        json!({ "PDFs": documents }).to_string()
    };
    for (force, call) in [("", "renameat2"), (" --force", "renameat")] {
        let folder = tempfile::tempdir().unwrap();
        let line = |force| format!("tm esign-pdf 4711 --out {}{force}", folder.path().display());
        if !force.is_empty() {
            Server::json("200 OK", list('a')).run(&line("")).ends_with(0, &[]);
        }
        let server = Server::json("200 OK", list('b'));
        let command = server.command(&line(force));
        let mut traced = clean_command("strace");
        traced.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        traced.args(["-e", &format!("inject={call}:signal=TERM:when=1")]);
        traced.arg(command.get_program()).args(command.get_args());
        traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let result = run(&mut traced);
        result.ends_with(0, &[]).shows(&["sha256"]);
        let saved = |name: &String| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let all: Vec<String> = names(folder.path()).iter().map(saved).collect();
        assert!(all.len() == 3 && all.iter().all(|text| text.starts_with("%PDF-1.4\nb")), "{result:#?}");
    }
}

#[test]
fn i_042_an_interrupted_create_explains_how_to_find_the_ident() {
    let folder = tempfile::tempdir().unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for (id, way_back) in
            [(json!("a-tracking-value"), "custom_id, which"), (Value::Null, "the ident has no custom_id")]
        {
            let file = file(&folder, "ident.json", &ident(&json!({ "custom_id": id })));
            let server = Server::after_login(|_| Reply::silence());
            let mut command = server.command(&format!("identify24 create {file} --out {file}.created"));
            let result = end_when(&mut command, signal, |_| server.calls().iter().any(|call| call.contains("create")));
            assert_eq!(result.stdout, "");
            result.ends_with(code, &["note: the ident may exist", "ask the vendor", way_back]);
            assert!(result.stderr.ends_with(MESSAGE) && !result.stderr.contains("a-tracking-value"), "{result:#?}");
            assert_eq!(names(folder.path()), ["ident.json"], "the reserved file is removed");
        }
    }
}

#[test]
fn a_read_of_standard_input_can_be_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    for line in ["tm put-order -", "identify24 create - --out created.json"] {
        let server = Server::always(Reply::silence);
        let mut command = server.command(line);
        command.current_dir(folder.path()).stdin(Stdio::piped());
        let (done, fed) = mpsc::channel();
        let result = end_when(&mut command, "INT", |stdin| {
            if let Some(mut stdin) = stdin.take() {
                let done = done.clone();
                // More than a pipe holds: once all is written, the process is reading.
                std::thread::spawn(move || done.send((stdin.write_all(&[b' '; 1 << 20]), stdin)));
            }
            let Ok((written, open)) = fed.try_recv() else { return false };
            written.unwrap();
            *stdin = Some(open);
            true
        });
        assert_eq!((result.code, result.stderr.as_str()), (Some(130), UNSENT), "{line}");
        assert_eq!((server.connections(), names(folder.path()).len()), (0, 0));
    }
}

#[test]
fn ctrl_c_at_the_tan_prompt_is_130_and_sends_nothing() {
    if !has("script") {
        return;
    }
    let server = Server::untouched();
    let folder = tempfile::tempdir().unwrap();
    let (shown, state) = (folder.path().join("shown"), folder.path().join("state"));
    // The shell survives the signal, which the terminal sends to all its processes.
    let line = format!("trap : INT; '{PROGRAM}' tm sign confirm {ORDER}; echo code=$?; stty -a");
    let mut script = clean_command("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.envs(server.identkit().get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("IDENTKIT_STATE_DIR", &state).env("TERM", "xterm").env("SHELL", "/bin/sh");
    script.stdin(Stdio::piped()).stdout(std::fs::File::create(&shown).unwrap());
    let mut child = script.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = || std::fs::read_to_string(&shown).unwrap();
    let began = Instant::now();
    while !text().contains("TAN: ") {
        assert!(began.elapsed() < HANGS, "no prompt: {}", text());
        std::thread::sleep(Duration::from_millis(5));
    }
    stdin.write_all(b"123\x03").unwrap();
    child.wait().unwrap();
    let text = text();
    assert!(text.contains("error: interrupted") && text.contains("code=130"), "{text}");
    assert!(text.contains(" echo ") && !text.contains("-echo "), "the terminal shows what is typed: {text}");
    assert_eq!((server.connections(), state.exists()), (0, false));
}
