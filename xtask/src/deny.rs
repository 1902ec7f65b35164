//! `cargo xtask deny`: checks licenses, duplicate versions and sources of all dependencies against `deny.toml`.
//!
//! It runs a pinned cargo-deny, which it builds into the target directory the first time. After that, and with all
//! dependencies downloaded, it needs no network.

use std::path::PathBuf;
use std::process::Command;

use crate::finding::Verdict;
use crate::workspace::Workspace;

const PACKAGE: &str = "cargo-deny";
const VERSION: &str = "0.20.2";

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let tool = install(ws)?;
    // cargo-deny reads the manifests of all platforms' dependencies.
    ws.output("cargo fetch", ws.cargo(&["fetch", "--quiet"]))?;
    let mut deny = Command::new(tool);
    deny.args(["--all-features", "--locked", "--offline", "--log-level", "warn"]);
    deny.args(["check", "--deny", "warnings", "bans", "licenses", "sources"]).current_dir(ws.root());
    let ok = ws.run(deny)?.success();
    Ok(if ok { Vec::new() } else { vec!["cargo-deny reported errors: see its output above".to_owned()] })
}

/// Returns the path of the pinned cargo-deny, and builds it if it is missing.
fn install(ws: &Workspace) -> Result<PathBuf, String> {
    let root = ws.target().join("tools");
    let tool = root.join("bin").join(PACKAGE);
    let mut version = Command::new(&tool);
    version.arg("--version");
    if !ws.output("", version).is_ok_and(|version| version.trim() == format!("{PACKAGE} {VERSION}")) {
        ws.print(&format!("building {PACKAGE} {VERSION}"));
        let mut build = ws.cargo(&["install", "--quiet", "--debug", "--force", "--root"]);
        build.arg(&root).args([PACKAGE, "--version", VERSION]);
        ws.output(&format!("cargo install {PACKAGE}"), build)?;
    }
    Ok(tool)
}
