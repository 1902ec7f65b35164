//! A synthetic report: a PDF of one empty page.

use std::fmt::Write as _;

/// Returns the report of a case. Its bytes depend on the id only.
pub(super) fn report(case: &str) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>".to_owned(),
        format!("<</Title({})>>", case.replace(['(', ')', '\\'], "")),
    ];
    let mut pdf = String::from("%PDF-1.4\n");
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(&objects) {
        // Writing to a text cannot fail.
        let _ = writeln!(table, "{:010} 00000 n ", pdf.len());
        let _ = writeln!(pdf, "{number} 0 obj{object}endobj");
    }
    let start = pdf.len();
    let size = objects.len() + 1;
    let _ = writeln!(pdf, "{table}trailer<</Size {size}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{start}\n%%EOF");
    pdf.into_bytes()
}
