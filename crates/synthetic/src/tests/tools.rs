//! The files, read by the tools that people have.

use std::io::Write;
use std::process::{Command, Stdio};

use identkit_testkit::spawn;

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
    let mut command = Command::new(tool);
    command.args(before).arg(file.path()).args(after);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = spawn(&mut command)?.wait_with_output().unwrap();
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
