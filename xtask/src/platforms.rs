//! `cargo xtask platforms`: checks that the libraries compile for systems on which they are not tested.
//!
//! It needs the standard libraries of these systems, which it does not install: a check fetches no part of the
//! toolchain. It leaves out what needs a C compiler for the other system: the features that enable `ring` (`http` and
//! what uses it), and with them the command line.

use std::process::Command;

use crate::finding::Verdict;
use crate::workspace::Workspace;

const TARGETS: &[&str] = &["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// The libraries, each with all features except those that enable `ring`.
const LIBRARIES: &[(&str, &str)] = &[
    ("identkit-core", ""),
    ("identkit-wire", "server"),
    ("identkit-files", ""),
    ("identkit-transport", "http-custom-tls save tracing"),
    ("identkit-identify24", "server uuid"),
    ("identkit-identity-tm", "server save"),
    ("identkit-webhook", "axum listener"),
    ("identkit-store", ""),
    ("identkit-synthetic", ""),
    ("identkit-mock-server", "identify24 identity-tm"),
    ("identkit", "axum http-custom-tls identify24 identity-tm save tracing"),
];

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "list", "--installed"]).current_dir(ws.root());
    let installed = ws.output("rustup target list --installed", rustup)?;
    let mut findings = Vec::new();
    for target in TARGETS {
        if installed.lines().any(|line| line.trim() == *target) {
            findings.extend(check(ws, target, LIBRARIES)?);
        } else {
            findings.push(format!("the standard library of {target} is missing: rustup target add {target}"));
        }
    }
    Ok(findings)
}

fn check(ws: &Workspace, target: &str, libraries: &[(&str, &str)]) -> Verdict {
    let mut cargo = ws.cargo(&["check", "--quiet", "--no-default-features", "--target", target]);
    for (package, features) in libraries {
        cargo.args(["--package", package]);
        cargo.args(features.split_whitespace().map(|feature| format!("--features={package}/{feature}")));
    }
    let ok = ws.run(cargo)?.success();
    Ok(if ok { Vec::new() } else { vec![format!("the libraries do not compile for {target}: see above")] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn code_that_does_not_compile_with_a_feature_is_found() {
        let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let repo = Throwaway::package("#[cfg(all(feature = \"more\", target_os = \"linux\"))]\nfn f() { missing() }\n");
        repo.manifest("[features]\nmore = []\n");
        let findings = |features| check(&repo.workspace(), &target, &[("identkit-sample", features)]).unwrap();
        assert_eq!(findings(""), [""; 0]);
        assert_eq!(findings("more"), [format!("the libraries do not compile for {target}: see above")]);
    }
}
