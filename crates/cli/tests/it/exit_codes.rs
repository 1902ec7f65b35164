//! What the commands that call a vendor tell, and what they are worth as exit codes: with the sandbox, and with
//! servers that misbehave.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{
    CANARY, IDENT, NOBODY, ORDER, Ran, Relay, Sandbox, Server, Then, feed, file, ident, identkit, json_sample,
    of_workspace, order, run, sample, towards,
};
use serde_json::{Value, json};

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

/// Places the order of somebody whose name must not turn up.
fn place(base: &str, more: &[&str]) -> Ran {
    feed(towards(base).args(["tm", "put-order", "-"]).args(more), canary_order().as_bytes())
}

/// Creates the ident of somebody whose name must not turn up.
fn create(base: &str, more: &[&str]) -> Ran {
    feed(towards(base).args(["identify24", "create", "-", "--reveal"]).args(more), canary_ident().as_bytes())
}

#[track_caller]
fn assert_discreet(ran: &Ran) {
    for text in [&ran.stderr, &ran.stdout] {
        assert!(!text.to_lowercase().contains(&CANARY.to_lowercase()), "a person's data is told: {ran:#?}");
    }
}

/// No stack traces, no source code, no debug output: sentences.
#[track_caller]
fn assert_told_for_people(ran: &Ran) {
    for odd in ["panicked", "RUST_BACKTRACE", "Error {", "Some(", "src/", "\u{1b}"] {
        assert!(!ran.stderr.contains(odd), "`{odd}` on standard error: {ran:#?}");
    }
}

mod what_is_done {
    use super::*;

    #[test]
    fn an_order_is_placed_from_a_file_and_from_standard_input() {
        let sandbox = Sandbox::start();
        let file = of_workspace("crates/identity-tm/fixtures/S-035-put-order-request.json");
        let ran = run(sandbox.identkit().args(["tm", "put-order", file.to_str().unwrap()]));
        ran.ends_with(0, &[]);
        for name in ["OrderID", "Ref", "TargetURL", "ShortCode", "LongCode", "status 6"] {
            assert!(ran.stdout.contains(name), "{name}: {ran:#?}");
        }
        let ran =
            feed(sandbox.identkit().args(["tm", "put-order", "-", "--output", "json"]), order(&json!({})).as_bytes());
        let placed = ran.ends_with(0, &[]).json();
        assert_eq!(placed["Ref"], "Sign-me_Account_Creation_Test");
        assert_eq!(placed["identkit"]["http_status"], 202);
        assert_eq!(placed["identkit"]["attempts"], 1);
    }

    #[test]
    fn a_status_is_a_table_with_a_verdict() {
        let sandbox = Sandbox::start();
        let ran = run(sandbox.identkit().args(["tm", "status", ORDER]));
        ran.ends_with(0, &["note: ", "--extended"]);
        assert!(ran.stdout.contains("Identification positively conducted"), "{ran:#?}");
        assert!(ran.stdout.contains("Verdict on an identification: positive, final"), "{ran:#?}");
        assert!(!ran.stdout.contains("SMS sent"), "{ran:#?}");
        let ran = run(sandbox.identkit().args(["tm", "status", ORDER, "--extended"]));
        assert_eq!(ran.ends_with(0, &[]).stderr, "");
        assert!(ran.stdout.contains("SMS sent") && ran.stdout.contains("signme Passwort"), "{ran:#?}");
    }

    #[test]
    fn an_ident_is_created_and_read() {
        let sandbox = Sandbox::start();
        let ran = feed(
            sandbox.identkit().args(["identify24", "create", "-", "--reveal", "--output", "json"]),
            ident(&json!({})).as_bytes(),
        );
        // The document's custom_id is a word.
        let created = ran.ends_with(0, &["note: custom_id"]).json();
        let id = created["ident_id"].as_str().unwrap();
        assert_eq!(created["conference_url"], format!("https://identify24.de/apply/{id}"));
        let ran = run(sandbox.identkit().args(["identify24", "get", id, "--reveal", "--output", "json"]));
        let read = ran.ends_with(0, &[]).json();
        assert_eq!((&read["id"], &read["status"]), (&json!(id), &json!("Unidentified")));
        assert_eq!(read["person_first_name"], "JOHN", "upper case, as the document asks (AI-04)");

        let arguments = ["identify24", "create", "-", "--reveal", "--preserve-case", "--output", "json"];
        let ran = feed(sandbox.identkit().args(arguments), ident(&json!({})).as_bytes());
        let created = ran.ends_with(0, &[]).json();
        let ran =
            run(sandbox.identkit().args(["identify24", "get", "--reveal", created["ident_id"].as_str().unwrap()]));
        assert!(ran.ends_with(0, &[]).stdout.contains("John"), "{ran:#?}");
    }

    #[test]
    fn flags_do_as_well_as_variables_and_win_over_them() {
        let sandbox = Sandbox::start();
        let told = |pointer| sandbox.told(pointer);
        let tm = [
            "tm",
            "--base-url",
            told("/identity_tm/base_url"),
            "--customer-id",
            told("/identity_tm/customer_id"),
            "--customer-code",
            told("/identity_tm/customer_code"),
            "--ca-file",
            told("/ca_file"),
        ];
        run(identkit().args(tm).args(["status", ORDER])).ends_with(0, &[]);
        // Behind the command, too, and over variables that lead nowhere.
        let mut command = towards(NOBODY);
        command.env("IDENTKIT_CA_FILE", "/nowhere");
        run(command.args(["tm", "status", ORDER]).args(&tm[1..])).ends_with(0, &[]);
        let identify24 = [
            "identify24",
            "--base-url",
            told("/identify24/base_url"),
            "--partner",
            told("/identify24/partner"),
            "--api-key",
            told("/identify24/api_key"),
            "--ca-file",
            told("/ca_file"),
        ];
        run(identkit().args(identify24).args(["get", IDENT])).ends_with(0, &[]);
    }

    #[test]
    fn a_reader_that_goes_away_is_no_failure() {
        let sandbox = Sandbox::start();
        for arguments in [&["tm", "status", ORDER, "--extended"][..], &["tm", "status", "--help"]] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut command = sandbox.identkit();
            let child = command.args(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
            drop(command);
            let output = child.wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
            assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_result_that_cannot_be_written_is_a_failure() {
        let sandbox = Sandbox::start();
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = sandbox.identkit().args(["tm", "status", ORDER]).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("error: the result could not be written to standard output"), "{told}");
    }
}

mod what_the_vendor_refuses {
    use super::*;

    #[test]
    fn wrong_credentials_are_3() {
        let sandbox = Sandbox::start();
        let ran = run(sandbox.identkit().args(["tm", "--customer-code", "wrong", "status", ORDER]));
        ran.fails_with(3, &["getStatus", "customer id and customer code", "HTTP 401", "check the credentials"]);
        let ran = run(sandbox.identkit().args(["tm", "--customer-id", "wrong", "status", ORDER]));
        ran.fails_with(3, &["check the credentials"]);
        let ran = feed(
            sandbox.identkit().args(["tm", "--customer-code", "wrong", "put-order", "-"]),
            canary_order().as_bytes(),
        );
        assert_discreet(ran.fails_with(3, &["putOrder", "check the credentials"]));
        for wrong in [["--api-key", "wrong"], ["--partner", "wrong"]] {
            let ran = run(sandbox.identkit().arg("identify24").args(wrong).args(["get", IDENT]));
            ran.fails_with(3, &["ident/get", "logging in failed", "partner and API key", "check the credentials"]);
        }
        let mut command = sandbox.identkit();
        command.args(["identify24", "--api-key", "wrong", "create", "-", "--reveal"]);
        assert_discreet(feed(&mut command, canary_ident().as_bytes()).fails_with(3, &["check the credentials"]));
    }

    #[test]
    fn what_the_vendor_does_not_know_is_4() {
        let sandbox = Sandbox::start();
        run(sandbox.identkit().args(["tm", "status", "99920000000000"]))
            .fails_with(4, &["getStatus", "does not know", "HTTP 404"]);
        run(sandbox.identkit().args(["tm", "status", "99920000000000", "--extended"])).fails_with(4, &["HTTP 404"]);
        let ran = run(sandbox.identkit().args(["identify24", "get", "00000000-0000-0000-0000-000000000000"]));
        ran.fails_with(4, &["ident/get", "does not know", "HTTP 404"]);
    }

    #[test]
    fn a_refusal_is_5_and_the_vendors_words_are_shown_on_request_only() {
        let refusing = Server::always(|| Then::json("400 Bad Request", r#"{"Error":"Mustermann is bad"}"#));
        let ran = place(&refusing.url(), &[]);
        ran.fails_with(5, &["putOrder", "HTTP 400", "--show-vendor-text"]);
        assert_discreet(&ran);
        assert!(!ran.stderr.contains("Mustermann"), "{ran:#?}");
        assert_discreet(
            place(&refusing.url(), &["--show-vendor-text"]).fails_with(5, &["the vendor wrote: Mustermann is bad"]),
        );
        assert_eq!(refusing.calls(), ["PUT /putOrder"; 2]);
        assert!(refusing.seen()[0].body.contains(CANARY));
    }

    #[test]
    fn a_refusal_inside_a_good_status_is_a_refusal() {
        let server = Server::after_login(|_| Then::json("200 OK", r#"{"result":false,"messages":["Mustermann"]}"#));
        let ran = create(&server.url(), &[]);
        assert_discreet(ran.fails_with(5, &["ident/create"]));
        assert!(!ran.stderr.contains("Mustermann"), "{ran:#?}");
        let server = Server::always(|| Then::json("200 OK", r#"{"result":false,"messages":["no"]}"#));
        run(towards(&server.url()).args(["identify24", "get", IDENT])).fails_with(3, &["logging in failed"]);
    }

    #[test]
    fn vendor_text_cannot_steer_the_terminal() {
        let server = Server::always(|| Then::json("400 Bad Request", r#"{"Error":"\u001b[2Jgone\u0007\r\nerror: x"}"#));
        let ran = run(towards(&server.url()).args(["tm", "--show-vendor-text", "status", ORDER]));
        ran.fails_with(5, &["the vendor wrote: "]);
        assert!(ran.stderr.chars().all(|c| c == '\n' || !c.is_control()), "{ran:#?}");
        assert_eq!(ran.stderr.lines().count(), 2, "{ran:#?}");
    }
}

mod what_is_never_sent {
    use super::*;

    /// Nobody may even connect.
    fn listening() -> Server {
        Server::always(|| Then::json("500 Internal Server Error", "{}"))
    }

    #[test]
    fn malformed_ids_are_2() {
        let server = listening();
        for id in ["../x", "123456789012345678901", "", " ", "1/2", "1?x", "ä", "%2e%2e"] {
            for more in [&[][..], &["--extended"]] {
                let ran = run(towards(&server.url()).args(["tm", "status"]).args(more).arg(id));
                ran.fails_with(2, &["order id", "1 to 20 letters and digits", "nothing was sent"]);
            }
        }
        for id in ["../x", "", "a/b", "a b", &"x".repeat(65)] {
            let ran = run(towards(&server.url()).args(["identify24", "get", id]));
            ran.fails_with(2, &["ident_id", "1 to 64 letters, digits and hyphens"]);
        }
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn broken_json_is_told_by_line_and_column_and_never_by_value() {
        let server = listening();
        let broken = format!("{{\n  \"Email\": \"{CANARY}\"\n  \"Ref\": \"{CANARY}\"\n}}");
        let of_another_form = format!("{{\n  \"Ref\": \"x\",\n  \"Product\": \"{CANARY}\"\n}}");
        for vendor in [&["tm", "put-order", "-"][..], &["identify24", "create", "-", "--reveal"]] {
            let ran = feed(towards(&server.url()).args(vendor), broken.as_bytes());
            assert_discreet(
                ran.fails_with(2, &["standard input", "not valid JSON", "line 3, column 3", "nothing was sent"]),
            );
            for none in ["", " ", "\n\n", "null", "\"text\"", "{\"Email\":", "\u{fffd}"] {
                let ran = feed(towards(&server.url()).args(vendor), none.as_bytes());
                ran.fails_with(2, &["standard input", "nothing was sent"]);
                assert_told_for_people(&ran);
            }
            let ran = feed(towards(&server.url()).args(vendor), b"{\"Email\":\"\xff\"}");
            ran.fails_with(2, &["line 1, column 11"]);
        }
        let ran = feed(towards(&server.url()).args(["tm", "put-order", "-"]), of_another_form.as_bytes());
        assert_discreet(ran.fails_with(2, &["Product", "line 3", "nothing was sent"]));
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn the_documents_sample_that_is_no_json_is_refused_cleanly() {
        let server = listening();
        let sample = sample("identify24/fixtures/S-024-project-get-request.json");
        let ran = feed(towards(&server.url()).args(["identify24", "create", "-", "--reveal"]), sample.as_bytes());
        ran.fails_with(2, &["not valid JSON", "line 1, column 18"]);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let server = listening();
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("order.json");
        let empty = folder.path().join("empty.json");
        std::fs::write(&empty, "").unwrap();
        for vendor in [&["tm", "put-order"][..], &["identify24", "create", "--reveal"]] {
            for (path, told) in
                [(&missing, "cannot be read"), (&empty, "is empty"), (&folder.path().to_owned(), "cannot be read")]
            {
                let ran = run(towards(&server.url()).args(vendor).arg(path));
                ran.fails_with(2, &[&path.display().to_string(), told, "nothing was sent"]);
            }
            run(towards(&server.url()).args(vendor).arg("-")).fails_with(2, &["standard input is empty"]);
        }
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn an_order_is_told_all_its_faults_at_once() {
        let server = listening();
        let faulty = order(&json!({
            "Email": null,
            "Address": { "Firstname": CANARY, "ZipCode": "1234567" },
            "IdentData": { "Birthdate": CANARY },
            "WebhookURL": { "AfterVideo": format!("https://{CANARY}.example/a"), "AfterIdent": "https://b.example/" },
        }));
        let ran = feed(towards(&server.url()).args(["tm", "put-order", "-"]), faulty.as_bytes());
        ran.fails_with(
            2,
            &[
                "putOrder",
                "was not sent",
                "\n  Email: is required",
                "T-056",
                "\n  Address.ZipCode: has 7 characters",
                "AT-45",
                "\n  IdentData.Birthdate: ",
                "T-005",
                "AfterVideo and AfterIdent exclude each other",
                "T-050",
                "docs/contract/contract.md",
            ],
        );
        assert_discreet(&ran);
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn an_ident_is_told_all_its_faults_at_once() {
        let server = listening();
        let faulty = ident(&json!({ "email": null, "birthday": CANARY, "gender": CANARY, "country": CANARY }));
        let ran = feed(towards(&server.url()).args(["identify24", "create", "-", "--reveal"]), faulty.as_bytes());
        let faults =
            ["\n  email: is required", "\n  birthday: ", "\n  gender: ", "\n  country: ", "I-043", "AI-22", "AI-27"];
        assert_discreet(ran.fails_with(2, &faults));
        assert_eq!(server.connections(), 0);
    }

    #[test]
    fn ai_19_the_documents_ident_as_printed_has_two_pdfs() {
        let file = of_workspace("crates/identify24/fixtures/S-012-ident-create-curl-body.json");
        let create = ["identify24", "create", "--reveal", file.to_str().unwrap()];
        let server = listening();
        let ran = run(towards(&server.url()).args(create));
        ran.fails_with(2, &["pdf_content", "pdf_url", "AI-19", "--allow-both-pdf-sources"]);
        assert_eq!(server.connections(), 0);

        let sandbox = Sandbox::start();
        let ran = run(sandbox.identkit().args(create).arg("--allow-both-pdf-sources"));
        assert!(ran.ends_with(0, &[]).stdout.contains("https://identify24.de/apply/"), "{ran:#?}");
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for (command, variable) in [
            (&["tm", "status", ORDER][..], "IDENTKIT_TM_BASE_URL"),
            (&["identify24", "get", IDENT], "IDENTKIT_IDENTIFY24_BASE_URL"),
        ] {
            for (url, told) in [
                ("http://example.com", "https://"),
                ("http://127.0.0.1.example.com", "https://"),
                ("example.com", "scheme"),
                ("https://user:secret-word@example.com", ""),
                ("", ""),
            ] {
                let ran = run(towards(url).args(command));
                ran.fails_with(2, &["--base-url", variable, told]);
                assert!(!ran.stderr.contains("secret-word"), "{ran:#?}");
            }
        }
    }

    #[test]
    fn missing_credentials_are_named_by_flag_and_variable() {
        let server = listening();
        for (command, flag, variable) in [
            (&["tm", "status", ORDER][..], "--customer-id", "IDENTKIT_TM_CUSTOMER_ID"),
            (&["tm", "status", ORDER], "--customer-code", "IDENTKIT_TM_CUSTOMER_CODE"),
            (&["identify24", "get", IDENT], "--partner", "IDENTKIT_IDENTIFY24_PARTNER"),
            (&["identify24", "get", IDENT], "--api-key", "IDENTKIT_IDENTIFY24_API_KEY"),
        ] {
            run(towards(&server.url()).args(command).env_remove(variable))
                .fails_with(2, &[flag, "is missing", variable]);
            run(towards(&server.url()).args(command).env(variable, "")).fails_with(2, &[flag, "is missing", variable]);
            let ran = run(towards(&server.url()).args(command).env(variable, "hush\nhush"));
            ran.fails_with(2, &[flag, "control character"]);
            assert!(!ran.stderr.contains("hush"), "{ran:#?}");
        }
        let ran = run(towards(&server.url()).args(["tm", "--customer-id", "a:b", "status", ORDER]));
        ran.fails_with(2, &["--customer-id", "colon"]);
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
            (path("empty.pem", ""), "no certificate"),
            (path("garbage.pem", "garbage"), "no certificate"),
            (path("broken.pem", broken), "cannot be used"),
        ] {
            for command in [&["tm", "status", ORDER][..], &["identify24", "get", IDENT]] {
                run(towards("https://127.0.0.1:1").args(command).args(["--ca-file", &file]))
                    .fails_with(2, &["--ca-file", &file, told]);
                run(towards("https://127.0.0.1:1").args(command).env("IDENTKIT_CA_FILE", &file))
                    .fails_with(2, &[&file]);
            }
        }
    }
}

mod what_cannot_be_reached {
    use super::*;

    #[test]
    fn nobody_listening_is_7_also_for_what_creates_since_it_was_provably_not_sent() {
        for command in [&["tm", "status", ORDER][..], &["identify24", "get", IDENT]] {
            let ran = run(towards(NOBODY).args(command).args(["--timeout", "1"]));
            ran.fails_with(7, &[NOBODY, "--base-url", "try again later"]);
        }
        let ran = run(towards(NOBODY).args(["tm", "status", ORDER]));
        ran.fails_with(7, &["no connection could be made", "refused"]);
        assert_discreet(place(NOBODY, &["--timeout", "1"]).fails_with(7, &["putOrder"]));
        assert_discreet(create(NOBODY, &["--timeout", "1"]).fails_with(7, &["ident/create"]));
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_7_at_once() {
        let sandbox = Sandbox::start();
        let relay = Relay::to(sandbox.told("/listen").trim_start_matches("https://"));
        let url = format!("https://{}", relay.address());
        for (number, command) in [&["tm", "status", ORDER][..], &["identify24", "get", IDENT]].into_iter().enumerate() {
            let ran = run(towards(&url).args(command));
            ran.fails_with(7, &["certificate is not trusted", "--ca-file", "IDENTKIT_CA_FILE"]);
            assert_eq!(relay.connections(), number + 1, "it will not be trusted at the second try either");
            assert!(ran.took < Duration::from_secs(3), "{ran:#?}");
        }
        assert_discreet(place(&url, &[]).fails_with(7, &["certificate is not trusted"]));
    }

    #[test]
    fn what_speaks_no_tls_is_7() {
        let server = Server::always(|| Then::json("200 OK", "{}"));
        let url = server.url().replace("http://", "https://");
        run(towards(&url).args(["tm", "status", ORDER, "--timeout", "1"])).fails_with(7, &["getStatus"]);
    }

    #[test]
    fn a_server_that_never_answers_is_7_for_a_read_and_6_for_what_creates() {
        let silent = Server::always(|| Then::Silence);
        let ran = run(towards(&silent.url()).args(["tm", "status", ORDER, "--timeout", "1"]));
        ran.fails_with(7, &["getStatus", "no answer came in the time given"]);
        assert!(ran.took < Duration::from_secs(3), "{ran:#?}");
        assert_eq!(silent.calls(), [format!("GET /getStatus/{ORDER}")]);

        let silent = Server::always(|| Then::Silence);
        let ran = place(&silent.url(), &["--timeout", "1"]);
        ran.fails_with(6, &["putOrder", "is not known", "do not repeat it", "by its Ref, which standard input holds"]);
        assert_discreet(&ran);
        assert!(ran.took < Duration::from_secs(3), "{ran:#?}");
        assert_eq!(silent.calls(), ["PUT /putOrder"]);

        let silent = Server::after_login(|_| Then::Silence);
        assert_discreet(create(&silent.url(), &["--timeout", "1"]).fails_with(6, &["ident/create", "is not known"]));
        assert_eq!(silent.calls(), ["POST /auth", "POST /ident/create"]);
    }

    #[test]
    fn at_77_a_connection_that_breaks_after_the_request_is_6_and_nothing_is_sent_again() {
        let closing = Server::always(|| Then::Close);
        assert_discreet(place(&closing.url(), &[]).fails_with(6, &["putOrder", "do not repeat it"]));
        assert_eq!((closing.calls(), closing.connections()), (vec!["PUT /putOrder".to_owned()], 1));

        let closing = Server::after_login(|_| Then::Close);
        assert_discreet(create(&closing.url(), &[]).fails_with(6, &["ident/create", "do not repeat it"]));
        assert_eq!(closing.calls(), ["POST /auth", "POST /ident/create"]);
    }

    #[test]
    fn at_19_an_order_without_a_ref_goes_out_with_one_that_is_told_when_the_answer_is_lost() {
        let closing = Server::always(|| Then::Close);
        let nameless = order(&json!({ "Ref": null }));
        let ran = feed(towards(&closing.url()).args(["tm", "put-order", "-"]), nameless.as_bytes());
        ran.fails_with(6, &["went out with the Ref identkit-"]);
        let sent: Value = serde_json::from_str(&closing.seen()[0].body).unwrap();
        assert!(ran.stderr.contains(sent["Ref"].as_str().unwrap()), "{ran:#?}");
    }

    #[test]
    fn a_login_that_fails_leaves_nothing_unknown() {
        for then in [|| Then::Close, || Then::Silence, || Then::json("500 Internal Server Error", "{}")] {
            let server = Server::always(then);
            assert_discreet(create(&server.url(), &["--timeout", "1"]).fails_with(7, &["ident/create"]));
            assert!(server.calls().iter().all(|call| call == "POST /auth"), "{:?}", server.calls());
        }
    }

    #[test]
    fn a_server_error_is_7_for_a_read_and_6_for_what_creates() {
        let failing = Server::always(|| Then::json("500 Internal Server Error", r#"{"Error":"Mustermann"}"#));
        let ran = run(towards(&failing.url()).args(["tm", "status", ORDER, "--timeout", "1"]));
        ran.fails_with(7, &["getStatus", "HTTP 500"]);
        let failing = Server::always(|| Then::json("503 Service Unavailable", r#"{"Error":"Mustermann"}"#));
        let ran = place(&failing.url(), &[]);
        assert_discreet(ran.fails_with(6, &["putOrder", "HTTP 503", "is not known"]));
        assert!(!ran.stderr.contains("Mustermann"), "{ran:#?}");
        assert_eq!(failing.calls(), ["PUT /putOrder"]);
    }
}

mod what_cannot_be_understood {
    use super::*;

    #[test]
    fn a_web_page_instead_of_an_answer_is_1() {
        let portal = Server::always(|| Then::answer("200 OK", "text/html", "<html>Mustermann, log in</html>"));
        let ran = run(towards(&portal.url()).args(["tm", "status", ORDER]));
        ran.fails_with(1, &["getStatus", "cannot be read", "not valid JSON", &portal.url()]);
        assert!(!ran.stderr.contains("Mustermann"), "{ran:#?}");
        assert_told_for_people(&ran);
        let portal = Server::after_login(|_| Then::answer("200 OK", "text/html", "<html>Mustermann, log in</html>"));
        let ran = run(towards(&portal.url()).args(["identify24", "get", IDENT]));
        ran.fails_with(1, &["ident/get", "cannot be read"]);
        assert!(!ran.stderr.contains("Mustermann"), "{ran:#?}");
    }

    #[test]
    fn a_success_that_cannot_be_read_leaves_the_outcome_unknown() {
        for body in ["<html></html>", "{}", r#"{"Error":"Mustermann"}"#, "[]", ""] {
            let server = Server::start(move |_| Then::json("202 Accepted", body));
            let ran = place(&server.url(), &[]);
            assert_discreet(ran.fails_with(6, &["putOrder", "by its Ref"]));
            assert!(!ran.stderr.contains("Mustermann"), "{ran:#?}");
            assert_eq!(server.calls(), ["PUT /putOrder"]);
        }
        // A good status that the document does not list is no proof of the contrary.
        let server = Server::always(|| Then::json("200 OK", "{}"));
        assert_discreet(place(&server.url(), &[]).fails_with(6, &["putOrder", "HTTP 200"]));
        let server = Server::after_login(|_| Then::json("200 OK", "<html></html>"));
        assert_discreet(create(&server.url(), &[]).fails_with(6, &["ident/create"]));
    }

    #[test]
    fn at_87_a_redirect_is_never_followed() {
        let elsewhere = Server::always(|| Then::json("200 OK", "{}"));
        let target = elsewhere.url();
        let redirecting = Server::start(move |seen| {
            let path = &seen.path;
            Then::Answer(format!("HTTP/1.1 302 Found\r\nLocation: {target}{path}\r\nContent-Length: 0\r\n\r\n"))
        });
        let ran = run(towards(&redirecting.url()).args(["tm", "status", ORDER]));
        ran.fails_with(1, &["getStatus", "redirects", "HTTP 302"]);
        assert_discreet(place(&redirecting.url(), &[]).fails_with(1, &["putOrder", "redirects"]));
        run(towards(&redirecting.url()).args(["identify24", "get", IDENT])).fails_with(1, &["redirects"]);
        assert_eq!(elsewhere.connections(), 0);
        assert_eq!(redirecting.calls(), [&format!("GET /getStatus/{ORDER}"), "PUT /putOrder", "POST /auth"]);
    }

    #[test]
    fn what_the_document_does_not_list_is_read_all_the_same() {
        let mut status = json_sample("identity-tm/fixtures/S-040-get-status-response.json");
        status["Status"] = json!([{ "Kind": 4711, "Time": "soon", "Text": "\u{1b}[31mred" }, { "Kind": 89 }]);
        status["More"] = json!({ "kept": true });
        let body = status.to_string();
        let server = Server::start(move |_| Then::json("200 OK", &body));
        let ran = run(towards(&server.url()).args(["tm", "status", ORDER, "--extended"]));
        ran.ends_with(0, &[]);
        assert!(ran.stdout.contains("4711") && ran.stdout.contains("Verdict: suspicion of fraud, final"), "{ran:#?}");
        assert!(!ran.stdout.contains('\u{1b}'), "{ran:#?}");
        let ran = run(towards(&server.url()).args(["tm", "status", ORDER, "--extended", "--output", "json"]));
        assert_eq!(ran.ends_with(0, &[]).json()["More"], json!({ "kept": true }));
    }
}
