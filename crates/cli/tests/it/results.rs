//! The results of an order: read, saved, judged, deleted.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{CANARY, Reply, Sandbox, Server, VIDEO, Vendor, assert_private, names, run};
use identkit_wire::encode_base64;
use serde_json::{Value, json};

/// The signed order of the document's examples, and the order that they delete.
const SIGNED: &str = "99921269855041";
const FINISHED: &str = "99920006C38842";

#[test]
fn given_and_checked_data_are_in_one_table() {
    let sandbox = Sandbox::plain();
    let result = sandbox.run(&format!("tm ident-data {SIGNED} --include-initial-data"));
    result.ends_with(0, &[]).shows(&["IDCard.CardNo", "T22000129"]);
    let surname = result.stdout.lines().find(|line| line.contains("Surname")).unwrap();
    assert_eq!(surname.matches("Mustermann").count(), 2, "{surname}");
    let json = sandbox.json(&format!("tm ident-data {SIGNED} --include-identify-method"));
    assert_eq!((&json["IdentifyMethod"], &json["identkit"]["http_status"]), (&"Video".into(), &200.into()));
}

#[test]
fn the_report_is_saved_completely_and_privately() {
    let sandbox = Sandbox::plain();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    let json = sandbox.json(&format!("tm ident-data-pdf {SIGNED} -o {}", path.display()));
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    assert_eq!(json["files"][0]["bytes"], bytes.len());
    assert_private(&path);
    sandbox.run(&format!("tm ident-data-pdf 9992NOPE -o {}.none", path.display())).fails_with(4, &[]);
    assert_eq!(names(folder.path()), ["report.pdf"], "no partial file is left");
}

#[test]
fn an_order_without_a_signature_has_no_signed_documents() {
    let sandbox = Sandbox::plain();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("signed");
    let note = format!("not signed yet, or has nothing to sign: check it with identkit tm finality {FINISHED}");
    for (line, words) in [
        (format!("esign-pdf {FINISHED} -o {}", out.display()), ["getESignPDF", &note]),
        (format!("esign-hash {FINISHED}"), ["getESignHash", &note]),
        (
            format!("voice {FINISHED} -o {}", out.display()),
            ["getVoiceFiles", "a possible reason is that the order has no audio recording"],
        ),
    ] {
        sandbox.run(&format!("tm {line}")).fails_with(5, &words);
    }
    assert!(!out.exists(), "an empty new directory is removed");
}

#[test]
fn finality_uses_all_codes_of_an_order() {
    let sandbox = Sandbox::plain();
    let finality = format!("tm finality {SIGNED}");
    sandbox.run(&finality).shows(&["identification: positive, final", "signature:       identified"]);
    assert_eq!(sandbox.json(&finality)["identkit"]["verdict"]["if_identification"], "positive");
}

#[test]
fn ping_reports_the_service_and_ignores_empty_variables() {
    let sandbox = Sandbox::plain();
    let result = run(sandbox.command("tm ping").env("IDENTKIT_CA_FILE", ""));
    assert!(result.ends_with(0, &[]).stdout.starts_with("up, responded in"), "{result:#?}");
    sandbox.run("tm ping --timeout 2 --base-url http://127.0.0.1:1/api/2.10").fails_with(7, &["serverStatus"]);
}

#[test]
fn delete_requires_yes_and_is_checked_by_a_read() {
    let sandbox = Sandbox::plain();
    let data = || sandbox.run(&format!("tm ident-data {FINISHED} --output json"));
    let delete = format!("tm delete {FINISHED}");
    sandbox.run(&delete).fails_with(2, &["--yes"]);
    data().ends_with(0, &[]);
    sandbox.run(&format!("{delete} --yes")).ends_with(0, &[]);
    data().ends_with(4, &[]);
    for form in ["ident-data", "ident-data --signed", "ident-data-pdf -o never.pdf"] {
        let result = sandbox.run(&format!("tm {form} {FINISHED}"));
        result.fails_with(4, &["does not know an order with this id", "the data of the order may have been deleted"]);
    }
    sandbox.run(&format!("{delete} --yes")).fails_with(4, &["already deleted"]);
}

#[test]
fn a_failed_check_of_a_deletion_is_not_a_rejection() {
    for (status, code) in [("429", 7), ("400", 1), ("401", 1)] {
        let head = format!("HTTP/1.1 {status} Refused\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
        let server = Server::start(move |seen| match seen.method.as_str() {
            "GET" => Reply::Next(head.clone().into()),
            _ => Reply::json("202 Accepted", ""),
        });
        let line = format!("tm delete {FINISHED} --yes");
        server.run(&line).ends_with(code, &["the vendor confirmed the deletion", "failed", status]);
        let json = server.run(&format!("{line} --output json"));
        assert!(json.stderr.lines().count() == 1 && json.stderr.contains("confirmed the deletion"), "{json:#?}");
    }
}

#[test]
fn at_09_an_unusable_404_after_a_deletion_is_1() {
    // Its length counts characters. The base URL is right: the vendor confirmed the deletion.
    let body = "{\"Error\":\"Auftrag gelöscht\"}";
    let head = format!("HTTP/1.1 404 N\r\nContent-Length: {}\r\n\r\n", body.chars().count());
    for status in ["200 OK", "404 Not Found"] {
        let answer = head.clone() + body;
        let server = Server::start(move |seen| match seen.path.as_str() {
            "/serverStatus" => Reply::json(status, ""),
            _ if seen.method == "GET" => Reply::Next(answer.clone().into()),
            _ => Reply::json("202 Accepted", ""),
        });
        let result = server.run(&format!("tm delete {FINISHED} --yes"));
        result.ends_with(1, &["the vendor confirmed the deletion"]).logs_none_of(&["wrong base URL"]);
    }
}

#[test]
fn at_09_a_404_about_another_order_proves_no_deletion() {
    let server = Server::start(|seen| match seen.method.as_str() {
        "GET" => Reply::json("404 Not Found", r#"{"OrderID":"1111","Error":"Order not found"}"#),
        _ => Reply::json("202 Accepted", ""),
    });
    let words = ["the vendor confirmed the deletion", "proves no deletion"];
    server.run(&format!("tm delete {FINISHED} --yes")).ends_with(1, &words);
}

#[test]
fn at_09_a_404_of_a_gateway_does_not_settle_a_lost_attempt() {
    const PAGE: &str = "<html>not found</html>";
    for (line, body, status, code) in [
        (format!("tm delete {FINISHED} --yes"), PAGE, "200 OK", 6),
        (format!("tm delete {FINISHED} --yes"), "", "404 Not Found", 6),
        // The vendor's own.
        (format!("tm delete {FINISHED} --yes"), "", "200 OK", 4),
        (format!("tm video request {FINISHED} --callback-url https://example.com/h"), PAGE, "200 OK", 6),
    ] {
        for lost in [Reply::close, || Reply::json("504 Gateway Timeout", "")] {
            let tried = AtomicBool::new(false);
            let server = Server::start(move |seen| match seen.path.as_str() {
                "/serverStatus" => Reply::json(status, ""),
                _ if !tried.swap(true, Ordering::SeqCst) => lost(),
                _ => Reply::answer("404 Not Found", "text/html", body),
            });
            let state = tempfile::tempdir().unwrap();
            let result = run(server.command(&line).env("IDENTKIT_STATE_DIR", state.path()));
            result.fails_with(code, &["may have executed an earlier attempt"]);
            assert_eq!(names(state.path()).len(), usize::from(code == 6), "{line}: {result:#?}");
        }
    }
}

#[test]
fn at_89_another_status_proves_no_deletion() {
    // A vendor can answer so for an id that it does not know.
    for status in ["200 OK", "204 No Content"] {
        let server = Server::start(move |seen| match seen.method.as_str() {
            "GET" => Reply::json("404 Not Found", r#"{"Error":"Order not found"}"#),
            _ => Reply::json(status, ""),
        });
        let words = ["does not list for a deletion", "or the vendor never had any"];
        server.run(&format!("tm delete {FINISHED} --yes")).ends_with(1, &words);
    }
}

#[test]
fn a_plain_text_404_can_be_the_vendors() {
    let server = |status: &'static str| {
        Server::start(move |seen| match seen.path.ends_with("/serverStatus") {
            true => Reply::json(status, ""),
            false => Reply::answer("404 Not Found", "text/plain", "Order not found"),
        })
    };
    let line = format!("tm status {FINISHED}");
    server("200 OK").run(&line).fails_with(4, &["does not know an order with this id"]);
    server("404 Not Found").run(&line).fails_with(1, &["nothing of the vendor's API was found"]);
}

/// A body that is not a PDF.
const NO_PDF: &[u8] = b"a report, but not a PDF";

#[test]
fn at_96_a_body_that_is_not_a_pdf_is_kept_as_damaged() {
    for (line, name) in [("ident-data-pdf", "report.pdf"), ("esign-pdf", "99921269855041-1.pdf")] {
        for (media, body, is_kept) in [
            ("application/pdf", NO_PDF, true),
            ("Application/PDF; x=y", NO_PDF, true),
            ("application/pdf", b"<html>an error page</html>", true),
            ("application/octet-stream", NO_PDF, true),
            ("text/html", b"<html>an error page</html>", false),
            ("application/json", b"{}", false),
            ("application/pdf", b"", false),
        ] {
            let server = Server::always(move || Reply::bytes(media, body));
            let folder = tempfile::tempdir().unwrap();
            let out = if line == "esign-pdf" { folder.path().to_owned() } else { folder.path().join(name) };
            let line = format!("tm {line} {SIGNED} -o {}", out.display());
            let kept = format!("{name}.damaged");
            let result = server.run(&line);
            result.fails_with(1, if is_kept { &["no %PDF-", ".damaged", "--accept-damaged"] } else { &[] });
            assert_eq!(
                names(folder.path()),
                if is_kept { vec![kept.as_str()] } else { Vec::new() },
                "{media}: {result:?}"
            );
            if is_kept {
                assert_eq!(std::fs::read(folder.path().join(&kept)).unwrap(), body);
                // A name that is not the command's is never sent.
                let (sent, other) = (server.connections(), server.run(&format!("{line} --accept-damaged {kept}")));
                match line.contains("esign") {
                    true => other.ends_with(1, &["pdf.damaged has no effect"]),
                    false => {
                        other.fails_with(2, &["is not the name of the file, which is report.pdf", "nothing was sent"])
                    }
                };
                assert_eq!(server.connections() - sent, usize::from(line.contains("esign")));
                let accepted = server.run(&format!("{line} --accept-damaged {name} --output json"));
                assert_eq!(accepted.ends_with(0, &["although it is damaged"]).json()["identkit"]["http_status"], 200);
                assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), body);
            }
        }
    }
}

#[test]
fn at_89_a_partial_pdf_is_an_error_and_not_a_file() {
    for status in ["205 Reset Content", "206 Partial Content", "226 IM Used", "299 Other"] {
        for (line, name) in [("ident-data-pdf", "report.pdf"), ("esign-pdf", "")] {
            let server = Server::always(move || {
                let pdf = "%PDF-1.7 a page %%EOF";
                let head =
                    format!("HTTP/1.1 {status}\r\nContent-Type: application/pdf\r\nContent-Length: {}", pdf.len());
                Reply::Next(format!("{head}\r\n\r\n{pdf}").into_bytes())
            });
            let folder = tempfile::tempdir().unwrap();
            let line = format!("tm {line} {SIGNED} -o {}", folder.path().join(name).display());
            let text = if status.starts_with("206") { "the response is partial" } else { "lists no result" };
            server.run(&line).fails_with(1, &[text]);
            assert!(names(folder.path()).is_empty(), "{status} {line}");
        }
    }
}

#[test]
fn at_96_a_body_without_an_end_is_not_a_result() {
    for option in ["--signed", "--encrypted"] {
        for (head, code) in [("", 1), ("Content-Length: 33\r\n", 0)] {
            let server = Server::always(move || {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/jose\r\n{head}\r\n");
                Reply::Cut((head + "eyJhbGciOiJSU0EtT0FFUCJ9.c2VhbGVk").into_bytes())
            });
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("result");
            let result = server.run(&format!("tm ident-data {SIGNED} {option} -o {}", out.display()));
            result.ends_with(code, if code == 1 { &["has no length"] } else { &[] });
            assert_eq!(out.exists(), code == 0, "{option}");
        }
    }
}

#[test]
fn at_96_damaged_hashes_are_named_on_standard_output() {
    let good = encode_base64(b"signed hash of a file");
    let answer = |one: &str, two: &str| json!({ "Hashes": [{ "a.pdf": one }, { CANARY: two }, { "c.pdf": good }] });
    for (one, two, damaged) in [
        (&*good, "not Base64!", json!([CANARY])),
        (&*good, "", json!([CANARY])),
        (&*good, "pending", json!([CANARY])),
        ("?", "?", json!(["a.pdf", CANARY])),
    ] {
        let server = Server::json("200 OK", answer(one, two).to_string());
        let line = format!("tm esign-hash {SIGNED}");
        let count = format!("{} of 3 signed hashes are not Base64, or too short", damaged.as_array().unwrap().len());
        let result = server.run(&line);
        result.ends_with(1, &["getESignHash", &count]).shows(&["damaged: "]).logs_none_of(&[CANARY]);
        assert!(result.stdout.contains(CANARY) && !result.stdout.contains(&good), "{result:#?}");
        let result = server.run(&format!("{line} --output json"));
        assert_eq!(result.ends_with(1, &[&count]).json(), json!({ "damaged": damaged }));
    }
}

#[test]
fn at_96_the_start_of_a_webm_is_not_a_recording() {
    const EBML: &[u8] = &[0x1a, 0x45, 0xdf, 0xa3];
    let whole = [EBML, b"\x87\x42\x82\x84webm", b"\x1f\x43\xb6\x75cluster"].concat();
    let voice = |bytes: &[u8]| {
        let file = json!({ "Filename": "call.webm", "Base64Data": encode_base64(bytes) });
        json!({ "Voicefiles": [file] }).to_string().into_bytes()
    };
    for (bytes, code) in [(EBML, 1), (&whole[..10], 1), (&whole, 0), (VIDEO, 0)] {
        let folder = tempfile::tempdir().unwrap();
        for (line, name, media, body) in
            [("video get", "call.webm", "video/webm", bytes.to_vec()), ("voice", "", "application/json", voice(bytes))]
        {
            let server = Server::always(move || Reply::bytes(media, &body));
            let folder = folder.path().join(media.replace('/', "-"));
            std::fs::create_dir(&folder).unwrap();
            let result = server.run(&format!("tm {line} {SIGNED} -o {}", folder.join(name).display()));
            result.ends_with(code, &[]);
            let expected = if code == 0 { "call.webm" } else { "call.webm.damaged" };
            assert_eq!(names(&folder), [expected], "{result:#?}");
        }
    }
}

#[test]
fn at_93_untyped_data_is_shown_without_a_verdict() {
    let shown = |data: Value| {
        let answer = json!({ "OrderID": SIGNED, "Identified": "2020-09-10T12:00:00+02:00", "IdentData": data });
        Server::json("200 OK", answer.to_string()).run(&format!("tm ident-data {SIGNED}"))
    };
    let result = shown(json!([{ "Surname": "Mustermann" }, { "Surname": "Doe", "Type": 7 }]));
    result.shows(&["does not say whether this data is checked", "1\tSurname\tMustermann", "2\tSurname\tDoe"]);
    assert!(!result.stdout.contains("Element\tChecked\t"), "no empty table: {result:#?}");
    let result = shown(json!([{ "Surname": "Mustermann", "Type": 3 }]));
    result.shows(&["does not say whether", "1\tSurname\tMustermann", "1\tType\t3"]);
    let result = shown(json!([{ "Surname": "Mustermann", "Type": 1 }, { "Surname": "Doe", "Type": 1 }]));
    result.shows(&["several entries", "1\tSurname\tMustermann", "2\tSurname\tDoe"]);
    let result = shown(json!([{ "Surname": "Mustermann", "Type": 2 }]));
    result.shows(&["Given", "Mustermann", "contains no checked data"]);
}
