//! identity.TM: the settings of an account, for behavior that the document leaves open or that the support configures.

mod account;
mod ends;
mod lists;
mod results;
mod service;

use crate::support::*;

const ALL_TIME: &str = r#"{"Period":{"Begin":"2018-01-01T00:00:00Z","End":"2030-01-01T00:00:00Z"}}"#;

impl Harness {
    pub(crate) fn configured(change: impl FnOnce(&mut Settings)) -> Self {
        let bench = Self::new();
        bench.set_up(change);
        bench
    }

    async fn get_order(&self, path: &str, id: &OrderId) -> Answer {
        self.tm_call("GET", &path.replace("{}", id.expose()), "").await
    }
}

/// Returns each setting with its documentation.
fn settings() -> Vec<(String, String)> {
    let source = include_str!("../../../src/vendors/identity_tm/settings.rs");
    let (_, fields) = source.split_once("pub struct Settings {\n").unwrap();
    let (fields, _) = fields.split_once("\n}").unwrap();
    let mut found = Vec::new();
    let mut about = String::new();
    for line in fields.lines().map(str::trim) {
        match (line.strip_prefix("///"), line.strip_prefix("pub ")) {
            (Some(output), _) => about.push_str(output),
            (None, Some(field)) => {
                let (name, _) = field.split_once(':').unwrap();
                found.push((name.to_owned(), std::mem::take(&mut about)));
            }
            // JSON form and schema are tested in settings_by_name.rs.
            (None, None) if line.starts_with("#[serde(") || line.starts_with("#[schemars(") => {}
            (None, None) => panic!("neither a field nor its documentation: {line}"),
        }
    }
    found
}

#[test]
fn every_setting_has_a_reason_and_a_test() {
    let files = "settings/account settings/ends settings/lists settings/results settings/service \
        signing webhooks virtual_time media required account_urls inputs reuse network person";
    let read = |name| std::fs::read_to_string(format!("{}/tests/it/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let tests: String = files.split(' ').map(read).collect();
    let all = settings();
    assert!(all.len() > 30, "{}", all.len());
    for (name, about) in all {
        assert!(
            ["AT-", "(T-", "[T", "(M-"].iter().any(|reason| about.contains(reason)),
            "{name} has no reason: {about}"
        );
        let used = ["settings.", "set."].iter().any(|before| tests.contains(&format!("{before}{name}")));
        assert!(used, "{name} is in no test");
    }
}
