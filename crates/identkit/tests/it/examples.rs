//! Runs every example program.
//!
//! `cargo test -p identkit --all-features` builds the examples into a folder next to this test. With `--test it`, cargo
//! builds no examples.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use identkit_testkit::{block_on, pause, within};

/// Time limit of one program.
const LIMIT: Duration = Duration::from_secs(60);

/// Additional runs of an example with an environment variable.
const VARIANTS: &[(&str, &str, &str)] = &[("verify", "PROVIDER", "identify24")];

/// An example that runs until it is stopped. It has a test of its own.
const ENDLESS: &str = "service";

/// The names of the examples that end, from their sources.
fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sources = files.filter(|path| path.extension() == Some(OsStr::new("rs")));
    let mut names: Vec<String> = sources.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.retain(|name| name != ENDLESS);
    names.sort();
    names
}

/// The file of an example program.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    test.parent().unwrap().join("../examples").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Runs a program and returns why it failed, if it did.
fn failure(name: &str, variable: Option<(&str, &str)>) -> Option<String> {
    let mut command = Command::new(program(name));
    command.env_remove("PROVIDER").envs(variable).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            return Some(format!(
                "{name} did not start ({error}): build it with `cargo test -p identkit --all-features`"
            ));
        }
    };
    let in_time = block_on(within(LIMIT, end(&mut child))).is_some();
    if !in_time {
        child.kill().unwrap();
    }
    // The programs print a few lines only: they never wait for a reader of their pipes.
    let output = child.wait_with_output().unwrap();
    let printed = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    match (in_time, output.status.success()) {
        (true, true) => None,
        (true, false) => Some(format!("{name} failed ({}):\n{printed}", output.status)),
        (false, _) => Some(format!("{name} did not end within {LIMIT:?}:\n{printed}")),
    }
}

async fn end(child: &mut Child) {
    while child.try_wait().unwrap().is_none() {
        pause(Duration::from_millis(5)).await;
    }
}

#[test]
fn every_example_succeeds() {
    let names = names();
    assert!(!names.is_empty(), "no examples in the folder");
    let plain = names.iter().filter_map(|name| failure(name, None));
    let variants = VARIANTS.iter().filter_map(|(name, key, value)| failure(name, Some((*key, *value))));
    let failures: Vec<String> = plain.chain(variants).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
