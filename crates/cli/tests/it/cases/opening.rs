//! `identkit case open`.

use super::*;
use crate::support::{Reply, Server, Vendor as _, file, ident};

fn neutral() -> Value {
    json!({
        "purpose": "identification",
        "reference": "B-1",
        "project": "6",
        "person": {
            "given_names": "Erika", "family_name": "Mustermann", "birth_date": "1964-08-12", "birthplace": "Berlin",
            "nationality": "DE", "gender": "female", "email": "e.mustermann@example.com", "mobile": "+491711234567",
            "address": {
                "street": "Heidestr.", "house_number": "17", "postal_code": "51147", "city": "Köln", "country": "DE",
            },
        },
    })
}

fn neutral_without_project() -> Value {
    let mut case = neutral();
    case.as_object_mut().unwrap().remove("project");
    case
}

#[test]
fn the_neutral_form_opens_at_both_vendors() {
    let service = Service::new();
    for provider in ["tm", "identity-tm", "identify24"] {
        let mut case = neutral();
        case["reference"] = format!("B-{provider}").into();
        if provider != "identify24" {
            case.as_object_mut().unwrap().remove("project");
        }
        let opened = service.open(provider, &case.to_string());
        assert_eq!((&opened["state"], &opened["reference"]), (&"open".into(), &case["reference"]), "{opened}");
        assert!(opened["person_url"].is_string(), "{opened}");
    }
}

#[test]
fn at_85_a_reference_is_used_once() {
    let service = Service::new();
    let first = service.open_order(&json!({ "Ref": "A-1" }));
    assert_eq!(first["reference"], "A-1");
    let open = |more: &str| {
        feed(
            &mut service.command(&format!("case open - --provider tm{more}")),
            order(&json!({ "Ref": "A-1" })).as_bytes(),
        )
    };
    open("").fails_with(2, &["nothing was sent", "--reference"]);
    open(" --reference A-2").ends_with(0, &[]).shows(&["A-2"]);
    assert_eq!(service.calls("putOrder"), 2);
}

#[test]
fn a_mistake_uses_up_no_reference() {
    let service = Service::new();
    for input in [order(&json!({ "Ref": "A-1", "Product": null })), {
        let mut case = neutral();
        case["reference"] = "A-1".into();
        case["person"]["address"]["country"] = "Germany".into();
        case.as_object_mut().unwrap().remove("project");
        case.to_string()
    }] {
        let run = feed(&mut service.command("case open - --provider tm"), input.as_bytes());
        run.fails_with(2, &[]).logs_none_of(&PERSONS);
    }
    assert_eq!(service.calls("putOrder"), 0);
    service.open_order(&json!({ "Ref": "A-1" }));
}

#[test]
fn a_reference_that_breaks_a_rule_stores_no_case() {
    let service = Service::new();
    for input in [order(&json!({})), neutral_without_project().to_string()] {
        for reference in ["x".repeat(101), "a\tb".to_owned()] {
            let mut command = service.command("case open - --provider tm --reference");
            let run = feed(command.arg(&reference), input.as_bytes());
            run.fails_with(2, &[]).logs_none_of(&PERSONS);
        }
    }
    // The list fails if no command has created the store.
    drop(service.open_order(&json!({ "Ref": "A-1" })));
    assert_eq!(service.json("case list").as_array().unwrap().len(), 1);
}

#[test]
fn i_080_a_redirect_that_the_vendor_lacks_is_exit_code_2() {
    let service = Service::new();
    for name in ["redirect_success", "redirect_abort"] {
        let mut case = neutral();
        case[name] = "https://example.com/end".into();
        let run = feed(&mut service.command("case open - --provider identify24"), case.to_string().as_bytes());
        run.fails_with(2, &["redirect_success", "nothing was sent"]);
    }
    service.open("identify24", &neutral().to_string());
}

#[test]
fn ai_28_an_unknown_outcome_is_6_and_names_the_case() {
    let service = Service::new();
    service
        .sandbox
        .ask("faults", Some(&json!({ "operation": "ident/create", "fault": "reset-after-commit" }).to_string()));
    let line = "case open - --provider identify24 --output json";
    let run = feed(&mut service.command(line), ident(&json!({ "custom_id": "A-1" })).as_bytes());
    run.ends_with(6, &["case explain 1"]).logs_none_of(&PERSONS);
    let opened = run.json();
    assert_eq!((&opened["case"], &opened["state"], &opened["vendor_id"]), (&1.into(), &"unknown".into(), &Value::Null));
    // The vendor has no list, so a person must decide.
    let status = service.status(&opened);
    assert_eq!(status["state"], "unknown");
    service.run("case adopt A-1 --vendor-id ../x").fails_with(2, &["--any-id"]);
    assert_eq!(service.status(&opened)["state"], "unknown");
    let adopted = service.json("case adopt A-1 --vendor-id xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    assert_eq!(adopted["state"], "open", "{adopted}");
}

#[test]
fn a_case_of_unknown_outcome_is_closed_with_a_reason() {
    let service = Service::new();
    let fault = json!({ "operation": "ident/create", "fault": "reset-after-commit" });
    service.sandbox.ask("faults", Some(&fault.to_string()));
    let run = feed(&mut service.command("case open - --provider identify24"), ident(&json!({})).as_bytes());
    run.ends_with(6, &[]);
    let mut command = service.command("case close 1 --output json");
    let closed = crate::support::run(command.args(["--reason", "the portal does not show it"]));
    let closed = closed.ends_with(0, &[]).json();
    assert_eq!(closed["state"], "closed");
    assert!(closed["why"].as_str().unwrap().contains("the portal does not show it"), "{closed}");
    // An open case whose vendor has it.
    let case = service.open_order(&json!({}));
    service.run(&format!("case close {}", case["case"])).fails_with(2, &["the vendor has lost", "nothing was sent"]);
}

#[test]
fn at_02_a_lost_response_is_found_by_the_reference() {
    let service = Service::new();
    service.sandbox.ask("faults", Some(&json!({ "operation": "putOrder", "fault": "reset-after-commit" }).to_string()));
    let run = feed(&mut service.command("case open - --provider tm --output json"), order(&json!({})).as_bytes());
    let opened = run.ends_with(6, &[]).json();
    assert_eq!(opened["state"], "unknown");
    let running = service.start(&[]);
    // The first search is due a minute later.
    service.run(&format!("case retry {}", opened["case"])).ends_with(0, &[]);
    let status = service.becomes(&opened, "open");
    assert!(status["vendor_id"].is_string(), "{status}");
    assert_eq!(service.calls("putOrder"), 1, "never a second order");
    running.end("TERM");
}

#[test]
fn a_rejected_case_is_closed_with_the_vendors_reason() {
    let service = Service::new();
    let server = Server::json("400 Bad Request", "{}");
    let mut command = server.command("case open - --provider tm --store");
    let run = feed(command.arg(service.store()), order(&json!({ "Ref": "A-1" })).as_bytes());
    run.ends_with(5, &["case 1 is in the store"]);
    let status = service.json("case status A-1");
    assert_eq!(status["state"], "closed");
    assert!(status["why"].as_str().unwrap().contains("has not opened"), "{status}");
}

#[test]
fn a_closed_standard_output_loses_no_case() {
    let service = Service::new();
    let input = file(&service.folder, "order.json", &order(&json!({})));
    let line = format!("case open {input} --provider tm");
    let mut shell = crate::support::clean_command("sh");
    let command = service.command(&line);
    shell.args(["-c", "exec \"$@\" >/dev/full", "sh"]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(&mut shell).ends_with(1, &["case 1 is open, and the store has it"]);
    assert!(service.json("case status 1")["person_url"].is_string());
}

#[test]
fn the_running_receiver_gets_the_webhook() {
    let service = Service::new();
    let running = service.start(&["--webhook-base", "http://hooks.example.com"]);
    let url = |case: &Value| {
        let newest = &service.sandbox.ask("journal?operation=putOrder&limit=1", None)["requests"][0];
        assert!(newest.to_string().contains(case["vendor_id"].as_str().unwrap()), "{newest}");
        newest.to_string()
    };
    // The example has a webhook of its own.
    for (option, expected, note) in [
        ("", "hooks.example.com/identity-tm/", "in place of"),
        (" --webhook-base http://other.example.com", "other.example.com/identity-tm/", "in place of"),
        (" --keep-webhook", "webhook.site", ""),
    ] {
        let line = format!("case open - --provider tm --output json{option}");
        let input = order(&json!({ "Ref": null }));
        let case = feed(&mut service.command(&line), input.as_bytes()).ends_with(0, &[note]).json();
        assert!(url(&case).contains(expected), "{option}: {}", url(&case));
    }
    let long = format!("case open - --provider tm --webhook-base http://{}.example.com", "x".repeat(60));
    feed(&mut service.command(&long), order(&json!({})).as_bytes()).fails_with(2, &["--webhook-base", "AT-21"]);
    running.end("TERM");
}

/// Begins to open a case whose response comes late, and waits until the vendor has the order.
fn open_slowly(service: &Service, input: &str) -> Child {
    let fault = json!({ "operation": "putOrder", "fault": "latency", "seconds": 30 });
    service.sandbox.ask("faults", Some(&fault.to_string()));
    let mut command = service.command(&format!("case open {input} --provider tm --lease 4s"));
    let stderr = std::fs::File::create(service.folder.path().join("stderr")).unwrap();
    let child = command.stdout(std::process::Stdio::null()).stderr(stderr).spawn().unwrap();
    let began = Instant::now();
    while service.sandbox.ask("orders", None)["orders"].as_array().is_none_or(Vec::is_empty) {
        assert!(began.elapsed() < HANGS, "the vendor gets the order");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

#[test]
fn at_02_a_killed_opening_is_found_and_not_repeated() {
    for signal in ["KILL", "INT"] {
        let service = Service::new();
        let input = file(&service.folder, "order.json", &order(&json!({ "Ref": "A-1" })));
        let mut child = open_slowly(&service, &input);
        send(signal, child.id());
        let code = child.wait().unwrap().code();
        assert_eq!(code, if signal == "INT" { Some(130) } else { None });
        let stderr = std::fs::read_to_string(service.folder.path().join("stderr")).unwrap();
        assert_eq!(stderr.contains("may have opened case 1"), signal == "INT", "{stderr}");
        let status = service.json("case status A-1");
        assert_eq!(status["state"], "intended", "{status}");

        let running = service.start(&["--lease", "4s"]);
        service.becomes(&status, "unknown");
        // The first search is due a minute later.
        service.run("case retry A-1 --lease 4s").ends_with(0, &[]);
        service.becomes(&status, "open");
        assert_eq!(service.calls("putOrder"), 1, "never a second order");
        running.end("TERM");
    }
}

#[test]
fn at_97_the_response_to_an_opening_is_recorded() {
    for (provider, response) in [
        ("tm", r#"{"Ref":"A-1","TargetURL":"https://example.com/t"}"#),
        ("identify24", r#"{"result":true,"data":{"id":"abc-1"},"conference_url":"https://example.com/t"}"#),
    ] {
        let server = Server::after_login(move |_| Reply::json("200 OK", response));
        let folder = tempfile::tempdir().unwrap();
        let input = if provider == "tm" { order(&json!({ "Ref": "A-1" })) } else { ident(&json!({})) };
        let input = file(&folder, "case.json", &input);
        let store = format!("sqlite:{}", folder.path().join("state.db").display());
        let command = |line: &str| {
            let mut command = server.command(line);
            command.env("IDENTKIT_STORE", &store).env("IDENTKIT_STATE_DIR", folder.path().join("state"));
            command
        };
        let open = format!(
            "case open {input} --provider {provider} --tm-base-url {0} --identify24-base-url {0}",
            server.url()
        );
        run(&mut command(&open)).ends_with(6, &["identkit state show", "case 1 is in the store as unknown"]);
        let records = run(&mut command("state list --output json")).json();
        let name = records["records"][0]["name"].as_str().unwrap();
        assert_eq!(records["records"][0]["state"], "unknown", "{records}");
        assert_eq!(run(&mut command(&format!("state show {name} --body"))).stdout, response);
    }
}

#[test]
fn at_45_a_rejected_order_names_the_option_of_this_command() {
    let service = Service::new();
    let long = order(&json!({ "Ref": "A-1", "Address": { "ZipCode": "1234567" } }));
    let open = |more: &str, input: &str| {
        feed(&mut service.command(&format!("case open - --provider tm{more}")), input.as_bytes())
    };
    open("", &long).fails_with(2, &["AT-45", "(--tm-dialect long-zip-codes allows"]);
    let mut case = neutral();
    case["person"]["address"]["postal_code"] = "1234567".into();
    case.as_object_mut().unwrap().remove("project");
    open("", &case.to_string()).fails_with(2, &["AT-45", "(--tm-dialect long-zip-codes allows"]);
    // It is sent; the sandbox has its own rule.
    open(" --tm-dialect long-zip-codes", &long).ends_with(5, &[]);
    assert_eq!(service.calls("putOrder"), 1);
}

#[test]
fn at_71_signed_data_from_a_file_are_sent_with_a_case() {
    let service = Service::new();
    let signed = file(&service.folder, "signed", "\"b3BhcXVlLXNpZ25lZA==\"");
    let open = |provider: &str, input: &str| {
        let line = format!("case open - --provider {provider} --ident-data-signed {signed}");
        feed(&mut service.command(&line), input.as_bytes())
    };
    let mut case = neutral();
    open("identify24", &ident(&json!({}))).fails_with(2, &["--ident-data-signed", "nothing was sent"]);
    open("tm", &case.to_string()).fails_with(2, &["--ident-data-signed", "the vendor's own format"]);
    case.as_object_mut().unwrap().remove("project");
    assert_eq!(service.calls("putOrder"), 0);
    let both = order(&json!({ "IdentDataSigned": "in the order" }));
    open("tm", &both).fails_with(2, &["are both given"]);
    // The sandbox has not made these data, so that it rejects the order: it was sent with them.
    open("tm", &order(&json!({ "Ref": "A-7" }))).logs_none_of(&["b3Bh"]);
    assert_eq!(service.calls("putOrder"), 1);
    let journal = service.sandbox.ask("journal?operation=putOrder", None).to_string();
    assert!(journal.contains("b3BhcXVlLXNpZ25lZA=="), "{journal}");
}
