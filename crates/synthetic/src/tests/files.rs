//! PDF files of all kinds, written by hand, so that damage can be put anywhere.

use std::sync::LazyLock;

use super::super::sample_contract;
use super::with_object_streams;

/// What a page shows, so that tests see whether it is still there.
pub(super) const TEXT: &str = "Vertrag Seite 1";

/// A file of one page. Its parts can be replaced.
pub(super) struct Parts {
    pub(super) catalog: String,
    pub(super) pages: String,
    pub(super) page: String,
    pub(super) content: String,
    /// Objects after the font, which is object 5.
    pub(super) more: Vec<String>,
    pub(super) trailer: String,
}

impl Default for Parts {
    fn default() -> Self {
        let content = format!("BT /F1 18 Tf 72 700 Td ({TEXT}) Tj ET");
        Self {
            catalog: "<</Type/Catalog/Pages 2 0 R>>".into(),
            pages: "<</Type/Pages/Kids[3 0 R]/Count 1>>".into(),
            page: page(""),
            content: format!("<</Length {}>>\nstream\n{content}\nendstream", content.len()),
            more: Vec::new(),
            trailer: "<</Size 6/Root 1 0 R>>".into(),
        }
    }
}

/// A page with further entries.
pub(super) fn page(entries: &str) -> String {
    let media = if entries.contains("MediaBox") { "" } else { "/MediaBox[0 0 595 842]" };
    format!("<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R{media}{entries}>>")
}

impl Parts {
    /// A page with further entries.
    pub(super) fn with_page(entries: &str) -> Vec<u8> {
        Self { page: page(entries), ..Self::default() }.file()
    }

    pub(super) fn file(&self) -> Vec<u8> {
        let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned();
        let objects = [&self.catalog, &self.pages, &self.page, &self.content, &font].into_iter().chain(&self.more);
        let mut file = "%PDF-1.7\n".to_owned();
        let mut table = "0000000000 65535 f \n".to_owned();
        let mut count = 1;
        for object in objects {
            table += &format!("{:010} 00000 n \n", file.len());
            file += &format!("{count} 0 obj\n{object}\nendobj\n");
            count += 1;
        }
        let start = file.len();
        let trailer = self.trailer.replace("/Size 6", &format!("/Size {count}"));
        file += &format!("xref\n0 {count}\n{table}trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n");
        file.into_bytes()
    }
}

/// A file whose text was changed, whatever that does to its positions.
pub(super) fn changed(from: &str, to: &str) -> Vec<u8> {
    let file = String::from_utf8(Parts::default().file()).unwrap();
    assert!(file.contains(from), "{from}");
    file.replacen(from, to, 1).into_bytes()
}

fn without(from: &str) -> Vec<u8> {
    changed(from, "")
}

/// An object stream and a cross-reference stream beside a table (ISO 32000-1, 7.5.8.4). The table alone is enough for
/// the page; the font is only in the stream.
fn hybrid() -> Vec<u8> {
    let file = String::from_utf8(Parts::default().file()).unwrap();
    let (objects, _) = file.split_once("5 0 obj").unwrap();
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";
    let mut file = objects.to_owned();
    let container = file.len();
    file += &format!(
        "6 0 obj\n<</Type/ObjStm/N 1/First 4/Length {}>>\nstream\n5 0 {font}\nendstream\nendobj\n",
        font.len() + 4
    );
    let section = file.len();
    let entries = format!("02 0006 00 01 {container:04x} 00");
    let hexadecimal: String = entries.split(' ').collect();
    file += &format!(
        "7 0 obj\n<</Type/XRef/Size 8/W[1 2 1]/Index[5 2]/Root 1 0 R/Filter/ASCIIHexDecode/Length {}>>\n\
         stream\n{hexadecimal}>\nendstream\nendobj\n",
        hexadecimal.len() + 1
    );
    let start = file.len();
    let at = |number: usize| format!("{:010} 00000 n \n", file.find(&format!("\n{number} 0 obj")).unwrap() + 1);
    let table: String = (1..5).map(at).collect();
    file += &format!(
        "xref\n0 5\n0000000000 65535 f \n{table}trailer\n\
         <</Size 8/Root 1 0 R/XRefStm {section}>>\nstartxref\n{start}\n%%EOF\n"
    );
    file.into_bytes()
}

/// An incremental update that replaces the page.
fn updated() -> Vec<u8> {
    let mut file = Parts::default().file();
    let previous = file.windows(5).rposition(|w| w == b"xref\n").map(|_| {
        let text = String::from_utf8_lossy(&file).into_owned();
        let (_, end) = text.rsplit_once("startxref\n").unwrap();
        end.lines().next().unwrap().to_owned()
    });
    let object = file.len();
    file.extend_from_slice(format!("3 0 obj\n{}\nendobj\n", page("/Rotate 180")).as_bytes());
    let start = file.len();
    let previous = previous.unwrap();
    let section = format!(
        "xref\n3 1\n{object:010} 00000 n \ntrailer\n<</Size 6/Root 1 0 R/Prev {previous}>>\nstartxref\n{start}\n%%EOF\n"
    );
    file.extend_from_slice(section.as_bytes());
    file
}

/// Files that readers open, with their names. All show [`TEXT`] on one page, or are the sample contract.
pub(super) fn readable() -> &'static [(&'static str, Vec<u8>)] {
    static FILES: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(all);
    &FILES
}

fn all() -> Vec<(&'static str, Vec<u8>)> {
    let direct = page("").replace("/Parent 2 0 R", "");
    let parts = Parts::default;
    let wrong_length = |length: &str| {
        let content = parts().content;
        let (_, stream) = content.split_once(">>").unwrap();
        Parts { content: format!("<</Length {length}>>{stream}"), ..parts() }.file()
    };
    let plain = parts().file();
    let truncated = plain[..plain.windows(4).position(|w| w == b"xref").unwrap()].to_vec();
    let modern = with_object_streams(&sample_contract());
    let files: Vec<(&'static str, Vec<u8>)> = vec![
        ("plain", plain.clone()),
        ("a form without appearances", {
            let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/NeedAppearances true>>>>".into();
            Parts { catalog, ..parts() }.file()
        }),
        ("updated", updated()),
        ("hybrid", hybrid()),
        ("object streams", modern.clone()),
        // Bytes around the file.
        ("bytes before, not counted", [b"\xef\xbb\xbf", plain.as_slice()].concat()),
        ("a kilobyte before", [&[b'\n'; 1024], plain.as_slice()].concat()),
        ("bytes before, counted", {
            let text = String::from_utf8(plain.clone()).unwrap();
            let mut shifted = "HTTP".to_owned();
            for line in text.split_inclusive('\n') {
                let number = |digits: &str| digits.parse::<usize>().unwrap() + 4;
                match line.strip_suffix(" 00000 n \n") {
                    Some(digits) => shifted += &format!("{:010} 00000 n \n", number(digits)),
                    None if line.trim().parse::<usize>().is_ok() => shifted += &format!("{}\n", number(line.trim())),
                    None => shifted += line,
                }
            }
            shifted.into_bytes()
        }),
        ("bytes after", [plain.as_slice(), &[0; 900]].concat()),
        ("no end marker", without("%%EOF\n")),
        // Cross-references.
        ("startxref is too small", changed("startxref\n", "startxref\n1")),
        ("startxref is too large", changed("startxref\n", "startxref\n99")),
        ("no startxref", without("startxref")),
        ("no cross-references", truncated),
        ("table begins at 1", changed("xref\n0 6", "xref\n1 6")),
        ("entries of 19 bytes", String::from_utf8(plain.clone()).unwrap().replace(" n \n", " n\n").into_bytes()),
        ("positions are too small", changed("%PDF-1.7\n", "%PDF-1.7\n%comment\n")),
        ("one position is wrong", changed("0000000009 00000 n", "0000000011 00000 n")),
        ("wrong size", changed("/Size 6", "/Size 3")),
        ("a cross-reference stream that is off", {
            let at = modern.windows(10).rposition(|w| w == b"startxref\n").unwrap() + 10;
            [&modern[..at], b"7", &modern[at..]].concat()
        }),
        ("encryption is null", Parts { trailer: "<</Size 6/Root 1 0 R/Encrypt null>>".into(), ..parts() }.file()),
        ("encryption is null, numbers are unusual", {
            let trailer = "<</Size 6/Encrypt\nnull/Root 1 0 R>>".into();
            Parts { trailer, page: page("/D --3"), ..parts() }.file()
        }),
        // Objects.
        ("5,000 nested arrays", {
            let more = vec!["[".repeat(5_000) + &"]".repeat(5_000)];
            Parts { page: page("/PieceInfo 6 0 R"), more, ..parts() }.file()
        }),
        ("no endobj", without("endobj\n")),
        ("no end of the stream", without("\nendstream")),
        ("stream is longer", wrong_length("3")),
        ("stream is shorter", wrong_length("5000")),
        ("length is zero", wrong_length("0")),
        ("length is missing", wrong_length("99 0 R")),
        ("length is an object", {
            let length = parts().content.len() - "<</Length 49>>\nstream\n\nendstream".len();
            let content = parts().content.replace(&format!("/Length {length}"), "/Length 6 0 R");
            Parts { content, more: vec![length.to_string()], ..parts() }.file()
        }),
        // Numbers.
        ("several minus signs", Parts::with_page("/D --3/E[---1 +-2 +]")),
        ("no digits", Parts::with_page("/D -/E[. -. - 0]/F .")),
        ("an unusual number in a plain dictionary", {
            Parts { page: page("/PieceInfo 6 0 R"), more: vec!["<</D --3/E[--1]>>".into()], ..parts() }.file()
        }),
        ("two dots", Parts::with_page("/D 1.2.3/E[1..2 .5.]")),
        ("an exponent", Parts::with_page("/D 1e3/E[-2.5E-1 7e]")),
        ("long numbers", {
            Parts::with_page("/D 00000000000000000000012/E[-99999999999999999999 123456789012345678901.5]")
        }),
        ("long media box", Parts::with_page("/MediaBox[0 0 00000000000000000000595 000000000000000000842.00]")),
        ("a minus inside", Parts::with_page("/D 12-34/E 0.-5")),
        ("unusual media box", Parts::with_page("/MediaBox[-- 0 595.0.0 842]")),
        ("unusual number in a note", {
            let more = vec!["<</Type/Annot/Subtype/Text/Rect[1 --2 30 40]/Contents(--3 \\) ->)>>".into()];
            Parts { page: page("/Annots[6 0 R]"), more, ..parts() }.file()
        }),
        // The page tree.
        ("direct page", Parts { pages: format!("<</Type/Pages/Kids[{direct}]/Count 1>>"), ..parts() }.file()),
        ("direct node", {
            let node = format!("<</Type/Pages/Parent 2 0 R/Count 1/Kids[{direct}]>>");
            Parts { pages: format!("<</Type/Pages/Kids[{node}]/Count 1>>"), ..parts() }.file()
        }),
        ("direct page in an array", {
            let more = vec![format!("[{direct}]")];
            Parts { pages: "<</Type/Pages/Kids 6 0 R/Count 1>>".into(), more, ..parts() }.file()
        }),
        ("direct tree", {
            let catalog = "<</Type/Catalog/Pages<</Type/Pages/Kids[3 0 R]/Count 1>>>>".into();
            Parts { catalog, page: page("").replace("2 0 R", "null"), ..parts() }.file()
        }),
        ("no types", {
            let (catalog, pages) = ("<</Pages 2 0 R>>".into(), "<</Kids[3 0 R]/Count 1>>".into());
            Parts { catalog, pages, page: page("").replace("/Type/Page/", "/"), ..parts() }.file()
        }),
        ("wrong count", Parts { pages: "<</Type/Pages/Kids[3 0 R]/Count 7>>".into(), ..parts() }.file()),
        ("no count", Parts { pages: "<</Type/Pages/Kids[3 0 R]>>".into(), ..parts() }.file()),
        ("no kids", Parts { page: page("/Kids null"), ..parts() }.file()),
        ("a tree of 300 nodes", {
            // Each node has the next as its only kid; the last has the page.
            let node = |number: usize| match number {
                6 => "<</Type/Pages/Kids[7 0 R]/Count 1/Parent 2 0 R>>".to_owned(),
                305 => "<</Type/Pages/Kids[3 0 R]/Count 1/Parent 304 0 R>>".to_owned(),
                _ => format!("<</Type/Pages/Kids[{} 0 R]/Count 1/Parent {} 0 R>>", number + 1, number - 1),
            };
            let pages = "<</Type/Pages/Kids[6 0 R]/Count 1/MediaBox[0 0 595 842]/Rotate 90>>".into();
            let page = page("/MediaBox null").replace("/Parent 2 0 R", "/Parent 305 0 R");
            Parts { pages, page, more: (6..=305).map(node).collect(), ..parts() }.file()
        }),
        ("loop", Parts { pages: "<</Type/Pages/Kids[2 0 R 3 0 R]/Count 1>>".into(), ..parts() }.file()),
        ("missing page", Parts { pages: "<</Type/Pages/Kids[9 0 R 3 0 R]/Count 2>>".into(), ..parts() }.file()),
        // The boxes.
        ("inherited box", {
            let pages = "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]/Rotate 90>>".into();
            Parts { pages, page: page("/MediaBox null"), ..parts() }.file()
        }),
        ("no media box", Parts { page: page("").replace("/MediaBox[0 0 595 842]", ""), ..parts() }.file()),
        ("large crop box", Parts::with_page("/CropBox[-500 -500 2000 2000]")),
        ("shifted crop box", Parts::with_page("/CropBox[300 400 2000 2000]")),
        ("crop box elsewhere", Parts::with_page("/CropBox[2000 2000 3000 3000]")),
        ("empty crop box", Parts::with_page("/CropBox[0 0 0 0]")),
        ("corners in another order", Parts::with_page("/CropBox[595 842 0 400]")),
        ("shifted media box", Parts::with_page("/MediaBox[-200 -300 395 760]/Rotate 270")),
        ("real rotation", Parts::with_page("/Rotate 90.0")),
        ("large rotation", Parts::with_page("/Rotate 450")),
        ("negative rotation", Parts::with_page("/Rotate -90")),
        ("odd rotation", Parts::with_page("/Rotate 45")),
        ("tiny page", Parts::with_page("/MediaBox[0 0 20 20]")),
    ];
    let given = FIXTURES.map(|name| (name, fixture(name)));
    files.into_iter().chain(given).collect()
}

/// Files in `tests/fixtures` that can be signed.
const FIXTURES: [&str; 12] = [
    "bytes-before-header.pdf",
    "certified-2.pdf",
    "certified-3.pdf",
    "crop-larger-than-media.pdf",
    "double-minus-in-page.pdf",
    "empty-fields.pdf",
    "field-locked.pdf",
    "linearized.pdf",
    "page-direct-in-kids.pdf",
    "rotate-as-real.pdf",
    "signed-by-others.pdf",
    "single-minus-in-page.pdf",
];

/// Reads a file in `tests/fixtures`.
pub(super) fn fixture(name: &str) -> Vec<u8> {
    let path = identkit_testkit::workspace("crates/synthetic/tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
