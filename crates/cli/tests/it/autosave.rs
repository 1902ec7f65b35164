//! The world file of `identkit sandbox` while it runs, and its lock file.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{HANGS, PROGRAM, Sandbox, clean_command, identkit, names, run, send};
use serde_json::json;
use tempfile::TempDir;

/// A new directory and the path of a world file in it.
pub(crate) fn world() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.json");
    (folder, file)
}

/// Waits until the sandbox has saved this text on its own.
#[track_caller]
pub(crate) fn wait_until_saved(file: &Path, words: &str) {
    let began = Instant::now();
    while !std::fs::read_to_string(file).is_ok_and(|saved| saved.contains(words)) {
        assert!(began.elapsed() < HANGS, "{words} is never saved");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn advanced_time_is_saved_even_if_nothing_was_due() {
    for (mode, at_first, seconds, later) in [
        ("--clock=frozen", "2020-09-10T12:00:00Z", 86_400, "\"2020-09-11T12:00:00Z\""),
        // A running clock.
        ("--start=2020-09-10T12:00:00Z", "\"2020-09-10T12:0", 604_800, "\"2020-09-17T12:0"),
    ] {
        let (_folder, file) = world();
        let sandbox = Sandbox::with_world_file(&file, &[mode]);
        wait_until_saved(&file, at_first);
        let advanced = sandbox.ask("clock/advance", Some(&json!({ "seconds": seconds }).to_string()));
        assert_eq!(advanced["fired"], json!([]));
        wait_until_saved(&file, later);
        sandbox.end("KILL");
        let again = Sandbox::with_world_file(&file, &[mode]);
        assert!(again.ready_text("/world/now").starts_with(later.trim_matches('"')), "{}", again.line);
    }
}

#[test]
fn a_restored_world_is_saved_even_with_equal_progress() {
    let (_folder, file) = world();
    let sandbox = Sandbox::with_world_file(&file, &["--clock", "frozen"]);
    sandbox.ask("worlds/default/snapshot", Some(""));
    for (begin, email) in [("worlds/default/restore", "one@example.com"), ("reset", "two@example.com")] {
        sandbox.place(&json!({ "Email": "before@example.com" }));
        wait_until_saved(&file, "before@example.com");
        sandbox.ask(begin, Some(""));
        sandbox.place(&json!({ "Email": email }));
        wait_until_saved(&file, email);
        sandbox.ask(begin, Some(""));
    }
}

#[test]
fn a_failed_save_is_retried() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, aside) = (folder.path().join("inside"), folder.path().join("aside"));
    std::fs::create_dir(&inside).unwrap();
    let file = inside.join("world.json");
    let sandbox = Sandbox::with_world_file(&file, &["--clock", "frozen"]);
    wait_until_saved(&file, "2020-09-10T12:00:00Z");
    std::fs::rename(&inside, &aside).unwrap();
    sandbox.place(&json!({ "Email": "late@example.com" }));
    // It tries every 5 s: this covers two failures.
    std::thread::sleep(Duration::from_secs(11));
    std::fs::rename(&aside, &inside).unwrap();
    wait_until_saved(&file, "late@example.com");
    let output = sandbox.end("TERM").stderr;
    assert_eq!(output.matches("warning: cannot save the world").count(), 1, "{output}");
}

#[test]
fn a_foreign_lock_file_is_neither_written_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("Cargo.lock"), "[[package]]").unwrap();
    std::fs::write(path("victim"), "precious").unwrap();
    symlink(path("victim"), path("linked.lock")).unwrap();
    symlink(path("nowhere"), path("dangling.lock")).unwrap();
    std::fs::create_dir(path("folder.lock")).unwrap();
    assert!(clean_command("mkfifo").arg(path("pipe.lock")).status().unwrap().success());
    let before = names(folder.path());
    for name in ["Cargo", "linked", "dangling", "folder", "pipe"] {
        let result = run(identkit().arg("sandbox").arg("--world-file").arg(path(name)));
        result.fails_with(2, &["--world-file", "cannot be used", &format!("{name}.lock"), "not a sandbox's lock file"]);
    }
    assert_eq!(names(folder.path()), before);
    assert_eq!(std::fs::read_to_string(path("Cargo.lock")).unwrap(), "[[package]]");
    assert_eq!(std::fs::read_to_string(path("victim")).unwrap(), "precious");
}

#[test]
fn the_lock_of_a_killed_process_gets_a_new_owner() {
    let (folder, file) = world();
    let lock = folder.path().join("world.json.lock");
    for left in ["", "4294967295", "1"] {
        std::fs::write(&lock, left).unwrap();
        let sandbox = Sandbox::with_world_file(&file, &[]);
        assert_eq!(std::fs::read_to_string(&lock).unwrap(), sandbox.id().to_string());
        sandbox.end("TERM");
        assert!(!lock.exists());
    }
}

#[test]
fn with_nohup_the_sandbox_outlives_its_terminal() {
    let (_folder, file) = world();
    // As nohup does.
    let mut command = clean_command("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", PROGRAM]);
    command.args(["sandbox", "--plain", "--clock", "frozen", "--world-file", file.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    send("HUP", child.id());
    // The save comes after 5 s, when SIGHUP would have ended it.
    wait_until_saved(&file, "identkit_world");
    let alive = child.try_wait().unwrap().is_none();
    assert!(alive, "SIGHUP ended it");
    send("TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
