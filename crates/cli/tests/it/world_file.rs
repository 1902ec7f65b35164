//! Worlds that `identkit sandbox` saves to a file and continues in the next run.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::autosave::{wait_until_saved, world};
use crate::support::{Sandbox, Vendor, assert_private, identkit, names, run};
use serde_json::json;

fn place(sandbox: &Sandbox) -> String {
    sandbox.place(&json!({ "WebhookURL": { "OnFinal": "http://127.0.0.1:9/OnFinal" } }))
}

/// Stops the sandbox with a signal, and asserts success and exactly this standard error.
#[track_caller]
fn end(sandbox: Sandbox, signal: &str, stderr: &str) {
    let result = sandbox.end(signal);
    assert_eq!((result.code, result.stdout.as_str(), result.stderr.as_str()), (Some(0), "", stderr), "SIG{signal}");
}

#[test]
fn a_saved_world_continues_with_its_orders_and_timers() {
    for signal in ["TERM", "INT", "HUP"] {
        let (folder, file) = world();
        let first = Sandbox::with_world_file(&file, &["--clock", "frozen", "--seed", "7", "--profile", "strict"]);
        assert_eq!(first.ready_text("/world/file"), file.to_str().unwrap());
        let id = place(&first);
        first.play(&id, "positive");
        let next = first.ask("clock/advance", Some(r#"{"seconds":100}"#))["next_due"].clone();
        let (order, deliveries) = (first.ask(&format!("orders/{id}"), None), first.ask("deliveries", None));
        end(first, signal, "");
        assert_eq!(names(folder.path()), ["world.json"], "and no temporary file");
        assert_private(&file);

        let second = Sandbox::with_world_file(&file, &["--clock", "frozen"]);
        assert_eq!(second.ready_text("/world/now"), "2020-09-10T12:01:40Z");
        assert_eq!(second.ask(&format!("orders/{id}"), None), order);
        assert_eq!(second.ask("deliveries", None), deliveries);
        let fired = second.ask("clock/run-to-next", Some(""));
        assert_eq!(fired["now"], next);
        assert_eq!((&fired["fired"][1]["kind"], &fired["fired"][1]["number"]), (&json!("attempt"), &json!(3)));
        let status = second.json(&format!("tm finality {id}"));
        assert_eq!(status["identkit"]["verdict"]["if_identification"], "positive");
        // The third run has the orders of the second.
        let more = place(&second);
        end(second, signal, "");
        let third = Sandbox::with_world_file(&file, &[]);
        assert_eq!(third.ready_text("/world/clock"), "real", "the option sets the clock mode");
        third.ask(&format!("orders/{more}"), None);
        third.ask(&format!("orders/{id}"), None);
    }
}

#[test]
fn options_that_a_saved_world_ignores_give_a_warning() {
    let (_folder, file) = world();
    let all = ["--seed", "7", "--start", "2020-09-10T12:00:00Z", "--profile", "strict", "--clock", "frozen"];
    end(Sandbox::with_world_file(&file, &all), "TERM", "");
    let own = "keeps its time (2020-09-10T12:00:00Z), seed (7) and profile (strict)\n";
    for (options, named) in [
        // Even if the values are equal.
        (&all[..], "--seed, --start and --profile have no effect"),
        (&["--clock", "frozen", "--profile", "literal"], "--profile has no effect"),
        (&["--clock", "frozen", "--start", "2031-01-01T00:00:00Z", "--seed", "0"], "--seed and --start have no effect"),
        (&["--clock", "frozen"], ""),
    ] {
        let sandbox = Sandbox::with_world_file(&file, options);
        let world = &sandbox.ready["world"];
        let output = (&world["now"], &world["seed"], &world["profile"]);
        assert_eq!(output, (&json!("2020-09-10T12:00:00Z"), &json!(7), &json!("strict")));
        let warning = format!("warning: {named}: the world in {} {own}", file.display());
        end(sandbox, "TERM", if named.is_empty() { "" } else { &warning });
    }
}

#[test]
fn after_a_reset_the_new_default_world_is_saved() {
    let (_folder, file) = world();
    let sandbox = Sandbox::with_world_file(&file, &["--clock", "frozen"]);
    place(&sandbox);
    sandbox.ask("reset", Some(""));
    // The first order has the same id as before the reset, because the seed is the same.
    place(&sandbox);
    let id = place(&sandbox);
    end(sandbox, "TERM", "");
    let again = Sandbox::with_world_file(&file, &[]);
    again.ask(&format!("orders/{id}"), None);
}

#[test]
fn a_damaged_file_is_rejected_and_not_changed() {
    let (folder, file) = world();
    end(Sandbox::with_world_file(&file, &[]), "TERM", "");
    let whole = std::fs::read_to_string(&file).unwrap();
    let (half, _) = whole.split_at(whole.len() / 2);
    let other_version = whole.replacen("\"identkit_world\":2", "\"identkit_world\":99", 1);
    assert_ne!(other_version, whole);
    let wrong = whole.replacen("\"profile\":\"literal\"", "\"profile\":\"Kanarienvogel\"", 1);
    assert_ne!(wrong, whole);
    for (damaged, words) in [
        ("", "invalid or incomplete JSON"),
        (half, "invalid or incomplete JSON"),
        ("{}", "not a saved world"),
        (&*other_version, "version 99"),
        (&*wrong, "/profile"),
    ] {
        std::fs::write(&file, damaged).unwrap();
        let result = run(identkit().arg("sandbox").arg("--world-file").arg(&file));
        result.fails_with(2, &["--world-file", file.to_str().unwrap(), words, "was not changed"]);
        assert!(!result.stderr.contains("Kanarienvogel"), "{result:#?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), damaged);
        assert_eq!(names(folder.path()), ["world.json"]);
    }
}

#[test]
fn an_unusable_world_file_is_rejected_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere/world.json");
    let dangling = folder.path().join("dangling");
    symlink(&nowhere, &dangling).unwrap();
    for path in [folder.path(), &nowhere, &dangling, Path::new("/dev/null")] {
        let result = run(identkit().arg("sandbox").arg("--world-file").arg(path));
        result.fails_with(2, &["--world-file", path.to_str().unwrap(), "cannot be used"]);
    }
    assert_eq!(names(folder.path()), ["dangling"]);
}

#[test]
fn a_link_is_followed_and_stays_a_link() {
    let (folder, file) = world();
    let link = folder.path().join("link");
    end(Sandbox::with_world_file(&file, &[]), "TERM", "");
    symlink(&file, &link).unwrap();
    let sandbox = Sandbox::with_world_file(&link, &[]);
    let id = place(&sandbox);
    end(sandbox, "TERM", "");
    assert!(link.is_symlink());
    Sandbox::with_world_file(&file, &[]).ask(&format!("orders/{id}"), None);
}

#[test]
fn a_failed_save_at_the_end_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let sandbox = Sandbox::with_world_file(&inside.join("world.json"), &[]);
    std::fs::remove_dir_all(&inside).unwrap();
    sandbox.end("TERM").ends_with(1, &["error: cannot save the world to ", "world.json"]);
}

#[test]
fn a_second_sandbox_on_the_same_file_names_the_first() {
    let (folder, file) = world();
    let first = Sandbox::with_world_file(&file, &[]);
    let id = place(&first);
    let link = folder.path().join("link");
    for path in [&file, &link] {
        if path == &link {
            // The target of the link must exist; the sandbox would create it with its first save.
            std::fs::write(&file, "").unwrap();
            symlink(&file, &link).unwrap();
        }
        let result = run(identkit().arg("sandbox").arg("--world-file").arg(path));
        let holder = format!("another process ({})", first.id());
        result.fails_with(2, &["--world-file", path.to_str().unwrap(), "cannot be used", &holder, "world.json.lock"]);
    }
    end(first, "TERM", "");
    assert_eq!(names(folder.path()), ["link", "world.json"], "the lock file is removed");
    Sandbox::with_world_file(&file, &[]).ask(&format!("orders/{id}"), None);
}

#[test]
fn a_killed_sandbox_loses_little_and_blocks_no_other() {
    let (folder, file) = world();
    let first = Sandbox::with_world_file(&file, &[]);
    let id = place(&first);
    wait_until_saved(&file, &id);
    first.end("KILL");
    let second = Sandbox::with_world_file(&file, &[]);
    second.ask(&format!("orders/{id}"), None);
    end(second, "TERM", "");
    assert_eq!(names(folder.path()), ["world.json"]);
}

#[test]
fn an_invalid_webhook_url_or_host_name_is_2() {
    for (flag, value, expected) in [
        ("--identify24-webhook", "nonsense", "begins with https:// or http://"),
        ("--identify24-webhook", "http://", "must have a host"),
        ("--identify24-webhook", "http://127.0.0.1/a b", "must be a valid URL"),
        ("--tls-name", "a b", "a host name or an address"),
        ("--tls-name", "", "a host name or an address"),
        ("--tls-name", "a..b", "a host name or an address"),
        ("--tls-name", "*.example.com", "a host name or an address"),
        ("--tls-name", "999.1.1.1", "a host name or an address"),
    ] {
        run(identkit().args(["sandbox", flag, value])).fails_with(2, &[flag, expected]);
    }
}
