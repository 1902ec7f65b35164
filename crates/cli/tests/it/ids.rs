//! The ids in responses and records: one reader finds them for `get --from`, `state` and typed ids.

use std::path::{Path, PathBuf};

use crate::support::{Reply, Run, Server, Vendor, ident, identkit, names, run};
use serde_json::{Value, json};

const PDF: &[u8] = b"%PDF-1.4\n%%EOF\n";

/// The only file in a directory.
fn only(folder: &Path) -> PathBuf {
    folder.join(names(folder).remove(0))
}

fn state(line: &str, folder: &Path) -> Run {
    run(identkit().arg("state").args(line.split(' ')).arg("--state").arg(folder))
}

/// Removes the result from the only record, as if the command had been killed before its end.
fn cut_result(folder: &Path) {
    let path = only(folder);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains(r#""event":"result""#)).collect();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn at_97_get_and_state_find_the_id_wherever_create_did() {
    for (headers, body) in [
        ("", r#"{"result":true,"data":{"id":"canary-1"}}"#),
        ("", r#"{"result":true,"conference_url":"https://identify24.de/apply/canary-1"}"#),
        ("location: /ident/get/canary-1\r\n", "created"),
        ("location: https://identify24.de/apply/canary-1\r\n", ""),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        let server = Server::after_login(move |seen| match seen.path.as_str() {
            "/ident/create" => Reply::Next(head.clone().into_bytes()),
            _ => Reply::json("200 OK", r#"{"data":{"id":"canary-1","status":"Unidentified"}}"#),
        });
        let folder = tempfile::tempdir().unwrap();
        let (records, out) = (folder.path().join("state"), folder.path().join("created.json").display().to_string());
        let line = format!("identify24 create - --out {out} --state {}", records.display());
        server.feed(&line, &ident(&json!({}))).fails_with(6, &["contains an ident_id"]).hides(&["canary"]);
        let record = only(&records).display().to_string();
        for is_killed in [false, true] {
            if is_killed {
                cut_result(&records);
            }
            let listed = state("list --open --output json", &records).json();
            assert_eq!(listed["records"][0]["names"]["ident_id"], "canary-1", "{is_killed} {headers} {body}");
            state("list", &records).ends_with(0, &[]).shows(&["ident_id canary-1"]);
            let name = names(&records).remove(0);
            state(&format!("show {name}"), &records).ends_with(0, &[]).shows(&["ident_id"]);
            for file in [&out, &record] {
                server.run(&format!("identify24 get --from {file}")).ends_with(0, &[]).shows(&["canary-1"]);
                assert_eq!(server.calls().last().unwrap(), "GET /ident/get/canary-1");
            }
        }
    }
}

#[test]
fn at_22_an_id_that_only_the_user_gave_stays_unknown() {
    const ODD: &str = "9992-AB";
    let known = |status: &'static str, body: &'static str, line: &str| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(move |seen| match seen.method.as_str() {
            "GET" => Reply::json("403 Forbidden", ""),
            _ => Reply::json(status, body),
        });
        let mut command = server.command(&format!("{line} {ODD} --any-id"));
        run(command.env("IDENTKIT_STATE_DIR", folder.path()));
        let untouched = Server::json("200 OK", json!({ "OrderID": ODD, "Status": [{ "Kind": 25 }] }).to_string());
        let result = run(untouched.command(&format!("tm status {ODD}")).env("IDENTKIT_STATE_DIR", folder.path()));
        assert_eq!((names(folder.path()).len(), result.code == Some(0)), (1, result.code != Some(2)), "{result:#?}");
        result.code == Some(0)
    };
    let echo = r#"{"OrderID":"9992-AB","Error":"no such order"}"#;
    for (status, body, line, expected) in [
        ("404 Not Found", echo, "tm sign request", false),
        ("500 No", echo, "tm sign request", false),
        ("200 OK", "done", "tm delete --yes", false),
        ("200 OK", echo, "tm cancel --yes", false),
        ("202 Accepted", "", "tm sign request", true),
    ] {
        assert_eq!(known(status, body, line), expected, "{line} {status} {body}");
    }
}

#[test]
fn at_90_a_recorded_response_in_gzip_is_not_shown_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::after_login(|_| Reply::answer("500 No", "text/html", b"\x1f\x8b\x08 no text"));
    let line = format!("identify24 create - --state {}", folder.path().display());
    server.feed(&line, &ident(&json!({}))).fails_with(6, &[]);
    let name = names(folder.path()).remove(0);
    let shown = state(&format!("show {name}"), folder.path());
    shown.ends_with(0, &[]).shows(&[&format!("The body is in gzip: identkit state show {name} --body | gzip -d")]);
    assert!(!shown.stdout.contains("no text"), "{shown:#?}");
}

#[test]
fn ai_19_a_pdf_content_that_is_no_pdf_is_2() {
    let server = Server::after_login(|_| Reply::json("200 OK", r#"{"result":true,"ident_id":"a-1"}"#));
    let pdf = identkit_wire::encode_base64(PDF);
    let create = |content: &str| server.feed("identify24 create -", &ident(&json!({ "pdf_content": content })));
    for (content, why) in [
        ("bm8gUERG".to_owned(), "is not a PDF"),
        (format!("{pdf}!"), "is not valid Base64"),
        ("data:@file/pdf;base64,xxxxxxxxxxxxxxxxx".to_owned(), "is not valid Base64"),
        (format!("{pdf}__79"), "not valid Base64"),
    ] {
        create(&content).fails_with(2, &["pdf_content", why, "AI-19", "nothing was sent"]).hides(&[&content]);
    }
    assert_eq!(server.connections(), 0);
    for content in [pdf.clone(), format!("data:@file/pdf;base64,{pdf}"), String::new()] {
        create(&content).ends_with(0, &[]);
    }
    create(&format!(" {pdf}\n")).ends_with(0, &["sent without the blanks around them: pdf_content"]);
    assert!(server.requests().last().unwrap().body.contains(&format!("\"{pdf}\"")));
}

#[test]
fn ai_11_an_estimated_expiry_has_the_offset_of_its_time() {
    for (time, expected) in [
        ("2019-07-01T12:00:00+02:00", "2019-09-29T12:00:00+02:00"),
        ("2019-07-01T12:00:00Z", "2019-09-29T12:00:00+00:00"),
        ("01-07-2019 12:00:00", "2019-09-29T12:00:00"),
    ] {
        let answer: Value = json!({ "data": { "id": "a-1", "status": "x", "created_at": time } });
        let server = Server::after_login(move |_| Reply::json("200 OK", &answer.to_string()));
        let result = server.run("identify24 get a-1");
        let line = result.ends_with(0, &[]).stdout.lines().find(|line| line.starts_with("expires about")).unwrap();
        assert!(line.ends_with(expected), "{line}");
    }
}

#[test]
fn at_05_a_list_that_does_not_end_is_shown_with_an_error() {
    let server = Server::start(|seen| {
        let page: Value = serde_json::from_str(&seen.body).unwrap();
        let id = format!("9992{}", page["Period"]["Paging"]["Page"]);
        Reply::json("200 OK", &json!([{ "OrderID": id, "Status": [{ "Kind": 6 }] }]).to_string())
    });
    let result = server.run("tm statuses --from -4s --output json");
    result.ends_with(1, &["did not end within 2000 pages", "orders are missing", "is incomplete"]);
    let shown = result.json();
    assert_eq!((shown["orders"].as_array().unwrap().len(), &shown["identkit"]["complete"]), (2000, &json!(false)));
    assert_eq!(server.calls().len(), 2000);
}

#[test]
fn at_96_a_failed_rename_names_the_file_and_those_before() {
    let document = json!({ "Base64Data": identkit_wire::encode_base64(PDF) });
    let server = Server::json("200 OK", json!({ "PDFs": [document, document] }).to_string());
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = [1, 2].map(|number| folder.path().join(format!("9992-{number}.pdf")));
    // A directory cannot be replaced by a file.
    std::fs::create_dir(&second).unwrap();
    let result = server.run(&format!("tm esign-pdf 9992 --force -o {}", folder.path().display()));
    let (saved, failed) = (first.display().to_string(), second.display().to_string());
    result.fails_with(1, &[&format!("error: {failed}: "), &format!("already saved (1 of 2): {saved}")]);
    assert_eq!(std::fs::read(&first).unwrap(), PDF);
}
