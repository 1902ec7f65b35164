//! Output and exit codes of commands that call a vendor, against the sandbox and against misbehaving servers.

use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{
    CANARY, IDENT, NO_SERVER, ORDER, Reply, Run, Sandbox, Server, Vendor, accept, file, ident, identkit, json_sample,
    order, run, sample, tunnel, workspace_path,
};
use serde_json::{Value, json};

const STATUS: &str = "tm status 99921269855041";
const GET: &str = "identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const PLACE: &str = "tm put-order -";
const CREATE: &str = "identify24 create - --reveal";

/// The document's order for a person whose name must not appear in logs.
fn canary_order() -> String {
    order(&json!({
        "Ref": "my-own-ref",
        "Email": format!("{CANARY}@example.com"),
        "Address": { "Firstname": CANARY, "Surname": CANARY, "Street": CANARY, "City": CANARY },
        "IdentData": { "Firstname": CANARY, "Surname": CANARY, "Birthplace": CANARY },
    }))
}

fn canary_ident() -> String {
    ident(&json!({ "person_first_name": CANARY, "person_last_name": CANARY, "city": CANARY, "custom1": CANARY }))
}

/// Runs a command with personal data, and asserts that no output contains it.
#[track_caller]
fn run_discreetly(vendor: &(impl Vendor + ?Sized), line: &str) -> Run {
    let result = vendor.feed(line, &if line.contains("tm") { canary_order() } else { canary_ident() });
    result.hides(&[CANARY, "Mustermann"]);
    // No stack traces, source code or debug output.
    for odd in ["panicked", "RUST_BACKTRACE", "Error {", "Some(", "src/", "\u{1b}"] {
        assert!(!result.stderr.contains(odd), "`{odd}` on standard error: {result:#?}");
    }
    result
}

mod successes {
    use super::*;

    #[test]
    fn an_order_is_placed_from_a_file_and_from_standard_input() {
        let sandbox = Sandbox::start();
        let file = workspace_path("crates/identity-tm/fixtures/S-035-put-order-request.json");
        let result = sandbox.run(&format!("tm put-order {}", file.display()));
        result.ends_with(0, &[]).shows(&["OrderID", "Ref", "TargetURL", "ShortCode", "LongCode", "status 6"]);
        let result = sandbox.feed("tm put-order - --output json", &order(&json!({})));
        let placed = result.ends_with(0, &[]).json();
        assert_eq!(placed["Ref"], "Sign-me_Account_Creation_Test");
        assert_eq!(placed["identkit"]["http_status"], 202);
        assert_eq!(placed["identkit"]["attempts"], 1);
        assert_eq!(placed["identkit"]["flavour"], "sign_me_account");
    }

    #[test]
    fn a_status_is_a_table_with_a_verdict() {
        let sandbox = Sandbox::start();
        let result = sandbox.run(STATUS);
        result.ends_with(0, &["note: ", "--extended"]);
        result.shows(&["Identification positively conducted", "Verdict: cannot be decided from the general codes"]);
        assert!(!result.stdout.contains("SMS sent"), "{result:#?}");
        let result = sandbox.run(&format!("{STATUS} --extended"));
        assert_eq!(result.ends_with(0, &[]).shows(&["SMS sent", "signme Passwort"]).stderr, "");
        result.shows(&["Verdict on an identification: positive, final"]);
    }

    #[test]
    fn an_ident_is_created_and_read() {
        let sandbox = Sandbox::start();
        let created = |line: &str| sandbox.feed(line, &ident(&json!({})));
        // The document's custom_id gives a note.
        let result = created(&format!("{CREATE} --output json"));
        let created_id = |result: &Run| result.json()["ident_id"].as_str().unwrap().to_owned();
        let id = created_id(result.ends_with(0, &["note: custom_id"]));
        let url = result.json()["conference_url"].as_str().unwrap().to_owned();
        assert!(url.contains("://127.0.0.1:") && url.ends_with(&format!("/apply/{id}")), "M-15: {url}");
        let read = sandbox.json(&format!("identify24 get {id}"));
        assert_eq!((&read["id"], &read["status"]), (&json!(id), &json!("Unidentified")));
        assert_eq!(read["person_first_name"], "JOHN", "upper case, as the document asks (AI-04)");

        let id = created_id(created(&format!("{CREATE} --preserve-case --output json")).ends_with(0, &[]));
        sandbox.run(&format!("identify24 get {id}")).ends_with(0, &[]).shows(&["John"]);
    }

    #[test]
    fn options_override_variables() {
        let sandbox = Sandbox::start();
        let flags = |vendor: &str, names: [&str; 3]| {
            let flags = names.map(|name| {
                let value = sandbox.ready_text(&format!("/{vendor}/{name}"));
                format!("--{} {value} ", name.replace('_', "-"))
            });
            format!("{}--ca-file {}", flags.concat(), sandbox.ready_text("/ca_file"))
        };
        let tm = flags("identity_tm", ["base_url", "customer_id", "customer_code"]);
        let identify24 = flags("identify24", ["base_url", "partner", "api_key"]);
        for line in [format!("tm {tm} status {ORDER}"), format!("identify24 {identify24} get {IDENT}")] {
            run(identkit().args(line.split(' '))).ends_with(0, &[]);
        }
        // After the command, and overriding variables with wrong values.
        let mut command = NO_SERVER.command(&format!("{STATUS} {tm}"));
        run(command.env("IDENTKIT_CA_FILE", "/nowhere")).ends_with(0, &[]);
    }

    #[test]
    fn a_closed_pipe_ends_a_read_and_fails_a_change() {
        let sandbox = Sandbox::start();
        let changing = Server::start(|seen| match seen.method.as_str() {
            "GET" => Reply::json("404 Not Found", ""),
            _ => Reply::json("202 Accepted", ""),
        });
        let state = tempfile::tempdir().unwrap();
        let change = "the result could not be written to standard output: broken pipe";
        for (line, code, message) in [
            ("tm status 99921269855041 --extended", 141, ""),
            ("tm status 99921269855041 --raw -", 141, ""),
            ("tm ident-data 99921269855041 --signed", 141, ""),
            ("tm status 99921269855041 --output json", 141, ""),
            ("state list", 141, ""),
            ("tm status --help", 0, ""),
            ("tm cancel 99921269855041 --yes", 1, change),
            ("tm delete 99921269855041 --yes", 1, change),
            ("state purge", 1, change),
        ] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut command = if code == 1 { changing.command(line) } else { sandbox.command(line) };
            command.env("IDENTKIT_STATE_DIR", state.path()).stdout(writer).stderr(Stdio::piped());
            let output = command.spawn().unwrap().wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!((output.status.code(), stderr.is_empty()), (Some(code), message.is_empty()), "{line}: {stderr}");
            assert!(stderr.contains(message), "{line}: {stderr}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_unwritable_result_is_a_failure() {
        let sandbox = Sandbox::start();
        for line in [STATUS, "--help", "tm status --help", "help tm", "--version"] {
            let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
            let output = sandbox.command(line).stdout(full).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{line}");
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(stderr.contains("error: the result could not be written to standard output"), "{stderr}");
        }
    }
}

mod rejections {
    use super::*;

    #[test]
    fn wrong_credentials_are_3_and_unknown_ids_are_4() {
        let sandbox = Sandbox::start();
        let by_login = ["ident/get", "logging in failed", "partner and API key", "check the credentials"];
        let unknown = ["ident/get", "does not know", "HTTP 404"];
        for (line, code, words) in [
            (
                "tm --customer-code wrong status 99921269855041",
                3,
                &["getStatus", "customer id and customer code", "HTTP 401", "check the credentials"][..],
            ),
            ("tm --customer-id wrong status 99921269855041", 3, &["check the credentials"]),
            ("tm --customer-code wrong put-order -", 3, &["putOrder", "check the credentials"]),
            ("identify24 --api-key wrong get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", 3, &by_login),
            ("identify24 --partner wrong get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", 3, &by_login),
            ("identify24 --api-key wrong create - --reveal", 3, &["check the credentials"]),
            ("tm status 99920000000000", 4, &["getStatus", "does not know", "HTTP 404"]),
            ("tm status 99920000000000 --extended", 4, &["HTTP 404"]),
            ("identify24 get 00000000-0000-0000-0000-000000000000", 4, &unknown),
        ] {
            run_discreetly(&sandbox, line).fails_with(code, words);
        }
    }

    #[test]
    fn a_rejection_is_5_and_hides_the_vendors_text() {
        let refusing = Server::json("400 Bad Request", r#"{"Error":"Mustermann is bad"}"#);
        run_discreetly(&refusing, PLACE).fails_with(5, &["putOrder", "HTTP 400", "--show-vendor-text"]);
        let result = refusing.feed("tm put-order - --show-vendor-text", &canary_order());
        result.fails_with(5, &["the vendor wrote: Mustermann is bad"]).hides(&[CANARY]);
        assert_eq!(refusing.calls(), ["PUT /putOrder"; 2]);
        assert!(refusing.requests()[0].body.contains(CANARY));
    }

    #[test]
    fn a_rejection_with_status_200_is_a_rejection() {
        let refusal = r#"{"result":false,"messages":["Mustermann"]}"#;
        let server = Server::after_login(|_| Reply::json("200 OK", refusal));
        run_discreetly(&server, CREATE).fails_with(5, &["ident/create"]);
        run_discreetly(&Server::json("200 OK", refusal), GET).fails_with(3, &["logging in failed"]);
    }

    #[test]
    fn i_005_a_failed_login_leaves_nothing_to_find_out() {
        for (status, body) in [("302 Found", ""), ("200 OK", "<html>"), ("204 No Content", "")] {
            let server = Server::json(status, body);
            for line in [CREATE, GET, "identify24 login"] {
                let result = run_discreetly(&server, line);
                result.fails_with(1, &["logging in failed"]).logs_none_of(&["not known", "may execute"]);
            }
            assert_eq!(server.calls(), ["POST /auth"; 3]);
        }
    }

    #[test]
    fn vendor_text_cannot_steer_the_terminal() {
        let server = Server::json("400 Bad Request", r#"{"Error":"\u001b[2Jgone\u0007\r\nerror: x"}"#);
        let result = server.run("tm --show-vendor-text status 99921269855041");
        result.fails_with(5, &["the vendor wrote: "]);
        assert!(result.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{result:#?}");
        assert_eq!(result.stderr.lines().count(), 2, "{result:#?}");
    }
}

mod invalid_input {
    use super::*;

    #[test]
    fn malformed_ids_are_2() {
        let server = Server::untouched();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out").display().to_string();
        for id in ["../x", "123456789012345678901", "", " ", "1/2", "1?x", "ä", "%2e%2e"] {
            for line in [
                "status",
                "status --extended",
                "video request --callback-url https://example.com/",
                &format!("video get -o {out}"),
                &format!("voice -o {out}"),
                "ident-data --signed",
                &format!("ident-data --signed -o {out}"),
            ] {
                let result = run(server.command(&format!("tm {line}")).arg(id));
                result.fails_with(2, &["order id", "1 to 20 letters and digits", "nothing was sent"]);
            }
        }
        for (number, id) in ["../x", "", "a/b", "a b", &"x".repeat(65), "[redacted]"].into_iter().enumerate() {
            let from = file(&folder, &number.to_string(), &json!({ "ident_id": id }).to_string());
            for result in [run(server.identkit().args(["identify24", "get", id])), server.feed("identify24 get -", id)]
            {
                result.fails_with(2, &["ident_id", "1 to 64 letters, digits and hyphens"]);
            }
            // Not a file of create, whose ids are the vendor's.
            let expected = if id.is_empty() { "has no ident_id" } else { "1 to 64 letters, digits and hyphens" };
            server.run(&format!("identify24 get --from {from}")).fails_with(2, &["ident_id", expected]);
        }
        for other in ["{}", "[]", "text", r#"{"ident_id":{}}"#] {
            let from = file(&folder, "other", other);
            let result = server.run(&format!("identify24 get --from {from}"));
            result.fails_with(2, &["has no ident_id", "nothing was sent"]);
        }
        let from = file(&folder, "two", r#"{"ident_id":"a","ident_id":"b"}"#);
        server.run(&format!("identify24 get --from {from}")).fails_with(2, &["2 different values of ident_id"]);
        server.run("identify24 get").ends_with(2, &["IDENT_ID", "--help"]);
        server.run(&format!("{GET} --from x")).ends_with(2, &["--help"]);
        assert_eq!((server.connections(), folder.path().join("out").exists()), (0, false));
    }

    #[test]
    fn broken_json_is_reported_by_position_not_by_value() {
        let server = Server::untouched();
        let broken = format!("{{\n  \"Email\": \"{CANARY}\"\n  \"Ref\": \"{CANARY}\"\n}}");
        let of_another_form = format!("{{\n  \"Ref\": \"x\",\n  \"Product\": \"{CANARY}\"\n}}");
        for line in [PLACE, CREATE] {
            server
                .feed(line, &broken)
                .fails_with(2, &["standard input", "not valid JSON", "line 3, column 3", "nothing was sent"])
                .hides(&[CANARY, "Error {", "Some(", "src/"]);
            for none in ["", " ", "\n\n", "null", "\"text\"", "{\"Email\":", "\u{fffd}"] {
                let result = server.feed(line, none);
                result.fails_with(2, &["standard input", "nothing was sent"]).hides(&["panicked", "Error {", "src/"]);
            }
            let result = crate::support::feed(&mut server.command(line), b"{\"Email\":\"\xff\"}");
            result.fails_with(2, &["line 1, column 11"]);
        }
        for (line, twice) in [
            (PLACE, r#"{"Ref":"a","WebhookURL":{"OnFinal":"https://a.example/","OnFinal":"https://b.example/"}}"#),
            (CREATE, r#"{"custom_id":"a","custom_id":"b"}"#),
            (PLACE, r#"{"IdentData":{"Additional":{"Erika":"a","Erika":"b"}}}"#),
            (PLACE, r#"{"unlisted":{"a":1,"a":2}}"#),
            (CREATE, r#"{"unlisted":[{"a":1,"a":2}]}"#),
        ] {
            server.feed(line, twice).fails_with(2, &["an element occurs twice", "line 1, column", "nothing was sent"]);
        }
        for number in ["1e400", "123456789012345678901"] {
            for line in [PLACE, CREATE] {
                let text = format!(r#"{{"unlisted":{{"a":{number}}}}}"#);
                server.feed(line, &text).fails_with(2, &["more digits than can be sent without a change"]);
            }
        }
        server.feed(CREATE, r#"{"project_id":true}"#).fails_with(2, &["project_id", "nothing was sent"]);
        let result = server.feed(PLACE, &of_another_form);
        result.fails_with(2, &["Product", "line 3", "nothing was sent"]).hides(&[CANARY]);
        // The document's sample that is not valid JSON.
        let sample = sample("identify24/fixtures/S-024-project-get-request.json");
        server.feed(CREATE, &sample).fails_with(2, &["not valid JSON", "line 1, column 18"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let server = Server::untouched();
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let (missing, empty) = (format!("{place}/order.json"), file(&folder, "empty.json", ""));
        for line in ["tm put-order", "identify24 create --reveal"] {
            for (path, expected) in [(&missing, "cannot be read"), (&empty, "is empty"), (&place, "cannot be read")] {
                server.run(&format!("{line} {path}")).fails_with(2, &[path, expected, "nothing was sent"]);
            }
            server.run(&format!("{line} -")).fails_with(2, &["standard input is empty"]);
        }
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        let server = Server::untouched();
        let faulty = order(&json!({
            "Email": null,
            "Address": { "Firstname": CANARY, "ZipCode": "1234567" },
            "IdentData": { "Birthdate": CANARY },
            "WebhookURL": { "AfterVideo": format!("https://{CANARY}.example/a"), "AfterIdent": "https://b.example/" },
        }));
        let result = server.feed(PLACE, &faulty);
        result.fails_with(2, &["putOrder", "was not sent", "\n  Email: is required", "T-056"]).hides(&[CANARY]);
        result.ends_with(2, &["\n  Address.ZipCode: has 7 characters", "AT-45", "\n  IdentData.Birthdate: ", "T-005"]);
        result.ends_with(2, &["either AfterVideo or AfterIdent, not both", "T-050", "docs/contract/contract.md"]);
        let faulty = ident(&json!({ "email": null, "birthday": CANARY, "gender": CANARY, "country": CANARY }));
        let faults =
            ["\n  email: is required", "\n  birthday: ", "\n  gender: ", "\n  country: ", "I-043", "AI-22", "AI-27"];
        server.feed(CREATE, &faulty).fails_with(2, &faults).hides(&[CANARY]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn ai_19_the_documents_ident_as_printed_has_two_pdfs() {
        let file = workspace_path("crates/identify24/fixtures/S-012-ident-create-curl-body.json");
        let create = format!("identify24 create --reveal {}", file.display());
        let server = Server::untouched();
        server.run(&create).fails_with(2, &["pdf_content", "pdf_url", "AI-19", "--allow-both-pdf-sources"]);
        assert_eq!(server.connections(), 0);
        let result = Sandbox::start().run(&format!("{create} --allow-both-pdf-sources"));
        result.ends_with(0, &[]).shows(&["/apply/"]);
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for (line, variable) in [(STATUS, "IDENTKIT_TM_BASE_URL"), (GET, "IDENTKIT_IDENTIFY24_BASE_URL")] {
            for (url, expected) in [
                ("http://example.com", "https://"),
                ("http://127.0.0.1.example.com", "https://"),
                ("example.com", "must be a URL that begins with https://"),
                ("https://user:secret-word@example.com", ""),
                ("", ""),
            ] {
                url.run(line).fails_with(2, &["--base-url", variable, expected]).hides(&["secret-word"]);
            }
        }
    }

    #[test]
    fn missing_credentials_are_named_by_flag_and_variable() {
        let server = Server::untouched();
        for (line, flag, variable) in [
            (STATUS, "--customer-id", "IDENTKIT_TM_CUSTOMER_ID"),
            (STATUS, "--customer-code", "IDENTKIT_TM_CUSTOMER_CODE"),
            (GET, "--partner", "IDENTKIT_IDENTIFY24_PARTNER"),
            (GET, "--api-key", "IDENTKIT_IDENTIFY24_API_KEY"),
        ] {
            let missing = &[flag, "is missing", variable];
            run(server.command(line).env_remove(variable)).fails_with(2, missing);
            run(server.command(line).env(variable, "")).fails_with(2, missing);
            let result = run(server.command(line).env(variable, "hush\nhush"));
            result.fails_with(2, &[flag, "control character"]).hides(&["hush"]);
        }
        server.run("tm --customer-id a:b status 99921269855041").fails_with(2, &["--customer-id", "colon"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn an_unusable_ca_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, content: &str| file(&folder, name, content);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (file, expected) in [
            (folder.path().join("missing").display().to_string(), "cannot be read"),
            (folder.path().display().to_string(), "cannot be read"),
            (path("empty.pem", ""), "does not contain a PEM certificate"),
            (path("garbage.pem", "garbage"), "does not contain a PEM certificate"),
            (path("broken.pem", broken), "cannot be used"),
        ] {
            for line in [STATUS, GET] {
                let result = "https://127.0.0.1:1".run(&format!("{line} --ca-file {file}"));
                result.fails_with(2, &["--ca-file", &file, expected]);
                run("https://127.0.0.1:1".command(line).env("IDENTKIT_CA_FILE", &file)).fails_with(2, &[&file]);
            }
        }
    }
}

mod network_failures {
    use super::*;

    /// A command with a timeout of 1 s: exit code, texts on standard error, and the requests that the vendor received.
    type Case = (&'static str, i32, &'static [&'static str], &'static [&'static str]);

    #[track_caller]
    fn all(start: impl Fn() -> Server, cases: &[Case]) {
        for (line, code, words, calls) in cases {
            let server = start();
            let result = run_discreetly(&server, &format!("{line} --timeout 1"));
            result.fails_with(*code, words);
            assert!(result.took < Duration::from_secs(3), "{result:#?}");
            assert_eq!(server.calls(), *calls, "{line}");
        }
    }

    const PLACED: &[&str] = &["PUT /putOrder"];
    const CREATED: &[&str] = &["POST /auth", "POST /ident/create"];

    #[test]
    fn no_listener_is_7_even_for_creates() {
        for (line, words) in [
            (STATUS, &[NO_SERVER, "--base-url", "try again later"][..]),
            (GET, &[NO_SERVER, "--base-url", "try again later"]),
            (PLACE, &["putOrder"]),
            (CREATE, &["ident/create"]),
        ] {
            run_discreetly(NO_SERVER, &format!("{line} --timeout 1")).fails_with(7, words);
        }
        NO_SERVER.run(STATUS).fails_with(7, &["no connection could be made", "refused"]);
    }

    #[test]
    fn an_untrusted_certificate_is_7_without_a_retry() {
        let sandbox = Sandbox::start();
        let target = sandbox.ready_text("/listen").trim_start_matches("https://").to_owned();
        // Attempts are counted by connections: the test cannot read the TLS stream.
        let (address, connections) = accept(move |near| tunnel(near, TcpStream::connect(&target).unwrap()));
        let url = format!("https://{address}");
        for (number, line) in [STATUS, GET, PLACE].into_iter().enumerate() {
            let result = run_discreetly(&*url, line);
            result.fails_with(7, &["certificate is not trusted", "--ca-file", "IDENTKIT_CA_FILE"]);
            let tried = connections.load(Ordering::SeqCst);
            assert_eq!(tried, number + 1, "an untrusted certificate is not retried");
            assert!(result.took < Duration::from_secs(3), "{result:#?}");
        }
    }

    #[test]
    fn a_server_without_tls_is_7() {
        let server = Server::json("200 OK", "{}");
        let url = server.url().replace("http://", "https://");
        url.run(&format!("{STATUS} --timeout 1")).fails_with(7, &["getStatus"]);
    }

    #[test]
    fn no_response_is_7_for_reads_and_6_for_creates() {
        let unknown = &["putOrder", "is not known", "do not repeat it", "at the vendor by its Ref my-own-ref"];
        all(
            || Server::after_login(|_| Reply::silence()),
            &[
                (STATUS, 7, &["getStatus", "no response within the timeout"], &["GET /getStatus/99921269855041"]),
                (PLACE, 6, unknown, PLACED),
                (CREATE, 6, &["ident/create", "is not known"], CREATED),
                ("tm statuses --from -1h", 7, &["getAllStatus", "within the timeout"], &["POST /getAllStatus"]),
            ],
        );
    }

    #[test]
    fn at_77_a_connection_broken_after_a_create_is_6() {
        all(
            || Server::after_login(|_| Reply::close()),
            &[
                (PLACE, 6, &["putOrder", "do not repeat it"], PLACED),
                (CREATE, 6, &["ident/create", "do not repeat it"], CREATED),
            ],
        );
    }

    #[test]
    fn at_19_a_generated_ref_is_printed_if_the_response_is_lost() {
        let closing = Server::always(Reply::close);
        let result = closing.feed(PLACE, &order(&json!({ "Ref": null })));
        result.fails_with(6, &["was sent with the Ref identkit-"]);
        assert_eq!(closing.connections(), 1);
        let sent: Value = serde_json::from_str(&closing.requests()[0].body).unwrap();
        assert!(result.stderr.contains(sent["Ref"].as_str().unwrap()), "{result:#?}");
    }

    #[test]
    fn a_failed_login_is_never_an_unknown_outcome() {
        for then in [Reply::close, Reply::silence, || Reply::json("500 Internal Server Error", "{}")] {
            let server = Server::always(then);
            run_discreetly(&server, &format!("{CREATE} --timeout 1")).fails_with(7, &["ident/create"]);
            assert!(server.calls().iter().all(|call| call == "POST /auth"), "{:?}", server.calls());
        }
    }

    #[test]
    fn a_server_error_is_7_for_reads_and_6_for_creates() {
        let failing = Server::json("500 Internal Server Error", r#"{"Error":"Mustermann"}"#);
        run_discreetly(&failing, &format!("{STATUS} --timeout 1")).fails_with(7, &["getStatus", "HTTP 500"]);
        let failing = || Server::json("503 Service Unavailable", r#"{"Error":"Mustermann"}"#);
        all(failing, &[(PLACE, 6, &["putOrder", "HTTP 503", "is not known"], PLACED)]);
    }

    #[test]
    fn a_web_page_as_response_is_1() {
        let portal = Server::after_login(|_| Reply::answer("200 OK", "text/html", "<html>Mustermann, log in</html>"));
        run_discreetly(&portal, STATUS)
            .fails_with(1, &["getStatus", "cannot be read", "not valid JSON", &portal.url()]);
        run_discreetly(&portal, GET).fails_with(1, &["ident/get", "cannot be read"]);
    }

    #[test]
    fn an_unreadable_success_of_a_create_is_6() {
        for body in ["<html></html>", "{}", r#"{"Error":"Mustermann"}"#, "[]", ""] {
            all(|| Server::json("202 Accepted", body), &[(PLACE, 6, &["putOrder", "by its Ref"], PLACED)]);
        }
        // A success status that the document does not list does not prove a failure.
        all(|| Server::json("200 OK", "{}"), &[(PLACE, 6, &["putOrder", "HTTP 200"], PLACED)]);
        let page = || Server::after_login(|_| Reply::json("200 OK", "<html></html>"));
        all(page, &[(CREATE, 6, &["ident/create"], CREATED)]);
    }

    #[test]
    fn at_87_a_redirect_is_never_followed() {
        let elsewhere = Server::json("200 OK", "{}");
        let target = elsewhere.url();
        let redirecting = Server::start(move |seen| {
            let path = &seen.path;
            Reply::Next(format!("HTTP/1.1 302 Found\r\nLocation: {target}{path}\r\nContent-Length: 0\r\n\r\n").into())
        });
        run_discreetly(&redirecting, STATUS).fails_with(1, &["getStatus", "redirects", "HTTP 302"]);
        run_discreetly(&redirecting, PLACE).fails_with(6, &["putOrder", "redirects", "do not repeat it"]);
        run_discreetly(&redirecting, GET).fails_with(1, &["redirects"]);
        assert_eq!(elsewhere.connections(), 0);
        assert_eq!(redirecting.calls(), [&format!("GET /getStatus/{ORDER}"), "PUT /putOrder", "POST /auth"]);
    }

    #[test]
    fn undocumented_values_are_read() {
        let mut status = json_sample("identity-tm/fixtures/S-040-get-status-response.json");
        status["Status"] = json!([{ "Kind": 4711, "Time": "soon", "Text": "\u{1b}[31mred" }, { "Kind": 89 }]);
        status["More"] = json!({ "kept": true });
        let server = Server::json("200 OK", status.to_string());
        let result = server.run("tm status 99921269855041 --extended");
        result.ends_with(0, &[]).shows(&["4711", "Verdict: suspicion of fraud, final"]);
        assert!(!result.stdout.contains('\u{1b}'), "{result:#?}");
        assert_eq!(server.json("tm status 99921269855041 --extended")["More"], json!({ "kept": true }));
    }
}
