//! The 55 status codes of identity.TM, and the samples of both documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use identkit_identity_tm::{CATALOGUE, DEFAULT_BASE_URL, OrderFlavor, StatusKind};
use identkit_mock_server::Profile;
use identkit_testkit::{block_on, workspace};
use identkit_wire::Dts;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::coverage::document::ORDER;
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::harness::Harness;
use crate::coverage::rows::IDENTITY_TM;

fn table(text: &'static str) -> Vec<Vec<&'static str>> {
    text.lines().skip(1).map(|line| line.split('\t').collect()).collect()
}

fn plain_order() -> Value {
    json!({
        "Ref": "ref-1", "Product": 12, "Add": 0, "Email": "e.mustermann@example.com", "Mobile": "+491701234567",
        "Address": {"Firstname": "Erika", "Surname": "Mustermann", "Country": "DE"},
    })
}

/// Checks both texts of a code, whether it is final, and that the sandbox returns it.
async fn status(row: &[&str]) -> Stand {
    let [code, english, german, _, without, with, ..] = row[..] else { panic!("a status row lacks columns: {row:?}") };
    let code: u32 = code.parse().unwrap();
    let Some(text) = CATALOGUE.iter().find(|text| text.kind == StatusKind(code)) else {
        return Stand::Missing("the client's catalogue does not contain it: add it".into());
    };
    if (text.english, text.german) != (english, german) {
        return Stand::Missing("the client's catalogue has another text than the document".into());
    }
    let final_for = |flavor| if StatusKind(code).is_final(flavor) { "yes" } else { "no" };
    if (final_for(OrderFlavor::IdentOnly), final_for(OrderFlavor::Qes)) != (without, with) {
        return Stand::Missing("the client and the document disagree on whether it is final".into());
    }
    let harness = Harness::new(Profile::Literal);
    let order = harness.place(&plain_order()).await;
    harness.set_status(&order, code);
    let read = harness.call("GET", &format!("/getStatus/{order}/ExtendedList"), "").await.json().unwrap_or_default();
    let is_listed = read["Status"].as_array().is_some_and(|entries| entries.iter().any(|entry| entry["Kind"] == code));
    if is_listed {
        Stand::Shown("both texts, final or not, returned by the sandbox".into())
    } else {
        Stand::Missing("the sandbox does not return it after it was set".into())
    }
}

#[tokio::test]
async fn status_codes_equal_the_document() {
    let rows = table(include_str!("../../../../../docs/contract/status.tsv"));
    let mut evidence = Evidence::new(IDENTITY_TM, "status");
    for row in &rows {
        evidence.add(row[0], status(row).await);
    }
    evidence.assert_complete();
    assert_eq!((rows.len(), CATALOGUE.len()), (55, 55), "number of codes");
}

/// A sample of the contract's list.
pub(crate) struct Sample<'a> {
    id: &'a str,
    document: &'a str,
    lines: &'a str,
    pub(crate) section: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) content: &'a str,
}

/// The fixtures of both providers by sample: file, lines, hash. Checks that the manifests list every file, and that the
/// provider's tests name it.
fn fixtures() -> BTreeMap<String, Vec<(PathBuf, String, String)>> {
    let mut fixtures: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (provider, tests) in [("identify24", "documents.rs"), ("identity-tm", "ground_truth.rs")] {
        let folder = workspace("crates").join(provider).join("fixtures");
        let tests = std::fs::read_to_string(folder.join("../tests/it").join(tests)).unwrap();
        let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: BTreeSet<String> = files.filter(|name| name.starts_with("S-")).collect();
        let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).unwrap();
        let mut lines = manifest.lines();
        let heading: Vec<&str> = lines.next().unwrap().split('\t').collect();
        let column = |name: &str| heading.iter().position(|column| *column == name).unwrap();
        let (file, sample, place, sha256) = (column("file"), column("sample"), column("lines"), column("sha256"));
        for line in lines {
            let columns: Vec<&str> = line.split('\t').collect();
            let name = columns[file];
            assert!(files.remove(name), "{name} is missing");
            assert!(tests.contains(&format!("\"{name}\"")), "{name} is read by no test");
            let reads = serde_json::from_slice::<Value>(&std::fs::read(folder.join(name)).unwrap()).is_ok();
            assert_eq!(reads, columns[column("valid_json")] == "yes", "{name}");
            let entry = (folder.join(columns[file]), columns[place].to_owned(), columns[sha256].to_owned());
            fixtures.entry(columns[sample].to_owned()).or_default().push(entry);
        }
        assert_eq!(files, BTreeSet::new(), "files that are not in the manifest");
    }
    fixtures
}

fn fixture(sample: &Sample<'_>, files: &[(PathBuf, String, String)]) -> Stand {
    for (file, lines, sha256) in files {
        let Ok(bytes) = std::fs::read(file) else {
            return Stand::Missing(format!("its fixture {} is missing", file.file_name().unwrap().display()));
        };
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if hash != *sha256 || !lines.starts_with(sample.lines.split('-').next().unwrap()) {
            return Stand::Missing("its fixture differs from the manifest or the contract".into());
        }
    }
    Stand::Shown(format!("{} fixture(s), equal to the manifest", files.len()))
}

/// Checks that the sandbox knows a URL of the document, or that it is the client's base URL.
fn url(content: &str) -> Stand {
    if content.starts_with("https://") {
        return if DEFAULT_BASE_URL.trim_end_matches('/') == content.trim_end_matches('/') {
            Stand::Shown("the client's base URL".into())
        } else {
            Stand::Missing("it is not the client's base URL".into())
        };
    }
    let Some((method, path)) = content.split_once(' ') else { return Stand::Missing("the method is missing".into()) };
    // The sandbox accepts a printed version segment.
    let path = path.trim_start_matches('…').replace("OrderID", ORDER);
    let versioned = path.starts_with("/2.");
    let path = if versioned { format!("/api{path}") } else { path };
    let answer = block_on(async { Harness::new(Profile::Literal).call(method, &path, "").await });
    if answer.is_known_call() {
        Stand::Shown("known to the sandbox".into())
    } else {
        Stand::Missing(format!("the sandbox does not know it: {}", answer.status))
    }
}

/// Checks a value in the notation of the document; its type follows in parentheses.
fn literal(content: &str) -> Stand {
    let (text, kind) = content.strip_suffix(')').and_then(|content| content.split_once(" (")).unwrap();
    let accepts = |change: Value| {
        let mut order = plain_order();
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        block_on(async {
            Harness::new(Profile::Strict).call("PUT", "/putOrder", order.to_string()).await.status == 202
        })
    };
    let country = |code: &str| json!({"Address": {"Firstname": "Erika", "Surname": "Mustermann", "Country": code}});
    let accepted = match kind {
        "DTS" => Dts::parse(text).timestamp().is_some(),
        "PN" => accepts(json!({ "Mobile": text })),
        "CC" => text.split(", ").all(|code| accepts(country(code))),
        _ => false,
    };
    if accepted {
        Stand::Shown("read, or accepted in an order".into())
    } else {
        Stand::Missing("it is rejected".into())
    }
}

fn sample(sample: &Sample<'_>, fixtures: &BTreeMap<String, Vec<(PathBuf, String, String)>>) -> Stand {
    if let Some(files) = fixtures.get(sample.id) {
        return fixture(sample, files);
    }
    match sample.kind {
        _ if sample.document == "I" => crate::coverage::identify24::samples::stand(sample),
        "diagram" => Stand::NotApplicable("a picture, which the text version lacks".into()),
        "ip ranges" | "host list" => Stand::NotApplicable("addresses for network administrators, not a message".into()),
        "url" if sample.content.starts_with("ws") => {
            Stand::NotApplicable("addresses for network administrators, not a message".into())
        }
        "url" | "url template" => url(sample.content),
        "literal" => literal(sample.content),
        _ => Stand::Missing("it has no fixture: add one to the provider's fixtures, byte for byte".into()),
    }
}

#[test]
fn every_sample_is_a_fixture_or_accepted_as_printed() {
    let fixtures = fixtures();
    let mut evidence = Evidence::new(IDENTITY_TM, "sample");
    for row in table(include_str!("../../../../../docs/contract/samples.tsv")) {
        let [id, document, lines, section, kind, content, ..] = row[..] else {
            panic!("a sample row lacks columns: {row:?}")
        };
        evidence.add(id, sample(&Sample { id, document, lines, section, kind, content }, &fixtures));
    }
    evidence.assert_complete();
}
