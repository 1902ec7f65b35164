//! `identkit sandbox --with-parent`.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc;

use crate::support::{HANGS, PROGRAM, clean_command};

/// Starts a shell that starts a sandbox, and waits for its ready line.
fn started(option: &str) -> (Child, BufReader<ChildStdout>, String) {
    let mut shell = clean_command("sh");
    // The id of the sandbox comes before its ready line.
    shell.args(["-c", r#""$0" sandbox --plain $1 & echo $!; wait"#]).arg(PROGRAM).arg(option);
    let mut shell = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap());
    let (mut id, mut ready) = (String::new(), String::new());
    output.read_line(&mut id).unwrap();
    output.read_line(&mut ready).unwrap();
    assert!(ready.starts_with('{'), "{ready}");
    (shell, output, id.trim().to_owned())
}

/// Whether the output ends: no process can write to it any more.
fn ends(mut output: BufReader<ChildStdout>, within: std::time::Duration) -> bool {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = output.read_to_end(&mut Vec::new());
        let _ = sender.send(());
    });
    receiver.recv_timeout(within).is_ok()
}

#[test]
fn with_parent_the_sandbox_ends_after_its_parent() {
    let (mut shell, output, _) = started("--with-parent");
    shell.kill().unwrap();
    shell.wait().unwrap();
    assert!(ends(output, HANGS), "the sandbox still runs");
}

#[test]
fn without_it_the_sandbox_outlives_its_parent() {
    let (mut shell, output, id) = started("");
    shell.kill().unwrap();
    shell.wait().unwrap();
    let ended = ends(output, std::time::Duration::from_secs(1));
    let stopped = clean_command("kill").arg(&id).status().unwrap();
    assert!(!ended && stopped.success(), "the sandbox has ended");
}
