//! What the commands that call a vendor tell, and what they are worth as exit codes: with the sandbox, and with
//! servers that misbehave.

use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{
    CANARY, IDENT, NOBODY, ORDER, Ran, Sandbox, Server, Then, Vendor, accepting, file, ident, identkit, json_sample,
    of_workspace, order, run, sample, tunnel,
};
use serde_json::{Value, json};

const STATUS: &str = "tm status 99921269855041";
const GET: &str = "identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const PLACE: &str = "tm put-order -";
const CREATE: &str = "identify24 create - --reveal";

/// The document's order about somebody whose name must not turn up in logs, with something to sign left out.
fn canary_order() -> String {
    order(&json!({
        "Ref": CANARY,
        "Email": format!("{CANARY}@example.com"),
        "Address": { "Firstname": CANARY, "Surname": CANARY, "Street": CANARY, "City": CANARY },
        "IdentData": { "Firstname": CANARY, "Surname": CANARY, "Birthplace": CANARY },
    }))
}

fn canary_ident() -> String {
    ident(&json!({ "person_first_name": CANARY, "person_last_name": CANARY, "city": CANARY, "custom1": CANARY }))
}

/// Runs a command with the order or the ident of somebody whose name must not turn up.
#[track_caller]
fn discreet(vendor: &(impl Vendor + ?Sized), line: &str) -> Ran {
    let ran = vendor.feed(line, &if line.contains("tm") { canary_order() } else { canary_ident() });
    // Nor what a vendor wrote.
    ran.tells_none_of(&[CANARY, "Mustermann"]);
    // No stack traces, no source code, no debug output: sentences.
    for odd in ["panicked", "RUST_BACKTRACE", "Error {", "Some(", "src/", "\u{1b}"] {
        assert!(!ran.stderr.contains(odd), "`{odd}` on standard error: {ran:#?}");
    }
    ran
}

mod what_is_done {
    use super::*;

    #[test]
    fn an_order_is_placed_from_a_file_and_from_standard_input() {
        let sandbox = Sandbox::start();
        let file = of_workspace("crates/identity-tm/fixtures/S-035-put-order-request.json");
        let ran = sandbox.run(&format!("tm put-order {}", file.display()));
        ran.ends_with(0, &[]).shows(&["OrderID", "Ref", "TargetURL", "ShortCode", "LongCode", "status 6"]);
        let ran = sandbox.feed("tm put-order - --output json", &order(&json!({})));
        let placed = ran.ends_with(0, &[]).json();
        assert_eq!(placed["Ref"], "Sign-me_Account_Creation_Test");
        assert_eq!(placed["identkit"]["http_status"], 202);
        assert_eq!(placed["identkit"]["attempts"], 1);
        assert_eq!(placed["identkit"]["flavour"], "sign_me_account");
    }

    #[test]
    fn a_status_is_a_table_with_a_verdict() {
        let sandbox = Sandbox::start();
        let ran = sandbox.run(STATUS);
        ran.ends_with(0, &["note: ", "--extended"]);
        ran.shows(&["Identification positively conducted", "Verdict on an identification: positive, final"]);
        assert!(!ran.stdout.contains("SMS sent"), "{ran:#?}");
        let ran = sandbox.run(&format!("{STATUS} --extended"));
        assert_eq!(ran.ends_with(0, &[]).shows(&["SMS sent", "signme Passwort"]).stderr, "");
    }

    #[test]
    fn an_ident_is_created_and_read() {
        let sandbox = Sandbox::start();
        let created = |line: &str| sandbox.feed(line, &ident(&json!({})));
        // The document's custom_id is a word.
        let ran = created(&format!("{CREATE} --output json"));
        let created_id = |ran: &Ran| ran.json()["ident_id"].as_str().unwrap().to_owned();
        let id = created_id(ran.ends_with(0, &["note: custom_id"]));
        assert_eq!(ran.json()["conference_url"], format!("https://identify24.de/apply/{id}"));
        let read = sandbox.json(&format!("identify24 get {id} --reveal"));
        assert_eq!((&read["id"], &read["status"]), (&json!(id), &json!("Unidentified")));
        assert_eq!(read["person_first_name"], "JOHN", "upper case, as the document asks (AI-04)");

        let id = created_id(created(&format!("{CREATE} --preserve-case --output json")).ends_with(0, &[]));
        sandbox.run(&format!("identify24 get --reveal {id}")).ends_with(0, &[]).shows(&["John"]);
    }

    #[test]
    fn flags_do_as_well_as_variables_and_win_over_them() {
        let sandbox = Sandbox::start();
        let flags = |vendor: &str, names: [&str; 3]| {
            let flags = names.map(|name| {
                let told = sandbox.told(&format!("/{vendor}/{name}"));
                format!("--{} {told} ", name.replace('_', "-"))
            });
            format!("{}--ca-file {}", flags.concat(), sandbox.told("/ca_file"))
        };
        let tm = flags("identity_tm", ["base_url", "customer_id", "customer_code"]);
        let identify24 = flags("identify24", ["base_url", "partner", "api_key"]);
        for line in [format!("tm {tm} status {ORDER}"), format!("identify24 {identify24} get {IDENT}")] {
            run(identkit().args(line.split(' '))).ends_with(0, &[]);
        }
        // Behind the command, too, and over variables that lead nowhere.
        let mut command = NOBODY.command(&format!("{STATUS} {tm}"));
        run(command.env("IDENTKIT_CA_FILE", "/nowhere")).ends_with(0, &[]);
    }

    #[test]
    fn a_reader_that_goes_away_is_no_failure() {
        let sandbox = Sandbox::start();
        for line in ["tm status 99921269855041 --extended", "tm status --help"] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let child = sandbox.command(line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
            assert_eq!(output.status.code(), Some(0), "{line}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_result_that_cannot_be_written_is_a_failure() {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Sandbox::start().command(STATUS).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("error: the result could not be written to standard output"), "{told}");
    }
}

mod what_the_vendor_refuses {
    use super::*;

    #[test]
    fn wrong_credentials_are_3_and_what_the_vendor_does_not_know_is_4() {
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
            discreet(&sandbox, line).fails_with(code, words);
        }
    }

    #[test]
    fn a_refusal_is_5_and_the_vendors_words_are_shown_on_request_only() {
        let refusing = Server::json("400 Bad Request", r#"{"Error":"Mustermann is bad"}"#);
        discreet(&refusing, PLACE).fails_with(5, &["putOrder", "HTTP 400", "--show-vendor-text"]);
        let ran = refusing.feed("tm put-order - --show-vendor-text", &canary_order());
        ran.fails_with(5, &["the vendor wrote: Mustermann is bad"]).tells_none_of(&[CANARY]);
        assert_eq!(refusing.calls(), ["PUT /putOrder"; 2]);
        assert!(refusing.seen()[0].body.contains(CANARY));
    }

    #[test]
    fn a_refusal_inside_a_good_status_is_a_refusal() {
        let refusal = r#"{"result":false,"messages":["Mustermann"]}"#;
        let server = Server::after_login(|_| Then::json("200 OK", refusal));
        discreet(&server, CREATE).fails_with(5, &["ident/create"]);
        discreet(&Server::json("200 OK", refusal), GET).fails_with(3, &["logging in failed"]);
    }

    #[test]
    fn vendor_text_cannot_steer_the_terminal() {
        let server = Server::json("400 Bad Request", r#"{"Error":"\u001b[2Jgone\u0007\r\nerror: x"}"#);
        let ran = server.run("tm --show-vendor-text status 99921269855041");
        ran.fails_with(5, &["the vendor wrote: "]);
        assert!(ran.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{ran:#?}");
        assert_eq!(ran.stderr.lines().count(), 2, "{ran:#?}");
    }
}

mod what_is_never_sent {
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
                let ran = run(server.command(&format!("tm {line}")).arg(id));
                ran.fails_with(2, &["order id", "1 to 20 letters and digits", "nothing was sent"]);
            }
        }
        for (number, id) in ["../x", "", "a/b", "a b", &"x".repeat(65), "[redacted]"].into_iter().enumerate() {
            let from = file(&folder, &number.to_string(), &json!({ "ident_id": id }).to_string());
            for ran in [
                run(server.identkit().args(["identify24", "get", id])),
                server.feed("identify24 get -", id),
                server.run(&format!("identify24 get --from {from}")),
            ] {
                ran.fails_with(2, &["ident_id", "1 to 64 letters, digits and hyphens"]);
            }
        }
        for other in ["{}", "[]", "text", r#"{"ident_id":6}"#] {
            let from = file(&folder, "other", other);
            let ran = server.run(&format!("identify24 get --from {from}"));
            ran.fails_with(2, &["holds no ident_id", "nothing was sent"]);
        }
        server.run("identify24 get").ends_with(2, &["IDENT_ID", "--help"]);
        server.run(&format!("{GET} --from x")).ends_with(2, &["--help"]);
        assert_eq!((server.connections(), folder.path().join("out").exists()), (0, false));
    }

    #[test]
    fn broken_json_is_told_by_line_and_column_and_never_by_value() {
        let server = Server::untouched();
        let broken = format!("{{\n  \"Email\": \"{CANARY}\"\n  \"Ref\": \"{CANARY}\"\n}}");
        let of_another_form = format!("{{\n  \"Ref\": \"x\",\n  \"Product\": \"{CANARY}\"\n}}");
        for line in [PLACE, CREATE] {
            server
                .feed(line, &broken)
                .fails_with(2, &["standard input", "not valid JSON", "line 3, column 3", "nothing was sent"])
                .tells_none_of(&[CANARY, "Error {", "Some(", "src/"]);
            for none in ["", " ", "\n\n", "null", "\"text\"", "{\"Email\":", "\u{fffd}"] {
                let ran = server.feed(line, none);
                ran.fails_with(2, &["standard input", "nothing was sent"])
                    .tells_none_of(&["panicked", "Error {", "src/"]);
            }
            let ran = crate::support::feed(&mut server.command(line), b"{\"Email\":\"\xff\"}");
            ran.fails_with(2, &["line 1, column 11"]);
        }
        let ran = server.feed(PLACE, &of_another_form);
        ran.fails_with(2, &["Product", "line 3", "nothing was sent"]).tells_none_of(&[CANARY]);
        // The document's sample that is no JSON.
        let sample = sample("identify24/fixtures/S-024-project-get-request.json");
        server.feed(CREATE, &sample).fails_with(2, &["not valid JSON", "line 1, column 18"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let server = Server::untouched();
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let (missing, empty) = (format!("{place}/order.json"), file(&folder, "empty.json", ""));
        for line in ["tm put-order", "identify24 create --reveal"] {
            for (path, told) in [(&missing, "cannot be read"), (&empty, "is empty"), (&place, "cannot be read")] {
                server.run(&format!("{line} {path}")).fails_with(2, &[path, told, "nothing was sent"]);
            }
            server.run(&format!("{line} -")).fails_with(2, &["standard input is empty"]);
        }
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn an_order_and_an_ident_are_told_all_their_faults_at_once() {
        let server = Server::untouched();
        let faulty = order(&json!({
            "Email": null,
            "Address": { "Firstname": CANARY, "ZipCode": "1234567" },
            "IdentData": { "Birthdate": CANARY },
            "WebhookURL": { "AfterVideo": format!("https://{CANARY}.example/a"), "AfterIdent": "https://b.example/" },
        }));
        let ran = server.feed(PLACE, &faulty);
        ran.fails_with(2, &["putOrder", "was not sent", "\n  Email: is required", "T-056"]).tells_none_of(&[CANARY]);
        ran.ends_with(2, &["\n  Address.ZipCode: has 7 characters", "AT-45", "\n  IdentData.Birthdate: ", "T-005"]);
        ran.ends_with(2, &["AfterVideo and AfterIdent exclude each other", "T-050", "docs/contract/contract.md"]);
        let faulty = ident(&json!({ "email": null, "birthday": CANARY, "gender": CANARY, "country": CANARY }));
        let faults =
            ["\n  email: is required", "\n  birthday: ", "\n  gender: ", "\n  country: ", "I-043", "AI-22", "AI-27"];
        server.feed(CREATE, &faulty).fails_with(2, &faults).tells_none_of(&[CANARY]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn ai_19_the_documents_ident_as_printed_has_two_pdfs() {
        let file = of_workspace("crates/identify24/fixtures/S-012-ident-create-curl-body.json");
        let create = format!("identify24 create --reveal {}", file.display());
        let server = Server::untouched();
        server.run(&create).fails_with(2, &["pdf_content", "pdf_url", "AI-19", "--allow-both-pdf-sources"]);
        assert_eq!(server.connections(), 0);
        let ran = Sandbox::start().run(&format!("{create} --allow-both-pdf-sources"));
        ran.ends_with(0, &[]).shows(&["https://identify24.de/apply/"]);
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for (line, variable) in [(STATUS, "IDENTKIT_TM_BASE_URL"), (GET, "IDENTKIT_IDENTIFY24_BASE_URL")] {
            for (url, told) in [
                ("http://example.com", "https://"),
                ("http://127.0.0.1.example.com", "https://"),
                ("example.com", "scheme"),
                ("https://user:secret-word@example.com", ""),
                ("", ""),
            ] {
                url.run(line).fails_with(2, &["--base-url", variable, told]).tells_none_of(&["secret-word"]);
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
            let ran = run(server.command(line).env(variable, "hush\nhush"));
            ran.fails_with(2, &[flag, "control character"]).tells_none_of(&["hush"]);
        }
        server.run("tm --customer-id a:b status 99921269855041").fails_with(2, &["--customer-id", "colon"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_ca_file_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, content: &str| file(&folder, name, content);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (file, told) in [
            (folder.path().join("missing").display().to_string(), "cannot be read"),
            (folder.path().display().to_string(), "cannot be read"),
            (path("empty.pem", ""), "not contain a valid PEM certificate"),
            (path("garbage.pem", "garbage"), "not contain a valid PEM certificate"),
            (path("broken.pem", broken), "cannot be used"),
        ] {
            for line in [STATUS, GET] {
                let ran = "https://127.0.0.1:1".run(&format!("{line} --ca-file {file}"));
                ran.fails_with(2, &["--ca-file", &file, told]);
                run("https://127.0.0.1:1".command(line).env("IDENTKIT_CA_FILE", &file)).fails_with(2, &[&file]);
            }
        }
    }
}

mod what_cannot_be_reached {
    use super::*;

    /// A command against a vendor, in a second: how it ends, what it tells, and what the vendor was asked.
    type Case = (&'static str, i32, &'static [&'static str], &'static [&'static str]);

    #[track_caller]
    fn all(start: impl Fn() -> Server, cases: &[Case]) {
        for (line, code, words, calls) in cases {
            let server = start();
            let ran = discreet(&server, &format!("{line} --timeout 1"));
            ran.fails_with(*code, words);
            assert!(ran.took < Duration::from_secs(3), "{ran:#?}");
            assert_eq!(server.calls(), *calls, "{line}");
        }
    }

    const PLACED: &[&str] = &["PUT /putOrder"];
    const CREATED: &[&str] = &["POST /auth", "POST /ident/create"];

    #[test]
    fn nobody_listening_is_7_also_for_what_creates_since_it_was_provably_not_sent() {
        for (line, words) in [
            (STATUS, &[NOBODY, "--base-url", "try again later"][..]),
            (GET, &[NOBODY, "--base-url", "try again later"]),
            (PLACE, &["putOrder"]),
            (CREATE, &["ident/create"]),
        ] {
            discreet(NOBODY, &format!("{line} --timeout 1")).fails_with(7, words);
        }
        NOBODY.run(STATUS).fails_with(7, &["no connection could be made", "refused"]);
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_7_at_once() {
        let sandbox = Sandbox::start();
        let target = sandbox.told("/listen").trim_start_matches("https://").to_owned();
        // What is tried again is counted: it cannot be read.
        let (address, connections) = accepting(move |near| tunnel(near, TcpStream::connect(&target).unwrap()));
        let url = format!("https://{address}");
        for (number, line) in [STATUS, GET, PLACE].into_iter().enumerate() {
            let ran = discreet(&*url, line);
            ran.fails_with(7, &["certificate is not trusted", "--ca-file", "IDENTKIT_CA_FILE"]);
            let tried = connections.load(Ordering::SeqCst);
            assert_eq!(tried, number + 1, "it will not be trusted at the second try either");
            assert!(ran.took < Duration::from_secs(3), "{ran:#?}");
        }
    }

    #[test]
    fn what_speaks_no_tls_is_7() {
        let server = Server::json("200 OK", "{}");
        let url = server.url().replace("http://", "https://");
        url.run(&format!("{STATUS} --timeout 1")).fails_with(7, &["getStatus"]);
    }

    #[test]
    fn a_server_that_never_answers_is_7_for_a_read_and_6_for_what_creates() {
        let unknown = &["putOrder", "is not known", "do not repeat it", "by its Ref, which standard input holds"];
        all(
            || Server::after_login(|_| Then::silence()),
            &[
                (STATUS, 7, &["getStatus", "no response within the timeout"], &["GET /getStatus/99921269855041"]),
                (PLACE, 6, unknown, PLACED),
                (CREATE, 6, &["ident/create", "is not known"], CREATED),
                ("tm statuses --from -1h", 7, &["getAllStatus", "within the timeout"], &["POST /getAllStatus"]),
            ],
        );
    }

    #[test]
    fn at_77_a_connection_that_breaks_after_the_request_is_6_and_nothing_is_sent_again() {
        all(
            || Server::after_login(|_| Then::close()),
            &[
                (PLACE, 6, &["putOrder", "do not repeat it"], PLACED),
                (CREATE, 6, &["ident/create", "do not repeat it"], CREATED),
            ],
        );
    }

    #[test]
    fn at_19_an_order_without_a_ref_goes_out_with_one_that_is_told_when_the_answer_is_lost() {
        let closing = Server::always(Then::close);
        let ran = closing.feed(PLACE, &order(&json!({ "Ref": null })));
        ran.fails_with(6, &["went out with the Ref identkit-"]);
        assert_eq!(closing.connections(), 1);
        let sent: Value = serde_json::from_str(&closing.seen()[0].body).unwrap();
        assert!(ran.stderr.contains(sent["Ref"].as_str().unwrap()), "{ran:#?}");
    }

    #[test]
    fn a_login_that_fails_leaves_nothing_unknown() {
        for then in [Then::close, Then::silence, || Then::json("500 Internal Server Error", "{}")] {
            let server = Server::always(then);
            discreet(&server, &format!("{CREATE} --timeout 1")).fails_with(7, &["ident/create"]);
            assert!(server.calls().iter().all(|call| call == "POST /auth"), "{:?}", server.calls());
        }
    }

    #[test]
    fn a_server_error_is_7_for_a_read_and_6_for_what_creates() {
        let failing = Server::json("500 Internal Server Error", r#"{"Error":"Mustermann"}"#);
        discreet(&failing, &format!("{STATUS} --timeout 1")).fails_with(7, &["getStatus", "HTTP 500"]);
        let failing = || Server::json("503 Service Unavailable", r#"{"Error":"Mustermann"}"#);
        all(failing, &[(PLACE, 6, &["putOrder", "HTTP 503", "is not known"], PLACED)]);
    }

    #[test]
    fn a_web_page_instead_of_an_answer_is_1() {
        let portal = Server::after_login(|_| Then::answer("200 OK", "text/html", "<html>Mustermann, log in</html>"));
        discreet(&portal, STATUS).fails_with(1, &["getStatus", "cannot be read", "not valid JSON", &portal.url()]);
        discreet(&portal, GET).fails_with(1, &["ident/get", "cannot be read"]);
    }

    #[test]
    fn a_success_that_cannot_be_read_leaves_the_outcome_unknown() {
        for body in ["<html></html>", "{}", r#"{"Error":"Mustermann"}"#, "[]", ""] {
            all(|| Server::json("202 Accepted", body), &[(PLACE, 6, &["putOrder", "by its Ref"], PLACED)]);
        }
        // A good status that the document does not list is no proof of the contrary.
        all(|| Server::json("200 OK", "{}"), &[(PLACE, 6, &["putOrder", "HTTP 200"], PLACED)]);
        let page = || Server::after_login(|_| Then::json("200 OK", "<html></html>"));
        all(page, &[(CREATE, 6, &["ident/create"], CREATED)]);
    }

    #[test]
    fn at_87_a_redirect_is_never_followed() {
        let elsewhere = Server::json("200 OK", "{}");
        let target = elsewhere.url();
        let redirecting = Server::start(move |seen| {
            let path = &seen.path;
            Then::GoOn(format!("HTTP/1.1 302 Found\r\nLocation: {target}{path}\r\nContent-Length: 0\r\n\r\n").into())
        });
        discreet(&redirecting, STATUS).fails_with(1, &["getStatus", "redirects", "HTTP 302"]);
        discreet(&redirecting, PLACE).fails_with(1, &["putOrder", "redirects"]);
        discreet(&redirecting, GET).fails_with(1, &["redirects"]);
        assert_eq!(elsewhere.connections(), 0);
        assert_eq!(redirecting.calls(), [&format!("GET /getStatus/{ORDER}"), "PUT /putOrder", "POST /auth"]);
    }

    #[test]
    fn what_the_document_does_not_list_is_read_all_the_same() {
        let mut status = json_sample("identity-tm/fixtures/S-040-get-status-response.json");
        status["Status"] = json!([{ "Kind": 4711, "Time": "soon", "Text": "\u{1b}[31mred" }, { "Kind": 89 }]);
        status["More"] = json!({ "kept": true });
        let server = Server::json("200 OK", status.to_string());
        let ran = server.run("tm status 99921269855041 --extended");
        ran.ends_with(0, &[]).shows(&["4711", "Verdict: suspicion of fraud, final"]);
        assert!(!ran.stdout.contains('\u{1b}'), "{ran:#?}");
        assert_eq!(server.json("tm status 99921269855041 --extended")["More"], json!({ "kept": true }));
    }
}
