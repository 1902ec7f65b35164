//! The 55 status codes, and the samples of the document.

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

/// Both texts and both verdicts of the client, and the sandbox that can set the code and tells it.
async fn status(row: &[&str]) -> Stand {
    let [code, english, german, _, without, with, ..] = row[..] else { panic!("a status row lacks columns: {row:?}") };
    let code: u32 = code.parse().unwrap();
    let Some(text) = CATALOGUE.iter().find(|text| text.kind == StatusKind(code)) else {
        return Stand::Missing("the client's catalogue does not have it: add it".into());
    };
    if (text.english, text.german) != (english, german) {
        return Stand::Missing("the client's catalogue has another text than the document".into());
    }
    let final_for = |flavor| if StatusKind(code).is_final(flavor) { "yes" } else { "no" };
    if (final_for(OrderFlavor::IdentOnly), final_for(OrderFlavor::Qes)) != (without, with) {
        return Stand::Missing("the client judges it otherwise than the document's lists of final codes".into());
    }
    let harness = Harness::new(Profile::Literal);
    let order = harness.place(&plain_order()).await;
    harness.set_status(&order, code);
    let told = harness.call("GET", &format!("/getStatus/{order}/ExtendedList"), "").await.json().unwrap_or_default();
    let is_told = told["Status"].as_array().is_some_and(|entries| entries.iter().any(|entry| entry["Kind"] == code));
    if is_told {
        Stand::Shown("both texts, both verdicts, told by the sandbox".into())
    } else {
        Stand::Missing("the sandbox does not tell it once it is set".into())
    }
}

#[tokio::test]
async fn all_status_codes_stand_as_in_the_document() {
    let rows = table(include_str!("../../../../../docs/contract/status.tsv"));
    let mut evidence = Evidence::of(IDENTITY_TM, "status");
    for row in &rows {
        evidence.add(row[0], status(row).await);
    }
    evidence.assert_complete();
    assert_eq!((rows.len(), CATALOGUE.len()), (55, 55), "none is invented");
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

/// The fixtures by sample, over both providers: the file, its lines and its hash. No file is missing, none unmentioned,
/// and each is named by the provider's tests of the document's samples.
fn fixtures() -> BTreeMap<String, Vec<(PathBuf, String, String)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
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
            assert!(files.remove(name), "{name} is not there");
            assert!(tests.contains(&format!("\"{name}\"")), "{name} is read by no test");
            let reads = serde_json::from_slice::<Value>(&std::fs::read(folder.join(name)).unwrap()).is_ok();
            assert_eq!(reads, columns[column("valid_json")] == "yes", "{name}");
            let entry = (folder.join(columns[file]), columns[place].to_owned(), columns[sha256].to_owned());
            found.entry(columns[sample].to_owned()).or_default().push(entry);
        }
        assert_eq!(files, BTreeSet::new(), "not in the manifest");
    }
    found
}

fn fixture(sample: &Sample<'_>, files: &[(PathBuf, String, String)]) -> Stand {
    for (file, lines, sha256) in files {
        let Ok(bytes) = std::fs::read(file) else {
            return Stand::Missing(format!("its fixture {} is gone", file.file_name().unwrap().display()));
        };
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if hash != *sha256 || !lines.starts_with(sample.lines.split('-').next().unwrap()) {
            return Stand::Missing("its fixture is not what the manifest and the contract say".into());
        }
    }
    Stand::Shown(format!("{} fixture(s), as the manifest says", files.len()))
}

/// A URL of the document: whether the sandbox knows the call.
fn url(content: &str) -> Stand {
    if content.starts_with("https://") {
        return if DEFAULT_BASE_URL.trim_end_matches('/') == content.trim_end_matches('/') {
            Stand::Shown("the client's base".into())
        } else {
            Stand::Missing("it is not the client's base".into())
        };
    }
    let Some((method, path)) = content.split_once(' ') else { return Stand::Missing("no method is printed".into()) };
    // A version segment, where one is printed, is the sandbox's to accept.
    let path = path.trim_start_matches('…').replace("OrderID", ORDER);
    let versioned = path.starts_with("/2.");
    let path = if versioned { format!("/api{path}") } else { path };
    let answer = block_on(async { Harness::new(Profile::Literal).call(method, &path, "").await });
    if answer.is_of_a_call() {
        Stand::Shown("the sandbox answers it as printed".into())
    } else {
        Stand::Missing(format!("the sandbox does not answer it as printed: {}", answer.status))
    }
}

/// A value in the notation of the document's types, told in brackets behind it.
fn literal(content: &str) -> Stand {
    let (text, kind) = content.strip_suffix(')').and_then(|content| content.split_once(" (")).unwrap();
    let takes = |change: Value| {
        let mut order = plain_order();
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        block_on(async {
            Harness::new(Profile::Strict).call("PUT", "/putOrder", order.to_string()).await.status == 202
        })
    };
    let country = |code: &str| json!({"Address": {"Firstname": "Erika", "Surname": "Mustermann", "Country": code}});
    let right = match kind {
        "DTS" => Dts::parse(text).timestamp().is_some(),
        "PN" => takes(json!({ "Mobile": text })),
        "CC" => text.split(", ").all(|code| takes(country(code))),
        _ => false,
    };
    if right { Stand::Shown("read, or taken in an order".into()) } else { Stand::Missing("it is not taken".into()) }
}

fn sample(sample: &Sample<'_>, fixtures: &BTreeMap<String, Vec<(PathBuf, String, String)>>) -> Stand {
    if let Some(files) = fixtures.get(sample.id) {
        return fixture(sample, files);
    }
    match sample.kind {
        _ if sample.document == "I" => crate::coverage::identify24::samples::stand(sample),
        "diagram" => Stand::NotApplicable("a picture that the document's text has lost".into()),
        "ip ranges" | "host list" => Stand::NotApplicable("addresses for people who run networks, no message".into()),
        "url" if sample.content.starts_with("ws") => {
            Stand::NotApplicable("addresses for people who run networks, no message".into())
        }
        "url" | "url template" => url(sample.content),
        "literal" => literal(sample.content),
        _ => Stand::Missing("no fixture: add it to the provider's fixtures, byte for byte".into()),
    }
}

#[test]
fn every_sample_of_the_document_is_a_fixture_or_is_understood_as_printed() {
    let fixtures = fixtures();
    let mut evidence = Evidence::of(IDENTITY_TM, "sample");
    for row in table(include_str!("../../../../../docs/contract/samples.tsv")) {
        let [id, document, lines, section, kind, content, ..] = row[..] else {
            panic!("a sample row lacks columns: {row:?}")
        };
        evidence.add(id, sample(&Sample { id, document, lines, section, kind, content }, &fixtures));
    }
    evidence.assert_complete();
}
