//! The files, read by the tools that people have.
//!
//! Without the tools there is nothing to check, and the test says so. Where
//! `IDENTKIT_REQUIRE_TOOLS` is `1` their absence is a failure.

use std::io::{ErrorKind, Write};
use std::process::Command;

use super::super::{report, sample_contract, sign};
use super::{assert_in_order, example, mark, modern};

/// The output of a tool for a file, or `None` if there is no such tool.
pub(super) fn run(tool: &str, before: &[&str], bytes: &[u8], after: &[&str]) -> Option<String> {
    output(tool, before, bytes, after).map(|output| String::from_utf8(output).unwrap())
}

/// As [`run`], with the output as it is.
pub(super) fn output(tool: &str, before: &[&str], bytes: &[u8], after: &[&str]) -> Option<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let output = match Command::new(tool).args(before).arg(file.path()).args(after).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let required = std::env::var_os("IDENTKIT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "{tool} is required here and missing");
            writeln!(std::io::stderr(), "not checked: {tool} is missing").unwrap();
            return None;
        }
        Err(error) => panic!("{tool}: {error}"),
    };
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "{tool}: {complaints}");
    Some(output.stdout)
}

fn info(pdf: &[u8], pages: usize) {
    if let Some(info) = run("pdfinfo", &[], pdf, &[]) {
        let pages = format!("Pages: {pages}");
        let squeezed = info.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_in_order(&squeezed, &[&pages, "Encrypted: no", "(A4)"]);
    }
}

#[test]
fn a_report_opens() {
    let pdf = report(&example()).unwrap();
    info(&pdf, 2);
    if let Some(text) = run("pdftotext", &["-layout", "-enc", "UTF-8"], &pdf, &["-"]) {
        assert_in_order(
            &text,
            &["IDENTprüfung", "Geprüft", "Köln", "Köln", "Gültig bis", "gemäß", "Prüfer 1872", "(1/2)", "(2/2)"],
        );
    }
}

#[test]
fn a_signed_contract_opens() {
    for original in [sample_contract(), modern(&sample_contract())] {
        let signed = sign(&sign(&original, &mark()).unwrap(), &mark()).unwrap();
        info(&signed, 1);
        if let Some(text) = run("pdftotext", &["-enc", "UTF-8"], &signed, &["-"]) {
            assert_eq!(text.matches("SANDBOX - no qualified electronic signature").count(), 2);
            assert_eq!(text.matches("Erika Köln").count(), 2);
        }
    }
}
