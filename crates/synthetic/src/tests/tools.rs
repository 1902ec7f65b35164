//! PDF files, checked with external tools.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use identkit_testkit::spawn;

use super::super::{SignatureMark, report, sample_contract, sign};
use super::files::{Parts, readable};
use super::{assert_in_order, example, mark, with_object_streams};

/// Returns the output of a tool for a file, or `None` if the tool is missing.
pub(super) fn run(tool: &str, before: &[&str], bytes: &[u8], after: &[&str]) -> Option<String> {
    output(tool, before, bytes, after).map(|output| String::from_utf8(output).unwrap())
}

/// As [`run`], with the output as bytes.
pub(super) fn output(tool: &str, before: &[&str], bytes: &[u8], after: &[&str]) -> Option<Vec<u8>> {
    let output = start(tool, before, bytes, after)?;
    let warnings = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && warnings.is_empty(), "{tool}: {warnings}");
    Some(output.stdout)
}

/// Runs a tool for a file that can be damaged.
fn start(tool: &str, before: &[&str], bytes: &[u8], after: &[&str]) -> Option<Output> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut command = Command::new(tool);
    command.args(before).arg(file.path()).args(after);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(spawn(&mut command)?.wait_with_output().unwrap())
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

/// The size in points of everything that has the color of the frame, and whether its bar is on the left.
fn frame(pdf: &[u8]) -> Option<(usize, usize, bool)> {
    // One pixel per point, with all of the visible page and without smooth edges.
    let options = ["-r", "72", "-cropbox", "-singlefile", "-aa", "no", "-aaVector", "no"];
    let picture = start("pdftoppm", &options, pdf, &[])?.stdout;
    // P6, width and height, 255, then three bytes for each pixel.
    let mut lines = picture.splitn(4, |byte| *byte == b'\n');
    assert_eq!(lines.next(), Some(b"P6".as_slice()));
    let size = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
    let width: usize = size.split(' ').next().unwrap().parse().unwrap();
    let pixels = lines.nth(1).unwrap().chunks_exact(3);
    let colored: Vec<_> = pixels.enumerate().filter(|(_, pixel)| *pixel == [28, 74, 120]).map(|(at, _)| at).collect();
    let (columns, rows) = (colored.iter().map(|at| at % width), colored.iter().map(|at| at / width));
    // Everything is zero if the page does not show the mark.
    let (left, right) = (columns.clone().min().unwrap_or(1), columns.clone().max().unwrap_or(0));
    let count = |column| columns.clone().filter(|at| *at == column).count();
    let is_left = count(left + 2) > count(right.saturating_sub(2));
    let height = rows.clone().max().map_or(0, |last| last + 1) - rows.min().unwrap_or(0);
    Some((right + 1 - left, height, is_left))
}

#[test]
fn poppler_shows_the_mark_upright_and_whole() {
    for (name, original) in readable() {
        // The contract has the color elsewhere, a page is too small for the mark, and poppler needs the count of pages.
        const SKIPPED: [&str; 4] = ["object streams", "a cross-reference stream that is off", "tiny page", "no count"];
        if SKIPPED.contains(name) {
            continue;
        }
        // Poppler ignores a rotation by a real number.
        let signed = sign(original, &mark()).unwrap();
        let expected = if name.contains("real") { (60, 229, true) } else { (229, 60, true) };
        let Some((width, height, is_left)) = frame(&signed) else { return };
        assert!(width.abs_diff(expected.0) <= 1 && height.abs_diff(expected.1) <= 1, "{name}: {width} x {height}");
        assert!(is_left || name.contains("real"), "{name}");
    }
}

#[test]
fn poppler_cuts_nothing_off_a_mark_at_the_edge() {
    let original = Parts::with_page("/CropBox[100 100 300 300]/Rotate 90");
    for (x, y, size) in [(-10.0, -20.0, (109, 60)), (120.0, 170.0, (80, 30)), (40.0, 50.0, (119, 80))] {
        let mut mark: SignatureMark<'_> = mark();
        (mark.placement.x, mark.placement.y) = (Some(x), Some(y));
        (mark.placement.width, mark.placement.height) = (Some(119.0), Some(80.0));
        let Some((width, height, is_left)) = frame(&sign(&original, &mark).unwrap()) else { return };
        assert!(width.abs_diff(size.0) <= 1 && height.abs_diff(size.1) <= 1 && is_left, "{width} x {height}");
    }
}

#[test]
fn poppler_finds_every_signature_valid() {
    for (name, original) in readable() {
        let signatures = |pdf: &[u8]| -> Option<Vec<String>> {
            let text = String::from_utf8(start("pdfsig", &["-nocert"], pdf, &[])?.stdout).unwrap();
            Some(text.lines().filter(|line| line.contains("Signature Validation:")).map(str::to_owned).collect())
        };
        let Some(before) = signatures(original) else { return };
        let twice = sign(&sign(original, &mark()).unwrap(), &mark()).unwrap();
        let after = signatures(&twice).unwrap();
        assert_eq!(after.len(), before.len() + 2, "{name}");
        assert!(after.iter().all(|line| line.ends_with("Signature is Valid.")), "{name}: {after:?}");
    }
}
