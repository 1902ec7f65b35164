//! PDF files, checked with external tools.

use std::io::Write;
use std::process::{Command, Stdio};

use identkit_testkit::spawn;

use super::super::{report, sample_contract, sign};
use super::{assert_in_order, example, mark, with_object_streams};

/// Returns the output of a tool for a file, or `None` if the tool is missing.
pub(super) fn run(tool: &str, before: &[&str], bytes: &[u8], after: &[&str]) -> Option<String> {
    output(tool, before, bytes, after).map(|output| String::from_utf8(output).unwrap())
}

/// As [`run`], with the output as bytes.
pub(super) fn output(tool: &str, before: &[&str], bytes: &[u8], after: &[&str]) -> Option<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut command = Command::new(tool);
    command.args(before).arg(file.path()).args(after);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = spawn(&mut command)?.wait_with_output().unwrap();
    let warnings = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && warnings.is_empty(), "{tool}: {warnings}");
    Some(output.stdout)
}

fn info(pdf: &[u8], pages: usize) {
    if let Some(info) = run("pdfinfo", &[], pdf, &[]) {
        let pages = format!("Pages: {pages}");
        let collapsed = info.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_in_order(&collapsed, &[&pages, "Encrypted: no", "(A4)"]);
    }
}

#[test]
fn poppler_reads_a_report() {
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
fn poppler_reads_a_signed_contract() {
    for original in [sample_contract(), with_object_streams(&sample_contract())] {
        let signed = sign(&sign(&original, &mark()).unwrap(), &mark()).unwrap();
        info(&signed, 1);
        if let Some(text) = run("pdftotext", &["-enc", "UTF-8"], &signed, &["-"]) {
            assert_eq!(text.matches("SANDBOX - no qualified electronic signature").count(), 2);
            assert_eq!(text.matches("Erika Köln").count(), 2);
        }
    }
}
