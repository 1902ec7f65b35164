//! Recordings and the signed form, against misbehaving servers.

use std::path::Path;

use crate::support::{
    CANARY, ORDER, Reply, Run, Server, VIDEO, Vendor, file, has, names, run_in_terminal, sha256, whole,
};
use identkit_wire::encode_base64;
use serde_json::{Value, json};

#[test]
fn the_vendors_text_of_a_rejection_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    for (line, operation) in [
        ("tm video request 99921269855041 --callback-url https://example.com/", "getVideoFileBinaryAsync"),
        (&format!("tm video get 99921269855041 -o {out}"), "getVideoFileBinary"),
        (&format!("tm voice 99921269855041 -o {out}"), "getVoiceFiles"),
        ("tm ident-data 99921269855041 --signed", "getIdentData"),
    ] {
        // serverStatus is not found either.
        let not_found = if line.contains("request") { 5 } else { 1 };
        for (status, code, calls) in [
            ("400 Bad Request", 5, 1),
            ("401 Unauthorized", 3, 1),
            ("404 Not Found", not_found, 2),
            ("403 Forbidden", 5, 1),
        ] {
            let server = Server::json(status, format!("{{\"Error\":\"{CANARY}\"}}"));
            let words = [operation, &format!("HTTP {}", status.get(..3).unwrap())];
            server.run(line).fails_with(code, &words).logs_none_of(&[CANARY]);
            assert_eq!(server.calls().len(), calls);
        }
        let result = Server::always(Reply::silence).run(&format!("{line} --timeout 1"));
        assert!(matches!(result.code, Some(6 | 7)) && result.stderr.contains("error: "), "{result:#?}");
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

mod video {
    use super::*;

    const REQUEST: &str = "tm video request 99921269855041";

    #[test]
    fn at_39_the_callback_url_is_checked_before_anything_is_sent() {
        let server = Server::untouched();
        for url in ["http://example.com/video", "ftp://example.com", "example.com", "", "http://127.0.0.1.example.com"]
        {
            let result = server.run(&format!("{REQUEST} --callback-url {url}"));
            result.fails_with(2, &["callbackUrl: ", "was not sent", "AT-39"]);
        }
        server.run(REQUEST).ends_with(2, &["--callback-url"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_request_mentions_the_callback() {
        let server = Server::json("200 OK", "");
        for url in ["https://example.com/video?order=9992", "http://127.0.0.1:8080/video", "http://localhost/video"] {
            let result = server.run(&format!("{REQUEST} --callback-url {url}"));
            result.ends_with(0, &[]).shows(&["calls the callback URL"]);
            let seen = server.requests().pop().unwrap();
            assert_eq!((seen.method.as_str(), seen.path), ("POST", format!("/getVideoFileBinaryAsync/{ORDER}")));
            assert_eq!(serde_json::from_str::<Value>(&seen.body).unwrap(), json!({ "callbackUrl": url }));
        }
        let url = format!("https://example.com/{}", "x".repeat(150));
        let result = server.run(&format!("{REQUEST} --callback-url {url} --output json"));
        let json = result.ends_with(0, &["AT-39"]).json();
        assert_eq!((&json["requested"], &json["identkit"]["warnings"][0]["rule"]), (&true.into(), &"AT-39".into()));
    }

    fn get(server: &Server, out: &Path, more: &str) -> Run {
        server.run(&format!("tm video get {ORDER} -o {}{more}", out.display()))
    }

    fn good() -> Server {
        Server::always(|| Reply::bytes("video/mp4", VIDEO))
    }

    #[test]
    fn at_38_without_the_callback_it_may_be_a_placeholder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video.mp4");
        let result = get(&good(), &path, " --output json");
        let json = result.ends_with(0, &["may be a placeholder", "not evidence yet", "AT-38"]).json();
        assert_eq!(json["identkit"]["provisioned"], "unknown");
        assert_eq!(json["identkit"]["compared"], false);
        assert_eq!(json["identkit"]["media_type"], "video/mp4");
        assert_eq!(json["files"][0]["sha256"], sha256(VIDEO));
        assert_eq!(json["files"][0]["bytes"], VIDEO.len());
        assert_eq!(std::fs::read(&path).unwrap(), VIDEO);
        let result = get(&good(), &path, " --force");
        let size = format!("({} bytes)", VIDEO.len());
        result.ends_with(0, &["may be a placeholder"]).shows(&[&sha256(VIDEO), &size]);
        let result = get(&good(), &path, " --output json --callback-received --force");
        assert_eq!(result.ends_with(0, &[]).stderr, "");
        assert_eq!(result.json()["identkit"]["provisioned"], "callback_received");
    }

    #[test]
    fn at_38_a_known_placeholder_is_rejected_and_not_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video.mp4");
        let (known, other) = (sha256(VIDEO).to_uppercase(), "0".repeat(64));
        let refused = format!(" --placeholder-sha256 {other} --placeholder-sha256 {known}");
        get(&good(), &path, &refused).fails_with(1, &["getVideoFileBinary", "a placeholder", "nothing was written"]);
        let too_many = format!(" --at-least {}", VIDEO.len() + 1);
        get(&good(), &path, &too_many).fails_with(1, &["is a placeholder", "nothing was written"]);
        assert_eq!(names(folder.path()), [""; 0]);
        let accepted = format!(" --placeholder-sha256 {other} --at-least {} --output json", VIDEO.len());
        let json = get(&good(), &path, &accepted).ends_with(0, &["not one of the given placeholders"]).json();
        assert_eq!(json["identkit"]["compared"], true);
        assert_eq!(json["identkit"]["provisioned"], "unknown");
        std::fs::write(&path, "the real one").unwrap();
        get(&good(), &path, &format!("{refused} --force")).fails_with(1, &[]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "the real one", "the existing file stays");
        let server = Server::untouched();
        get(&server, &path, " --placeholder-sha256 00").ends_with(2, &["64 hexadecimal digits"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_recording_is_complete_or_not_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video.mp4");
        let half = || whole("video/mp4", VIDEO)[..80].to_vec();
        assert!(half().windows(4).any(|four| four == b"\r\n\r\n"), "the head is complete");
        let result = get(&Server::always(move || Reply::Cut(half())), &path, "");
        assert!(result.code != Some(0) && result.stdout.is_empty(), "{result:#?}");
        let stalled = Server::always(move || Reply::Stall(half()));
        get(&stalled, &path, " --timeout 1").fails_with(7, &["was not complete before the deadline"]);
        let page = Server::always(|| Reply::answer("200 OK", "text/html", format!("<html>{CANARY}</html>")));
        get(&page, &path, "").fails_with(1, &["is not a video"]).logs_none_of(&[CANARY]);
        assert_eq!(names(folder.path()), [""; 0], "no partial file is left");
    }

    #[test]
    fn a_wrong_file_extension_gives_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video.webm");
        get(&good(), &path, " --callback-received").ends_with(0, &["MP4", ".mp4"]);
        let odd = Server::always(|| Reply::bytes("video/Zsuzsannakanarienvogel", VIDEO));
        let result = get(&odd, &path, " --force");
        result.ends_with(0, &["does not declare the file as MP4 or WebM"]).logs_none_of(&[CANARY]);
    }
}

mod voice {
    use super::*;

    fn answering(files: &[(&str, &str)]) -> Server {
        let file = |(name, data): &(&str, &str)| json!({ "Filename": name, "Base64Data": data });
        Server::json("200 OK", json!({ "Voicefiles": Value::from_iter(files.iter().map(file)) }).to_string())
    }

    fn voice(server: &Server, out: &Path, more: &str) -> Run {
        server.run(&format!("tm voice {ORDER} -o {}{more}", out.display()))
    }

    #[test]
    fn at_40_every_recording_gets_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("voice");
        let data: Vec<String> =
            (0..7).map(|number| encode_base64(format!("caff recording {number}").as_bytes())).collect();
        let json = ["call.mp3", "call.mp3", "CALL.mp3", "../../call.mp3", "/etc/call.mp3", "", "nul.mp3"];
        let files: Vec<(&str, &str)> = json.into_iter().zip(data.iter().map(String::as_str)).collect();
        let server = answering(&files);
        let json = voice(&server, &out, " --output json").ends_with(0, &[]).json();
        let expected =
            ["call.mp3", "call-2.mp3", "CALL-3.mp3", "_.._call.mp3", "_etc_call.mp3", "recording-6", "_nul.mp3"];
        for (number, name) in expected.iter().enumerate() {
            assert_eq!(json["files"][number]["path"], out.join(name).display().to_string());
            assert_eq!(std::fs::read_to_string(out.join(name)).unwrap(), format!("caff recording {number}"));
        }
        assert_eq!(names(&out).len(), 7);
        assert_eq!(names(folder.path()), ["voice"], "no file is outside the directory");
        // A second run saves no file twice.
        voice(&server, &out, "").ends_with(0, &[]);
        assert_eq!(names(&out).len(), 7);
        // A recording of another order with the same name replaces nothing.
        voice(&answering(&[("call.mp3", &encode_base64(b"caff another"))]), &out, "").ends_with(0, &[]);
        assert_eq!(std::fs::read_to_string(out.join("call.mp3")).unwrap(), "caff recording 0");
        assert_eq!(std::fs::read_to_string(out.join("call-3.mp3")).unwrap(), "caff another");
        // Two equal recordings of one response are two files.
        let (out, data) = (folder.path().join("twice"), encode_base64(b"caff the same"));
        voice(&answering(&[("a.mp3", &data), ("a.mp3", &data)]), &out, "").ends_with(0, &[]);
        assert_eq!(names(&out), ["a-2.mp3", "a.mp3"]);
    }

    #[test]
    fn at_96_with_a_bad_recording_none_gets_its_final_name() {
        let folder = tempfile::tempdir().unwrap();
        let lenient = format!(" {}\n", encode_base64(b"caff??>>").replace('+', "-").replace('/', "_").replace('=', ""));
        let page = encode_base64(b"<html>an error page");
        let recordings = [
            ("Erika Mustermann.mp3", "\\uQBA"),
            ("b.mp3", &*lenient),
            ("c.mp3", ""),
            ("d.mp3", &*page),
            // Invalid Base64 is damaged even if the text looks like a recording.
            ("e.mp3", "ID3!"),
        ];
        let server = answering(&recordings);
        let result = voice(&server, folder.path(), " --output json");
        // A file name may contain a person's name: standard output has it.
        result
            .ends_with(1, &["getVoiceFiles", "recording 1, 3, 4, 5 of 5", "not valid Base64", "--accept-damaged"])
            .logs_none_of(&["Mustermann"]);
        let json = result.json();
        assert_eq!((&json["files"], &json["identkit"]["unreadable"]), (&json!([]), &json!([1, 3, 4, 5])));
        let not_base64 = "it is not valid Base64";
        let damaged = [
            (1, "Erika Mustermann.mp3", not_base64),
            (3, "c.mp3", "it is empty"),
            (4, "d.mp3", "it is not an audio file of a known format"),
            (5, "e.mp3", not_base64),
        ];
        let one =
            |(number, name, reason): &(u8, &str, &str)| json!({ "number": number, "name": name, "reason": reason });
        assert_eq!(json["identkit"]["damaged"], Value::from_iter(damaged.iter().map(one)));
        let kept = ["Erika Mustermann.mp3.damaged", "c.mp3.damaged", "d.mp3.damaged", "e.mp3.damaged"];
        assert_eq!(names(folder.path()), kept);
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!((read(kept[0]), read(kept[1])), (b"\\uQBA".to_vec(), Vec::new()), "the text as received");
        assert_eq!((read(kept[2]), read(kept[3])), (b"<html>an error page".to_vec(), b"ID3!".to_vec()));
    }

    #[test]
    fn at_96_accepted_recordings_and_the_others_are_saved() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("voice");
        let page = encode_base64(b"<html>an error page");
        let good = encode_base64(b"caff whole");
        let server = answering(&[("a.mp3", &*good), ("b.mp3", "\\uQBA"), ("c.mp3", &*page)]);
        let other = voice(&answering(&[("b.mp3", "\\uQBC")]), &out, "");
        other.ends_with(1, &["recording 1 of 1", "--accept-damaged"]);
        // These are not the bytes that were kept and could be checked.
        let one = voice(&server, &out, " --accept-damaged b.mp3");
        one.ends_with(1, &["recording 2, 3 of 3", "b.mp3: no earlier run kept a damaged file with these bytes"]);
        assert_eq!(names(&out), ["b.mp3.damaged", "b.mp3.damaged-2", "c.mp3.damaged"]);
        let one = voice(&server, &out, " --accept-damaged b.mp3 --accept-damaged d.mp3");
        one.ends_with(1, &["recording 3 of 3", "d.mp3 has no effect"]).shows(&["recording 3 is damaged", "c.mp3"]);
        assert!(!one.stderr.contains("is saved") && !one.stderr.contains("b.mp3 has"), "{one:#?}");
        assert_eq!(names(&out), ["b.mp3.damaged", "b.mp3.damaged-2", "c.mp3.damaged", "c.mp3.damaged-2"]);
        std::fs::remove_file(out.join("c.mp3.damaged-2")).unwrap();
        let both = " --accept-damaged b.mp3 --accept-damaged c.mp3";
        voice(&server, &out, both).ends_with(0, &["although it is damaged"]);
        let all = ["a.mp3", "b.mp3", "b.mp3.damaged", "b.mp3.damaged-2", "c.mp3", "c.mp3.damaged"];
        assert_eq!(names(&out), all);
        assert_eq!(std::fs::read(out.join("a.mp3")).unwrap(), b"caff whole");
        assert_eq!(std::fs::read(out.join("b.mp3")).unwrap(), b"\\uQBA");
        // A second run saves no file twice; without the option, the accepted ones are still damaged.
        voice(&server, &out, both).ends_with(0, &[]);
        assert_eq!(names(&out), all);
        voice(&server, &out, "").ends_with(1, &["recording 2, 3 of 3"]);
        assert_eq!(std::fs::read(out.join("b.mp3")).unwrap(), b"\\uQBA");
        assert_eq!(names(&out).len(), 8);
    }

    #[test]
    fn no_recordings_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let result = voice(&answering(&[]), folder.path(), "");
        assert_eq!(result.ends_with(0, &[]).stdout, "the vendor has no recordings of this order\n");
        assert_eq!(voice(&answering(&[]), folder.path(), " --output json").json()["files"], json!([]));
        let server = Server::untouched();
        voice(&server, Path::new(&file(&folder, "file", "")), "").fails_with(2, &["--out"]);
        assert_eq!(server.connections(), 0);
    }
}

mod signed {
    use super::*;

    const SIGNED: &[u8] = b"\"c2VhbGVkIGZvcm0=\\r\\n\" \r\n\n";
    const GET: &str = "tm ident-data 99921269855041 --signed";

    fn good() -> Server {
        Server::always(|| Reply::bytes("text/plain; charset=utf-8", SIGNED))
    }

    #[test]
    fn at_71_the_bytes_are_written_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ident.signed");
        let server = good();
        server.run(&format!("{GET} -o {}", path.display())).ends_with(0, &[]).shows(&[&sha256(SIGNED)]);
        assert_eq!(std::fs::read(&path).unwrap(), SIGNED);
        assert_eq!(server.calls(), [format!("GET /getIdentData/{ORDER}/Signed")]);
        let output = server.command(GET).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice(), output.stderr.len()), (Some(0), SIGNED, 0));
        let json = server.json(GET);
        assert_eq!((&json["base64"], &json["sha256"]), (&encode_base64(SIGNED).into(), &sha256(SIGNED).into()));
    }

    #[test]
    fn signed_excludes_other_forms_and_terminals() {
        let server = good();
        for wrong in [
            "--signed --include-initial-data",
            "--signed --include-identify-method",
            "-o file",
            "--include-initial-data -o file",
        ] {
            server.run(&format!("tm ident-data 99921269855041 {wrong}")).ends_with(2, &["--help"]);
        }
        if has("script") {
            let result = run_in_terminal(&server.command(GET), "");
            assert_eq!(result.code, Some(2), "{result:#?}");
            result.shows(&["never written to a terminal", "-o"]);
        }
        assert_eq!(server.connections(), 0);
    }
}

/// A report in gzip, with its last bytes missing.
const CUT: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03S\rpq\xd35\xd43WHT(J-\xc8/*\x01\0\xbb\xe4\xbc";
const REPORT: &[u8] = b"%PDF-1.7 a report";

#[test]
fn at_90_an_undecodable_file_is_kept_as_damaged() {
    for (call, out, kept) in [
        ("ident-data-pdf", "r.pdf", "r.pdf.damaged"),
        ("esign-pdf", "", "99921269855041-1.pdf.damaged"),
        ("video get", "v.mp4", "v.mp4.damaged"),
        ("voice", "", "99921269855041-voice.json.damaged"),
        ("ident-data --encrypted", "e", "e.damaged"),
        ("ident-data --signed", "s", "s.damaged"),
    ] {
        for (coding, body, expected) in [("gzip", CUT, REPORT), ("deflate", b"coded", b"coded"), ("br", REPORT, REPORT)]
        {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
            let server = Server::always(move || Reply::Next([head.as_bytes(), body].concat()));
            let folder = tempfile::tempdir().unwrap();
            let line = format!("tm {call} 99921269855041 --timeout 1 -o {}", folder.path().join(out).display());
            server.run(&line).ends_with(1, &[kept]);
            assert_eq!(names(folder.path()), [kept], "{call} {coding}");
            assert_eq!(std::fs::read(folder.path().join(kept)).unwrap(), expected, "{call} {coding}");
        }
    }
}
