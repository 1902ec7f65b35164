//! Tools that cargo builds into the target directory the first time, in pinned versions.

use std::path::PathBuf;
use std::process::Command;

use crate::workspace::Workspace;

/// A tool of the registry.
pub(crate) struct Tool {
    /// Name of the package and of its program.
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    /// Arguments with which the program prints its version.
    pub(crate) shows_version: &'static [&'static str],
}

impl Tool {
    /// Returns the path of the program, and builds it if it is missing.
    pub(crate) fn install(&self, ws: &Workspace) -> Result<PathBuf, String> {
        let Self { package, version, shows_version } = self;
        let root = ws.target().join("tools");
        let program = root.join("bin").join(package);
        let mut shown = Command::new(&program);
        shown.args(*shows_version);
        let is_there = |shown: String| shown.split_whitespace().take(2).eq([*package, *version]);
        if !ws.output("", shown).is_ok_and(is_there) {
            ws.print(&format!("building {package} {version}"));
            let mut build = ws.cargo(&["install", "--quiet", "--debug", "--force", "--root"]);
            build.arg(&root).args([package, "--version", version]);
            ws.output(&format!("cargo install {package}"), build)?;
        }
        Ok(program)
    }
}
