//! The tests do not depend on the environment that they run in.

use std::path::PathBuf;

use crate::support::{clean_command, run, workspace_path};

/// Every test starts programs with the helpers of `support`, which make a known environment.
#[test]
fn programs_are_started_in_a_known_environment_only() {
    let mut folders = vec![workspace_path("crates/cli/tests/it")];
    let mut sources: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { sources.push(path) }
        }
    }
    let sources = sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let others = sources.filter(|path| !path.ends_with("support/mod.rs") && !path.ends_with("environment.rs"));
    let mut count = 0;
    for path in others {
        let text = std::fs::read_to_string(path).unwrap();
        for word in ["CARGO_BIN_EXE", "Command::new("] {
            assert!(!text.contains(word), "{}: use identkit() or clean_command() in place of {word}", path.display());
        }
        count += 1;
    }
    assert!(count > 15, "{count}");
}

#[test]
fn a_strange_environment_does_not_reach_the_programs() {
    let result = run(clean_command("sh").args(["-c", "umask; env; cat /proc/self/status 2>/dev/null"]));
    let lines: Vec<&str> = result.stdout.lines().collect();
    assert_eq!(lines[0], "0022");
    for expected in ["TZ=UTC", "LANG=C.UTF-8"] {
        assert!(lines.contains(&expected), "{lines:?}");
    }
    for name in ["_proxy=", "_PROXY=", "IDENTKIT_", "SSL_CERT_"] {
        assert!(!lines.iter().any(|line| line.contains(name)), "{name}: {lines:?}");
    }
    if let Some(ignored) = lines.iter().find_map(|line| line.strip_prefix("SigIgn:")) {
        assert_eq!(u64::from_str_radix(ignored.trim(), 16).unwrap() & 1, 0, "SIGHUP is not ignored");
    }
}
