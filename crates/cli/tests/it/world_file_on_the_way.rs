//! What `identkit sandbox` saves into its world file while it runs, and the lock that it keeps beside it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{HANGS, Sandbox, identkit, names, run, send};
use serde_json::json;
use tempfile::TempDir;

/// A folder with the place of a world in it.
pub(crate) fn world() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.json");
    (folder, file)
}

/// Waits until this is in the file, which nobody asks the sandbox to save.
#[track_caller]
pub(crate) fn saved(file: &Path, words: &str) {
    let began = Instant::now();
    while !std::fs::read_to_string(file).is_ok_and(|saved| saved.contains(words)) {
        assert!(began.elapsed() < HANGS, "{words} is never saved");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn time_that_stands_elsewhere_is_saved_though_nothing_fell_due() {
    for (mode, at_first, seconds, later) in [
        ("--clock=frozen", "2020-09-10T12:00:00Z", 86_400, "\"2020-09-11T12:00:00Z\""),
        // Though it goes on by itself.
        ("--start=2020-09-10T12:00:00Z", "\"2020-09-10T12:0", 604_800, "\"2020-09-17T12:0"),
    ] {
        let (_folder, file) = world();
        let sandbox = Sandbox::of_file(&file, &[mode]);
        saved(&file, at_first);
        let advanced = sandbox.ask("clock/advance", Some(&json!({ "seconds": seconds }).to_string()));
        assert_eq!(advanced["fired"], json!([]));
        saved(&file, later);
        sandbox.end("KILL");
        let again = Sandbox::of_file(&file, &[mode]);
        assert!(again.told("/world/now").starts_with(later.trim_matches('"')), "{}", again.line);
    }
}

#[test]
fn a_world_that_was_put_back_is_saved_though_as_much_happened_in_it_as_before() {
    let (_folder, file) = world();
    let sandbox = Sandbox::of_file(&file, &["--clock", "frozen"]);
    sandbox.ask("worlds/default/snapshot", Some(""));
    for (begin, email) in [("worlds/default/restore", "one@example.com"), ("reset", "two@example.com")] {
        sandbox.place(&json!({ "Email": "before@example.com" }));
        saved(&file, "before@example.com");
        sandbox.ask(begin, Some(""));
        sandbox.place(&json!({ "Email": email }));
        saved(&file, email);
        sandbox.ask(begin, Some(""));
    }
}

#[test]
fn what_could_not_be_saved_is_saved_as_soon_as_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, aside) = (folder.path().join("inside"), folder.path().join("aside"));
    std::fs::create_dir(&inside).unwrap();
    let file = inside.join("world.json");
    let sandbox = Sandbox::of_file(&file, &["--clock", "frozen"]);
    saved(&file, "2020-09-10T12:00:00Z");
    std::fs::rename(&inside, &aside).unwrap();
    sandbox.place(&json!({ "Email": "late@example.com" }));
    // It tries every 5 s. A shorter wait would only find less.
    std::thread::sleep(Duration::from_secs(11));
    std::fs::rename(&aside, &inside).unwrap();
    saved(&file, "late@example.com");
    let told = sandbox.end("TERM").stderr;
    assert_eq!(told.matches("warning: the world could not be saved").count(), 1, "{told}");
}

#[test]
fn a_file_that_is_no_lock_is_neither_written_to_nor_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("Cargo.lock"), "[[package]]").unwrap();
    std::fs::write(path("victim"), "precious").unwrap();
    symlink(path("victim"), path("linked.lock")).unwrap();
    symlink(path("nowhere"), path("dangling.lock")).unwrap();
    std::fs::create_dir(path("folder.lock")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe.lock")).status().unwrap().success());
    let before = names(folder.path());
    for name in ["Cargo", "linked", "dangling", "folder", "pipe"] {
        let ran = run(identkit().arg("sandbox").arg("--world-file").arg(path(name)));
        ran.fails_with(2, &["--world-file", "cannot be used", &format!("{name}.lock"), "no lock of a sandbox"]);
    }
    assert_eq!(names(folder.path()), before);
    assert_eq!(std::fs::read_to_string(path("Cargo.lock")).unwrap(), "[[package]]");
    assert_eq!(std::fs::read_to_string(path("victim")).unwrap(), "precious");
}

#[test]
fn the_lock_of_a_process_that_was_killed_is_taken_over_and_names_its_new_owner() {
    let (folder, file) = world();
    let lock = folder.path().join("world.json.lock");
    for left in ["", "4294967295", "1"] {
        std::fs::write(&lock, left).unwrap();
        let sandbox = Sandbox::of_file(&file, &[]);
        assert_eq!(std::fs::read_to_string(&lock).unwrap(), sandbox.id().to_string());
        sandbox.end("TERM");
        assert!(!lock.exists());
    }
}

#[test]
fn who_was_begun_to_outlive_its_terminal_does() {
    let (_folder, file) = world();
    // As nohup does.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", identkit().get_program().to_str().unwrap()]);
    command.args(["sandbox", "--plain", "--clock", "frozen", "--world-file", file.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    send("HUP", child.id());
    // It is saved after 5 s: by then it would have ended.
    saved(&file, "identkit_world");
    let alive = child.try_wait().unwrap().is_none();
    assert!(alive, "it was ended by SIGHUP");
    send("TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
