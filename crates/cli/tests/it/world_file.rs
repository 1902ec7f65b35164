//! A world that is kept in a file from one run of `identkit sandbox` to the next.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{Sandbox, Vendor, assert_for_its_owner_only, identkit, names, run};
use crate::world_file_on_the_way::{saved, world};
use serde_json::json;

fn place(sandbox: &Sandbox) -> String {
    sandbox.place(&json!({ "WebhookURL": { "OnFinal": "http://127.0.0.1:9/OnFinal" } }))
}

/// Ends it as it is meant to be, and asserts that it said just this.
#[track_caller]
fn end(sandbox: Sandbox, signal: &str, said: &str) {
    let ran = sandbox.end(signal);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", said), "SIG{signal}");
}

#[test]
fn a_world_goes_on_where_it_was_saved_with_its_orders_and_its_timers() {
    for signal in ["TERM", "INT", "HUP"] {
        let (folder, file) = world();
        let first = Sandbox::of_file(&file, &["--clock", "frozen", "--seed", "7", "--profile", "strict"]);
        assert_eq!(first.told("/world/file"), file.to_str().unwrap());
        let id = place(&first);
        first.play(&id, "positive");
        let next = first.ask("clock/advance", Some(r#"{"seconds":100}"#))["next_due"].clone();
        let (order, deliveries) = (first.ask(&format!("orders/{id}"), None), first.ask("deliveries", None));
        end(first, signal, "");
        assert_eq!(names(folder.path()), ["world.json"], "and no temporary file");
        assert_for_its_owner_only(&file);

        let second = Sandbox::of_file(&file, &["--clock", "frozen"]);
        assert_eq!(second.told("/world/now"), "2020-09-10T12:01:40Z");
        assert_eq!(second.ask(&format!("orders/{id}"), None), order);
        assert_eq!(second.ask("deliveries", None), deliveries);
        let fired = second.ask("clock/run-to-next", Some(""));
        assert_eq!(fired["now"], next);
        assert_eq!((&fired["fired"][1]["kind"], &fired["fired"][1]["number"]), (&json!("attempt"), &json!(3)));
        let status = second.json(&format!("tm status {id}"));
        assert_eq!(status["identkit"]["verdict"]["if_identification"], "positive");
        // What happened in the second run is there in the third one.
        let more = place(&second);
        end(second, signal, "");
        let third = Sandbox::of_file(&file, &[]);
        assert_eq!(third.told("/world/clock"), "real", "how time goes on is the option's");
        third.ask(&format!("orders/{more}"), None);
        third.ask(&format!("orders/{id}"), None);
    }
}

#[test]
fn options_that_a_world_from_a_file_has_no_use_for_are_told_in_a_line() {
    let (_folder, file) = world();
    let all = ["--seed", "7", "--start", "2020-09-10T12:00:00Z", "--profile", "strict", "--clock", "frozen"];
    end(Sandbox::of_file(&file, &all), "TERM", "");
    let own = "goes on with its own time (2020-09-10T12:00:00Z), seed (7) and profile (strict)\n";
    for (options, named) in [
        // Also where they say what is in the file: it is the file's all the same.
        (&all[..], "--seed, --start and --profile have no effect"),
        (&["--clock", "frozen", "--profile", "literal"], "--profile has no effect"),
        (&["--clock", "frozen", "--start", "2031-01-01T00:00:00Z", "--seed", "0"], "--seed and --start have no effect"),
        (&["--clock", "frozen"], ""),
    ] {
        let sandbox = Sandbox::of_file(&file, options);
        let world = &sandbox.ready["world"];
        let told = (&world["now"], &world["seed"], &world["profile"]);
        assert_eq!(told, (&json!("2020-09-10T12:00:00Z"), &json!(7), &json!("strict")));
        let said = format!("warning: {named}: the world in {} {own}", file.display());
        end(sandbox, "TERM", if named.is_empty() { "" } else { &said });
    }
}

#[test]
fn the_default_world_is_saved_as_it_is_at_the_end_also_when_another_one_took_its_place() {
    let (_folder, file) = world();
    let sandbox = Sandbox::of_file(&file, &["--clock", "frozen"]);
    place(&sandbox);
    sandbox.ask("reset", Some(""));
    // The first one has the id of the one before: the seed is the same.
    place(&sandbox);
    let id = place(&sandbox);
    end(sandbox, "TERM", "");
    let again = Sandbox::of_file(&file, &[]);
    again.ask(&format!("orders/{id}"), None);
}

#[test]
fn a_file_that_is_damaged_is_refused_and_left_as_it_is() {
    let (folder, file) = world();
    end(Sandbox::of_file(&file, &[]), "TERM", "");
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
        let ran = run(identkit().arg("sandbox").arg("--world-file").arg(&file));
        ran.fails_with(2, &["--world-file", file.to_str().unwrap(), words, "left as it is"]);
        assert!(!ran.stderr.contains("Kanarienvogel"), "{ran:#?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), damaged);
        assert_eq!(names(folder.path()), ["world.json"]);
    }
}

#[test]
fn a_place_where_nothing_can_be_saved_is_told_before_anything_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere/world.json");
    let dangling = folder.path().join("dangling");
    symlink(&nowhere, &dangling).unwrap();
    for path in [folder.path(), &nowhere, &dangling, Path::new("/dev/null")] {
        let ran = run(identkit().arg("sandbox").arg("--world-file").arg(path));
        ran.fails_with(2, &["--world-file", path.to_str().unwrap(), "cannot be used"]);
    }
    assert_eq!(names(folder.path()), ["dangling"]);
}

#[test]
fn a_link_leads_to_the_file_and_stays_a_link() {
    let (folder, file) = world();
    let link = folder.path().join("link");
    end(Sandbox::of_file(&file, &[]), "TERM", "");
    symlink(&file, &link).unwrap();
    let sandbox = Sandbox::of_file(&link, &[]);
    let id = place(&sandbox);
    end(sandbox, "TERM", "");
    assert!(link.is_symlink());
    Sandbox::of_file(&file, &[]).ask(&format!("orders/{id}"), None);
}

#[test]
fn a_world_that_cannot_be_saved_at_the_end_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let sandbox = Sandbox::of_file(&inside.join("world.json"), &[]);
    std::fs::remove_dir_all(&inside).unwrap();
    sandbox.end("TERM").ends_with(1, &["error: the world could not be saved to ", "world.json"]);
}

#[test]
fn two_sandboxes_never_use_the_same_file_and_the_second_one_says_who_has_it() {
    let (folder, file) = world();
    let first = Sandbox::of_file(&file, &[]);
    let id = place(&first);
    let link = folder.path().join("link");
    for path in [&file, &link] {
        if path == &link {
            // What the link leads to has to be there, which it is once the world was saved.
            std::fs::write(&file, "").unwrap();
            symlink(&file, &link).unwrap();
        }
        let ran = run(identkit().arg("sandbox").arg("--world-file").arg(path));
        let holder = format!("another process ({})", first.id());
        ran.fails_with(2, &["--world-file", path.to_str().unwrap(), "cannot be used", &holder, "world.json.lock"]);
    }
    end(first, "TERM", "");
    assert_eq!(names(folder.path()), ["link", "world.json"], "the lock goes with who had it");
    Sandbox::of_file(&file, &[]).ask(&format!("orders/{id}"), None);
}

#[test]
fn a_sandbox_that_is_killed_loses_little_and_keeps_nobody_out() {
    let (folder, file) = world();
    let first = Sandbox::of_file(&file, &[]);
    let id = place(&first);
    saved(&file, &id);
    first.end("KILL");
    let second = Sandbox::of_file(&file, &[]);
    second.ask(&format!("orders/{id}"), None);
    end(second, "TERM", "");
    assert_eq!(names(folder.path()), ["world.json"]);
}

#[test]
fn a_webhook_that_cannot_be_called_and_a_name_that_is_none_are_told_before_anything_is_begun() {
    for (flag, value, told) in [
        ("--identify24-webhook", "nonsense", "begins with https:// or http://"),
        ("--identify24-webhook", "http://", "begins with https:// or http://"),
        ("--identify24-webhook", "http://127.0.0.1/a b", "begins with https:// or http://"),
        ("--tls-name", "a b", "a host name or an address"),
        ("--tls-name", "", "a host name or an address"),
        ("--tls-name", "a..b", "a host name or an address"),
    ] {
        run(identkit().args(["sandbox", flag, value])).fails_with(2, &[flag, told]);
    }
}
