//! What all commands that call a vendor share: 404, 429, raw responses, verbose output, errors as JSON.

use crate::support::{CANARY, IDENT, ORDER, Reply, Sandbox, Server, Vendor, file, ident, names, order, sample};
use serde_json::{Value, json};

const STATUS: &str = "tm status 99921269855041 --extended";
const GET: &str = "identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// A vendor that knows only the side-effect-free probes and replies to all other calls.
fn with_probes(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::after_login(move |seen| match seen.path.as_str() {
        "/serverStatus" => Reply::json("200 OK", ""),
        "/project/getAll" => Reply::json("200 OK", r#"{"result":true,"messages":[],"data":[]}"#),
        _ => reply(),
    })
}

#[test]
fn an_option_without_an_effect_is_2() {
    let server = Server::untouched();
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, "decrypted.json", "{}");
    let no_tls = "has no effect, because the base URL begins with http://";
    for (line, words) in [
        ("identify24 login --raw -", ["--raw", "the token"]),
        (&format!("tm ident-data {ORDER} --decrypted {file} --raw -"), ["--raw", "sends nothing"]),
        ("tm put-order - --raw -", ["--raw", "only read"]),
        ("state list --show-vendor-text", ["--show-vendor-text", "call a vendor"]),
        ("sandbox --show-vendor-text", ["--show-vendor-text", "call a vendor"]),
        ("tm banks --pin sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ["--pin", no_tls]),
        ("identify24 projects --platform-roots", ["--platform-roots", no_tls]),
        ("tm ping --platform-roots", ["--platform-roots", no_tls]),
    ] {
        server.run(line).fails_with(2, &words);
    }
    assert_eq!(server.connections(), 0);
}

mod not_found {
    use super::*;

    /// Commands, whether they change something, and whether the request contains an id.
    const COMMANDS: [(&str, bool, bool); 9] = [
        (STATUS, false, true),
        ("tm banks", false, false),
        ("tm statuses --from -1h", false, false),
        (GET, false, true),
        ("tm sign request 99921269855041", true, true),
        ("tm cancel 99921269855041 --yes", true, true),
        ("tm delete 99921269855041 --yes", true, true),
        ("tm put-order -", true, false),
        ("identify24 create -", true, false),
    ];

    fn input(line: &str) -> String {
        if line.starts_with("tm") { order(&json!({})) } else { ident(&json!({})) }
    }

    #[test]
    fn an_unknown_id_is_4_after_one_probe() {
        for (line, changes, has_id) in COMMANDS {
            let server = with_probes(|| Reply::json("404 Not Found", "{}"));
            let result = server.feed(line, &input(line));
            let expected = if changes && !has_id { 5 } else { 4 };
            result.fails_with(expected, &["HTTP 404", "note: the URL called is ", &server.url()]);
            let probes =
                server.calls().iter().filter(|call| call.contains("Status") || call.contains("getAll")).count();
            assert!(probes >= 1 && !result.stderr.contains("wrong base URL"), "{result:#?}");
            assert!(!result.stderr.contains(IDENT), "an ident_id is a secret: {result:#?}");
        }
        let server = with_probes(|| Reply::json("404 Not Found", "{}"));
        server.run(STATUS).fails_with(4, &[&format!("{}/getStatus/{ORDER}/ExtendedList", server.url())]);
        assert_eq!(server.calls().last().unwrap(), "GET /serverStatus");
        assert_eq!(server.calls().len(), 2, "one probe");
        server.run(GET).fails_with(4, &[&format!("{}/ident/get/{{ident_id}}", server.url())]);
    }

    #[test]
    fn a_probe_is_one_call_and_json_may_begin_with_a_bom() {
        let server = with_probes(|| Reply::json("404 Not Found", "\u{feff}{}"));
        server.run(STATUS).fails_with(4, &["HTTP 404"]);
        let server = Server::after_login(|seen| match seen.path.as_str() {
            "/project/getAll" => Reply::json("500 Internal Server Error", ""),
            _ => Reply::json("404 Not Found", "{}"),
        });
        server.run(GET).fails_with(4, &["HTTP 404"]);
        assert_eq!(server.calls(), ["POST /auth", &format!("GET /ident/get/{IDENT}"), "GET /project/getAll"]);
        let server = Server::json("404 Not Found", "{}");
        server.run(GET).fails_with(1, &["wrong base URL?"]);
        assert_eq!(server.calls(), ["POST /auth"]);
    }

    #[test]
    fn a_wrong_base_url_is_1_for_reads_and_5_for_changes() {
        let nothing = || Server::json("404 Not Found", "{}");
        let page = || with_probes(|| Reply::answer("404 Not Found", "text/html", "<html>nothing here</html>"));
        for (line, changes, _) in COMMANDS {
            for server in [nothing(), page()] {
                let result = server.feed(line, &input(line));
                let code = if changes { 5 } else { 1 };
                result.fails_with(code, &["wrong base URL?", "--base-url", "the URL called is ", &server.url()]);
            }
        }
        // The forgotten prefix of the sandbox.
        let sandbox = Sandbox::plain();
        let url = sandbox.ready_text("/identity_tm/base_url").replace("/api/2.10", "");
        url.run(STATUS).fails_with(1, &["wrong base URL?", &format!("{url}/getStatus/")]);
        // Without an answer to the probe, nothing is known about the URL.
        let server = Server::start(|seen| match seen.path.as_str() {
            "/serverStatus" => Reply::close(),
            _ => Reply::json("404 Not Found", ""),
        });
        server.run(STATUS).fails_with(4, &["HTTP 404"]);
    }
}

#[test]
fn a_429_that_outlasts_all_retries_is_7_for_reads_only() {
    for (line, code) in [
        (STATUS, 7),
        ("tm ident-data 99921269855041", 7),
        (GET, 7),
        ("identify24 projects", 7),
        ("tm cancel 99921269855041 --yes", 5),
    ] {
        let server = Server::after_login(|_| Reply::json("429 Too Many Requests\r\nRetry-After: 3600", "{}"));
        server.run(line).fails_with(code, &["HTTP 429", "try again later"]);
    }
    // The vendor limits the login, so the create is not sent.
    let server = Server::json("429 Too Many Requests\r\nRetry-After: 3600", "{}");
    server.feed("identify24 create -", &ident(&json!({}))).fails_with(7, &["logging in failed", "HTTP 429"]);
    assert_eq!(server.calls(), ["POST /auth"]);
    // A refusal in the body of a successful response.
    let refusal = || Reply::json("200 OK", r#"{"result":false,"messages":["no"]}"#);
    let server = Server::after_login(move |_| refusal());
    server.feed("identify24 create -", &ident(&json!({}))).fails_with(5, &["ident/create"]);
    server.run(GET).fails_with(5, &["ident/get"]);
}

mod raw {
    use super::*;

    const BODY: &str = "{ \"OrderID\": \"99921269855041\",  \"Status\": {\"a\": \"\\ud800\"} }\r\n";

    #[test]
    fn raw_is_the_response_as_received() {
        let status = sample("identity-tm/fixtures/S-040-get-status-response.json");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raw.json");
        let out = path.display().to_string();
        let server = Server::json("200 OK", status.as_str());
        let result = server.run(&format!("{STATUS} --raw -"));
        assert_eq!((result.ends_with(0, &[]).stdout.as_str(), result.stderr.as_str()), (&*status, ""));
        let result = server.run(&format!("{STATUS} --raw {out}"));
        result.ends_with(0, &["response as received is in", &out]).shows(&["Verdict"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), status);
        server.run(&format!("{STATUS} --raw {out}")).fails_with(2, &["--raw", "already exists", "nothing was sent"]);
        crate::support::assert_private(&path);
        assert_eq!(names(folder.path()), ["raw.json"]);
        // serverStatus has no body.
        let server = Server::json("200 OK", "");
        server.run(&format!("tm ping --raw {out}.2")).ends_with(0, &["no body", "is not written"]);
        assert_eq!(names(folder.path()), ["raw.json"]);
    }

    #[test]
    fn raw_is_written_even_if_the_response_cannot_be_read() {
        for (line, status) in [(STATUS, "200 OK"), (GET, "200 OK"), ("tm banks", "200 OK"), (STATUS, "403 Forbidden")] {
            let server = Server::after_login(move |_| Reply::json(status, BODY));
            let result = server.run(&format!("{line} --raw -"));
            assert!(result.code != Some(0) && result.stderr.starts_with("error: "), "{result:#?}");
            assert_eq!(result.stdout, BODY, "{line}");
        }
    }

    #[test]
    fn raw_has_the_last_response_of_each_request() {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::json("503 Service Unavailable\r\nRetry-After: 0", "\"busy\""),
            _ => Reply::json("200 OK", r#"{"OrderID":"99921269855041","Status":[]}"#),
        });
        let result = server.run(&format!("{STATUS} --raw -"));
        assert_eq!(result.ends_with(0, &[]).stdout, r#"{"OrderID":"99921269855041","Status":[]}"#);
        assert_eq!(server.calls().len(), 2);
    }

    #[test]
    fn raw_leaves_out_an_attempt_that_was_repeated() {
        const WHOLE: &str = r#"{"OrderID":"99921269855041","Status":[]}"#;
        let cut = |body: &[u8]| Reply::Cut(crate::support::whole("application/json", body)[..90].to_vec());
        // About another order.
        let count = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Reply::json("200 OK", r#"{"OrderID":"1","Status":[]}"#),
            // The connection ends without a response.
            1 => Reply::close(),
            _ => Reply::json("200 OK", WHOLE),
        });
        assert_eq!(server.run(&format!("{STATUS} --raw - -v")).ends_with(0, &["attempt 3"]).stdout, WHOLE);
        for (second, code) in [(Some(WHOLE), 0), (None, 7)] {
            let count = std::sync::atomic::AtomicUsize::new(0);
            let server =
                Server::start(move |_| match (count.fetch_add(1, std::sync::atomic::Ordering::SeqCst), second) {
                    (1.., Some(body)) => Reply::json("200 OK", body),
                    _ => cut(WHOLE.as_bytes()),
                });
            let result = server.run(&format!("{STATUS} --raw - --timeout 5"));
            result.ends_with(code, &[]);
            assert!(server.calls().len() > 1, "{:?}", server.calls());
            assert_eq!(result.stdout == WHOLE, second.is_some(), "{result:#?}");
            assert!(WHOLE.starts_with(&result.stdout) && result.stdout.len() > 5, "{result:#?}");
        }
    }

    #[test]
    fn raw_is_for_reads() {
        let server = Server::untouched();
        for line in ["tm put-order -", "tm sign request 1", "identify24 create -", "tm cancel 1 --yes"] {
            server.run(&format!("{line} --raw -")).fails_with(2, &["--raw", "only read", "nothing was sent"]);
        }
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn verbose_prints_a_line_per_request_without_data() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Reply::json("503 Service Unavailable\r\nRetry-After: 0", CANARY),
        _ => Reply::json("200 OK", &format!(r#"{{"OrderID":"99921269855041","Status":[],"x":"{CANARY}"}}"#)),
    });
    let result = server.run(&format!("{STATUS} -v"));
    result.ends_with(0, &["attempt 1: HTTP 503 (Unavailable) after", "; next attempt in", "attempt 2: HTTP 200 after"]);
    result.ends_with(0, &["2 attempts in"]).logs_none_of(&[CANARY, ORDER, "code"]);
    assert_eq!(result.stderr.lines().count(), 3, "{result:#?}");
}

#[test]
fn errors_are_json_with_output_json() {
    let error = |result: crate::support::Run| -> Value {
        let last: Value = serde_json::from_str(result.stderr.lines().last().unwrap()).unwrap();
        assert_eq!(
            (result.stdout.as_str(), i64::from(result.code.unwrap())),
            ("", last["error"]["exit_code"].as_i64().unwrap())
        );
        last["error"].clone()
    };
    let server = Server::json("400 Bad Request", format!(r#"{{"Error":"{CANARY}"}}"#));
    let rejected = error(server.run(&format!("{STATUS} --output json")));
    assert_eq!((&rejected["kind"], &rejected["http_status"]), (&json!("rejected"), &json!(400)));
    assert_eq!((&rejected["delivery"], &rejected["vendor_text"]), (&json!("answered"), &Value::Null));
    assert!(rejected["operation"] == "getStatus/ExtendedList" && !rejected.to_string().contains(CANARY), "{rejected}");
    let shown = error(server.run(&format!("{STATUS} --output json --show-vendor-text")));
    assert_eq!(shown["vendor_text"], CANARY);
    let invalid = error(server.feed("tm put-order - --output json", &order(&json!({ "Email": null }))));
    assert_eq!((&invalid["exit_code"], &invalid["violations"][0]["field"]), (&json!(2), &json!("Email")));
    for line in ["tm status --output json", "nothing --output=json"] {
        assert_eq!(error(server.run(line))["exit_code"], 2, "{line}");
    }
    assert_eq!(error("example.com".run(&format!("{STATUS} --output json")))["exit_code"], 2);
}

mod secrets {
    use super::*;

    #[test]
    fn ping_needs_no_credentials() {
        let server = Server::json("200 OK", "");
        for (variable, authenticated) in [("IDENTKIT_TM_CUSTOMER_ID", false), ("IDENTKIT_TM_BASE_URL_UNUSED", true)] {
            let mut command = server.command("tm ping");
            crate::support::run(command.env_remove(variable)).ends_with(0, &[]).shows(&["up, responded in"]);
            let head = server.requests().last().unwrap().head.to_lowercase();
            assert_eq!(head.contains("authorization"), authenticated, "AT-80: {head}");
        }
    }

    #[test]
    fn at_80_a_page_in_place_of_the_status_gives_a_note() {
        let page = Server::json("200 OK", "\n<!DOCTYPE html><title>Maintenance</title>");
        page.run("tm ping").ends_with(0, &["an HTML page, which a gateway may have sent"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf_8_is_named() {
        use std::os::unix::ffi::OsStrExt as _;

        let (server, odd) = (Server::json("200 OK", ""), std::ffi::OsStr::from_bytes(b"secret\xff"));
        for name in ["IDENTKIT_TM_CUSTOMER_CODE", "IDENTKIT_NO_PROXY", "IDENTKIT_PROXY"] {
            let result = crate::support::run(server.command("tm ping").env(name, odd));
            assert!(!result.fails_with(2, &[name, "not UTF-8"]).stderr.contains("secret"), "{name}");
        }
        assert!(server.requests().is_empty());
    }

    #[test]
    fn credentials_are_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let (code, empty) = (file(&folder, "code", "top-secret\n"), file(&folder, "empty", "\n"));
        let server = Server::json("200 OK", r#"{"OrderID":"99921269855041","Status":[]}"#);
        let mut command = server.command(&format!("{STATUS} --customer-code-file {code}"));
        crate::support::run(command.env_remove("IDENTKIT_TM_CUSTOMER_CODE")).ends_with(0, &[]);
        let head = server.requests()[0].head.clone();
        assert!(head.contains("Basic Y3VzdG9tZXI6dG9wLXNlY3JldA=="), "{head}");
        server.run(&format!("{STATUS} --customer-code-file {code}")).fails_with(2, &["both given"]);
        for path in [&empty, "/nowhere"] {
            let mut command = server.command(&format!("{STATUS} --customer-code-file {path}"));
            let result = crate::support::run(command.env_remove("IDENTKIT_TM_CUSTOMER_CODE"));
            result.fails_with(2, &[path, "nothing was sent"]);
        }
        assert_eq!(server.calls().len(), 1);

        let server = Server::after_login(|_| Reply::json("200 OK", r#"{"result":true,"data":[]}"#));
        let mut command = server.command("identify24 projects");
        command.env_remove("IDENTKIT_IDENTIFY24_API_KEY").env("IDENTKIT_IDENTIFY24_API_KEY_FILE", &code);
        crate::support::run(&mut command).ends_with(0, &[]);
        assert!(server.requests()[0].body.contains("top-secret"));
    }

    #[test]
    fn tan_url_and_address_come_from_input_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for (line, option, value) in [
            ("tm sign confirm 99921269855041", "--tan", "012345"),
            ("tm video request 99921269855041", "--callback-url", "https://example.com/hook"),
            ("tm signme-user", "--email", "john.doe@example.com"),
        ] {
            let server =
                Server::always(|| Reply::json("202 Accepted", r#"{"UserExists":true,"UserIsAbleToSign":true}"#));
            let given = file(&folder, option, &format!("{value}\n"));
            server.run(&format!("{line} {option}-file {given}"));
            let dash = if option == "--email" { format!("{line} -") } else { format!("{line} {option} -") };
            server.feed(&dash, &format!("{value}\r\n"));
            // Some programs write a byte order mark, also into a pipe.
            server.feed(&dash, &format!("\u{feff}{value}\r\n"));
            let bodies: Vec<String> = server.requests().into_iter().map(|request| request.body).collect();
            assert!(bodies.len() >= 3 && bodies.iter().all(|body| body.contains(value)), "{line}: {bodies:?}");
            assert!(bodies.iter().all(|body| body.is_ascii() && !body.contains("feff")), "{line}: {bodies:?}");
            if crate::support::has("script") {
                let before = server.calls().len();
                let shown = crate::support::run_in_terminal(&server.command(line), &format!("{value}\n"));
                assert!(server.calls().len() > before, "{shown:#?}");
                assert!(server.requests().last().unwrap().body.contains(value), "{shown:#?}");
            }
            let sent = server.calls().len();
            let result = server.run(line);
            result.fails_with(2, &["is missing", "-file"]);
            server.feed(&dash, "\n").fails_with(2, &["is empty", "nothing was sent"]);
            assert_eq!(server.calls().len(), sent);
        }
    }
}

#[test]
fn at_96_a_document_with_bad_base64_is_kept_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("signed");
    let pdf = "JVBERi0xLjQKJSVFT0YK";
    let list = json!({ "PDFs": [{ "Base64Data": pdf }, { "Base64Data": "not Base64" }] });
    let server = Server::json("200 OK", list.to_string());
    let result = server.run(&format!("tm esign-pdf {ORDER} -o {}", out.display()));
    result.fails_with(1, &["file 2 of 2 is damaged: it is not valid Base64", "-2.pdf.damaged", "--accept-damaged"]);
    assert!(!result.stderr.contains("nothing was sent"), "{result:#?}");
    assert_eq!(names(&out), [format!("{ORDER}-2.pdf.damaged")]);
    assert_eq!(std::fs::read_to_string(out.join(format!("{ORDER}-2.pdf.damaged"))).unwrap(), "not Base64");
}

mod inputs {
    use super::*;

    #[test]
    fn a_misspelled_element_gives_a_note_and_is_sent() {
        let server = Server::json("202 Accepted", r#"{"OrderID":"1","Ref":"r","TargetURL":"https://example.com/"}"#);
        let changes = json!({ "WebhookUrl": { "OnFinal": "https://example.com/" }, "IdentData": { "Birthdte": "x" } });
        let result = server.feed("tm put-order -", &order(&changes));
        let words =
            ["WebhookUrl is not in the document", "did you mean WebhookURL?", "IdentData.Birthdte", "Birthdate?"];
        result.ends_with(0, &words);
        assert!(server.requests()[0].body.contains("WebhookUrl"));
        let server = Server::after_login(|_| Reply::json("200 OK", r#"{"result":true,"ident_id":"x1"}"#));
        let result = server.feed("identify24 create -", &ident(&json!({ "personFirstName": "x", CANARY: "y" })));
        result.ends_with(0, &["did you mean person_first_name?"]).logs_none_of(&[CANARY]);
        assert!(server.requests()[1].body.contains(CANARY));
    }

    #[test]
    fn at_41_elements_that_are_not_listed_are_shown() {
        let placed = r#"{"OrderID":"1","GiroURL":"https://example.com/g","TargetUrl":["https://example.com/t"]}"#;
        let result =
            Server::json("202 Accepted", placed).feed("tm put-order -", &order(&json!({ "getTargetLink": true })));
        result.ends_with(0, &["asks for a link (getTargetLink), but the response has no TargetURL"]);
        result.shows(&["GiroURL\thttps://example.com/g", "TargetUrl\t[\"https://example.com/t\"]"]);
        let created = r#"{"result":true,"ident_id":"x1","conferenceUrl":"https://example.com/c"}"#;
        let server = Server::after_login(|_| Reply::json("200 OK", created));
        server.feed("identify24 create -", &ident(&json!({}))).shows(&["conferenceUrl\thttps://example.com/c"]);
        let data = r#"{"IdentData":{"Type":1,"Surname":"Mustermann"},"UserIp":"192.0.2.1"}"#;
        Server::json("200 OK", data).run("tm ident-data 1").shows(&["UserIp: 192.0.2.1"]);
    }

    #[test]
    fn a_value_that_is_not_listed_is_not_shown() {
        let server = Server::json("200 OK", "{}");
        let result = server.run("identify24 create - --phone +4915112345678");
        result.fails_with(2, &["--phone", "possible values"]).logs_none_of(&["4915112345678"]);
    }

    #[test]
    fn at_29_at_33_at_47_a_changed_element_gives_a_note() {
        let server = Server::json("202 Accepted", r#"{"OrderID":"1","Ref":"r","TargetURL":"https://example.com/"}"#);
        // A merge patch removes nulls, so the order is text.
        let given = order(&json!({
            "Email": format!(" {CANARY}@example.com "), "LegitimationDocument": { "Document": [CANARY] },
            "eSignPDF": [{ "Data": "JVBERi0xLjQKJSVFT0YK", "Filename": "" }], "eIDSettings": {},
        }));
        let given = given.replace("\"eIDSettings\":{}", "\"eIDSettings\":{\"EnableOCR\":null},\"Phone\":null");
        let result = server.feed("tm put-order -", &given);
        let notes = [
            "note: not sent because they are empty or null: ",
            "Phone",
            "eIDSettings.EnableOCR",
            "note: sent without the blanks around them: Email\n",
            "note: sent in another form, as the document has it: LegitimationDocument, eSignPDF\n",
        ];
        result.ends_with(0, &notes).logs_none_of(&[CANARY]);
        let unchanged = server.feed("tm put-order -", &order(&json!({ "Email": "e@example.com" })));
        assert!(!unchanged.ends_with(0, &[]).stderr.contains("sent"), "{unchanged:#?}");
        // Not the alphabet that the vendor reads.
        let url_safe = order(&json!({ "eSignPDF": { "Data": "JVBERi0xLjQK_-_-" } }));
        server.feed("tm put-order -", &url_safe).fails_with(2, &["eSignPDF.Data", "is not valid Base64"]);
        assert_eq!(server.requests().len(), 2);
    }

    #[test]
    fn an_element_of_another_place_or_vendor_gives_a_note() {
        let server = Server::json("202 Accepted", r#"{"OrderID":"1","Ref":"r","TargetURL":"https://example.com/"}"#);
        let changes = json!({ "OnFinal": "https://example.com/", "webhook_final": "x", "custom_id": "x", CANARY: 1 });
        let result = server.feed("tm put-order -", &order(&changes));
        let words = ["OnFinal is not", "mean WebhookURL.OnFinal?", "webhook_final is not", "custom_id is not", "Ref?"];
        result.ends_with(0, &words).logs_none_of(&[CANARY]);
        let server = Server::after_login(|_| Reply::json("200 OK", r#"{"result":true,"ident_id":"x1"}"#));
        let changes = json!({
            "WebhookURL": { "OnFinal": "https://example.com/" }, "webhook_url": "x", "redirect_url": "x", "Ref": "x",
            "address": { "city": CANARY }, "custom1": 5, "company_name": true,
        });
        let result = server.feed("identify24 create -", &ident(&changes));
        let words = [
            "WebhookURL is not in the document and has no effect: the webhook URL is set in the partner portal",
            "webhook_url is not",
            "redirect_url is not in the document and has no effect: the vendor does not redirect the person",
            "Ref is not in the document and has no effect; did you mean custom_id?",
            "address is not in the document and has no effect: an ident is a flat object",
            "custom1 is a number and is sent as text",
            "company_name is a boolean and is sent as text",
        ];
        result.ends_with(0, &words).logs_none_of(&[CANARY]);
    }

    #[test]
    fn at_71_a_signed_result_is_given_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let signed = file(&folder, "signed", "\"b3BhcXVlLXNpZ25lZA==\"");
        let server = Server::json("202 Accepted", r#"{"OrderID":"1","Ref":"r","TargetURL":"https://example.com/"}"#);
        let line = format!("tm put-order - --ident-data-signed {signed}");
        server.feed(&line, &order(&json!({}))).ends_with(0, &[]);
        let sent: Value = serde_json::from_str(&server.requests()[0].body).unwrap();
        assert_eq!(sent["IdentDataSigned"], "b3BhcXVlLXNpZ25lZA==");
        let json = file(&folder, "output.json", r#"{"base64":"bXVzdGVybWFubg==","bytes":10,"identkit":{}}"#);
        let result = server.feed(&format!("tm put-order - --ident-data-signed {json}"), &order(&json!({})));
        result.fails_with(2, &["output.json cannot be used", "--output json", "nothing was sent"]);
        let result = server.feed("tm put-order - --ident-data-signed /nowhere", &order(&json!({})));
        result.fails_with(2, &["--ident-data-signed", "/nowhere", "nothing was sent"]);
        for (name, content) in [("empty", ""), ("blank", "\n"), ("quotes", "\"\"")] {
            let empty = file(&folder, name, content);
            let result = server.feed(&format!("tm put-order - --ident-data-signed {empty}"), &order(&json!({})));
            result.fails_with(2, &["--ident-data-signed", &empty, "is empty", "nothing was sent"]);
        }
        for (name, content) in [("page", "<html>an error page</html>"), ("error", r#"{"Error":"no such order"}"#)] {
            let other = file(&folder, name, content);
            let result = server.feed(&format!("tm put-order - --ident-data-signed {other}"), &order(&json!({})));
            result.fails_with(2, &[&other, "is not the signed form", "nothing was sent"]).hides(&["no such order"]);
        }
        let file = file(&folder, "order.json", &order(&json!({ "IdentDataSigned": "hello world" })));
        for line in ["tm put-order -", &format!("tm put-order {file}")] {
            for form in ["", "error", "hello world", "<html>an error page</html>", r#"{"Error":"no such order"}"#] {
                let result = server.feed(line, &order(&json!({ "IdentDataSigned": form })));
                result.fails_with(2, &["IdentDataSigned in ", "cannot be used", "nothing was sent"]);
            }
        }
        let result = server.feed(&line, &order(&json!({ "IdentDataSigned": "in the order" })));
        result.fails_with(2, &["--ident-data-signed and IdentDataSigned in standard input are both given"]);
        assert_eq!(server.requests().len(), 1);
        server.feed("tm put-order -", &order(&json!({ "IdentDataSigned": "b3BhcXVlLXNpZ25lZA==" }))).ends_with(0, &[]);
        assert!(server.requests()[1].body.contains("\"IdentDataSigned\":\"b3BhcXVlLXNpZ25lZA==\""));
    }

    #[test]
    fn at_70_an_encrypted_result_is_saved_and_shown() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("encrypted").display().to_string();
        let server = Server::always(|| Reply::bytes("application/octet-stream", b"\x01opaque\r\n"));
        let line = format!("tm ident-data {ORDER} --encrypted -o {out}");
        server.run(&line).ends_with(0, &[]).shows(&[&out, "9 bytes"]);
        assert_eq!(std::fs::read(&out).unwrap(), b"\x01opaque\r\n");
        server.run(&line).fails_with(2, &["already exists"]);
        let clear = sample("identity-tm/fixtures/S-046-get-ident-data-response.json");
        let not_encrypted = Server::json("200 OK", clear.as_str());
        not_encrypted.run(&format!("{line} --force")).ends_with(1, &["error: the vendor's response is not encrypted"]);
        // A result that the user has decrypted.
        let server = Server::untouched();
        let path = file(&folder, "clear.json", &clear);
        let shown = server.run(&format!("tm ident-data {ORDER} --decrypted {path}"));
        shown.ends_with(0, &[]).shows(&["Surname\t"]);
        let broken = file(&folder, "broken.json", "{");
        server.run(&format!("tm ident-data {ORDER} --decrypted {broken}")).fails_with(2, &[&broken]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn switches_of_the_dialect_are_options() {
        let server = Server::untouched();
        let long_tan = "tm sign confirm 99921269855041 --tan 1234567";
        server.run(long_tan).fails_with(2, &["AT-56", "(--dialect any-tan-length allows"]).logs_none_of(&["Dialect::"]);
        let json = server.run(&format!("{long_tan} --output json"));
        json.fails_with(2, &["(--dialect any-tan-length allows"]).logs_none_of(&["Dialect::"]);
        let long_zip = order(&json!({ "Address": { "ZipCode": "1234567" } }));
        server.feed("tm put-order -", &long_zip).fails_with(2, &["AT-45", "(--dialect long-zip-codes allows"]);
        let phone = ident(&json!({ "mobile_phone": "0171 1234567", "gender": "divers" }));
        server.feed("identify24 create -", &phone).fails_with(2, &["AI-22"]);
        assert_eq!(server.connections(), 0);
        let signed = Server::json("202 Accepted", r#"{"OrderID":"99921269855041"}"#);
        signed.run(&format!("{long_tan} --dialect any-tan-length")).ends_with(0, &[]);
        let server = Server::json(
            "202 Accepted",
            r#"{"OrderID":"99921269855041","Ref":"r","TargetURL":"https://example.com/"}"#,
        );
        server.feed("tm put-order - --dialect long-zip-codes", &long_zip).ends_with(0, &[]);
        server.run("tm ping --dialect other").ends_with(2, &["long-zip-codes", "any-tan-length"]);
        let server = Server::after_login(|_| Reply::json("200 OK", r#"{"result":true,"ident_id":"x1"}"#));
        server.feed("identify24 create - --phone plus --allow-other-gender", &phone).ends_with(0, &[]);
        assert!(server.requests()[1].body.contains("+491711234567"), "{:?}", server.requests());
    }
}
