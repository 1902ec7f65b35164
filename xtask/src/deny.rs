//! `cargo xtask deny`: checks licenses, duplicate versions and sources of all dependencies against `deny.toml`.
//!
//! It runs a pinned cargo-deny, which it builds into the target directory the first time. After that, and with all
//! dependencies downloaded, it needs no network.

use std::process::Command;

use crate::finding::Verdict;
use crate::tool::Tool;
use crate::workspace::Workspace;

const CARGO_DENY: Tool = Tool { package: "cargo-deny", version: "0.20.2", shows_version: &["--version"] };

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let tool = CARGO_DENY.install(ws)?;
    // cargo-deny reads the manifests of all platforms' dependencies.
    ws.output("cargo fetch", ws.cargo(&["fetch", "--quiet"]))?;
    let mut deny = Command::new(tool);
    deny.args(["--all-features", "--locked", "--offline", "--log-level", "warn"]);
    deny.args(["check", "--deny", "warnings", "bans", "licenses", "sources"]).current_dir(ws.root());
    let ok = ws.run(deny)?.success();
    Ok(if ok { Vec::new() } else { vec!["cargo-deny reported errors: see its output above".to_owned()] })
}
