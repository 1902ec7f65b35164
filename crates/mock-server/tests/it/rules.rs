//! The table of rules matches the code that enforces them.

use crate::support::*;
use identkit_mock_server::{
    rules as table,
    rules::{Rule, Scope, Source, Switchable},
    vendors::rules,
};
use std::path::{Path, PathBuf};

fn crates() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads the sources below a folder, without the tables and without unit tests.
fn sources(folder: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                sources(&path, into);
            }
        } else if !path.ends_with("rules.rs") && path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push(text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned());
        }
    }
}

fn of_crate(name: &str) -> Vec<String> {
    let mut all = Vec::new();
    sources(&crates().join(name).join("src"), &mut all);
    assert!(!all.is_empty());
    all
}

/// Returns string literals that look like an id.
fn ids(text: &str) -> BTreeSet<&str> {
    let is_id = |word: &&str| {
        let (letters, rest) = word.split_once('-').unwrap_or_default();
        let id =
            matches!(letters, "T" | "I" | "AT" | "AI" | "M" | "F") && rest.starts_with(|c: char| c.is_ascii_digit());
        id || word.starts_with("1.9") || *word == "sandbox"
    };
    // Text after each quotation mark, opening or closing: no id follows a closing one.
    let quoted = text.match_indices('"').filter_map(|(at, _)| text[at + 1..].split('"').next());
    quoted.filter(is_id).collect()
}

/// Returns the name of the constant that declares a rule.
fn constant(rule: &Rule) -> String {
    let name = rule.id.replace(['-', '/', '.'], "_").to_uppercase();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("R_{name}") } else { name }
}

/// Returns the rules whose constants follow one of these prefixes.
fn named_behind(text: &str, begins: &[&str]) -> Vec<&'static Rule> {
    let rest = begins.iter().flat_map(|begin| text.split(begin).skip(1));
    let name = |rest: &str| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap().to_owned();
    let names: BTreeSet<String> = rest.map(name).collect();
    rules().into_iter().filter(|rule| names.contains(&constant(rule))).collect()
}

/// Returns the rules that the code checks.
fn asked_for(text: &str) -> BTreeSet<&'static str> {
    let asked = named_behind(text, &["enforces(&rules::", "enforce(&rules::", "wait_rule: Some(&rules::"]);
    asked.iter().map(|rule| rule.id).collect()
}

/// Returns the contract ids of the rules that rejections name.
fn rejected_by(text: &str) -> BTreeSet<&'static str> {
    let asked = text.replace("enforces(&rules::", "").replace("enforce(&rules::", "");
    named_behind(&asked, &["rules::"]).iter().map(|rule| rule.contract_id()).collect()
}

#[test]
fn rule_ids_are_unique_and_in_the_contract() {
    let all: BTreeSet<_> = rules().into_iter().map(|rule| rule.id).collect();
    assert_eq!(all.len(), rules().len());
    let contract = std::fs::read_to_string(crates().join("../docs/contract/contract.md")).unwrap();
    let fields = std::fs::read_to_string(crates().join("../docs/contract/fields.tsv")).unwrap();
    for rule in rules() {
        assert!(rule.says.len() > 10 && !rule.says.ends_with('.'), "{}", rule.id);
        let section = match rule.source {
            Source::Vendor("identity-tm") => rule.section.starts_with("[T] "),
            Source::Vendor(_) => rule.section.starts_with("[I] ") || rule.section == "sandbox",
            _ => rule.section == "sandbox",
        };
        assert!(section, "{}", rule.id);
        let id = rule.contract_id();
        let row = |text: &str| {
            text.lines().any(|line| line.contains(&format!("{id} ")) || line.starts_with(&format!("{id}\t")))
        };
        assert!(id == "sandbox" || row(&contract) || row(&fields), "{id} is not in docs/contract");
    }
}

#[test]
fn code_and_table_have_the_same_rules() {
    let ours = of_crate("mock-server").join("\n");
    let asked = asked_for(&ours);
    let of_table: BTreeSet<_> =
        rules().into_iter().filter(|rule| rule.switch == Switchable::Yes).map(|rule| rule.id).collect();
    let unknown: Vec<_> = asked.difference(&of_table).collect();
    assert!(unknown.is_empty(), "checked by code, but not in the table or permanent: {unknown:?}");
    // Rules that the clients' validation reports are filtered by their ids.
    let shared = [of_crate("identity-tm").join("\n"), of_crate("identify24").join("\n"), ours.clone()].join("\n");
    let shared = ids(&shared);
    let idle: Vec<_> = of_table.difference(&asked).filter(|id| !shared.contains(**id)).collect();
    assert!(idle.is_empty(), "in the table, but not checked by code: {idle:?}");
}

#[test]
fn rejections_of_the_sandbox_name_rules_of_the_table() {
    let ours = of_crate("mock-server").join("\n");
    let unknown: Vec<_> = ids(&ours).into_iter().filter(|id| !id.contains('/') && !knows_rule(id)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let reported: BTreeSet<_> = ids(&ours).into_iter().chain(rejected_by(&ours)).collect();
    for rule in rules().into_iter().filter(|rule| rule.switch != Switchable::Yes) {
        // M-14 is reported when listeners start, not by a violation.
        let known = reported.contains(rule.contract_id()) || matches!(rule.id, "AT-42" | "M-14");
        assert!(known, "{} is never reported", rule.id);
    }
}

#[tokio::test]
async fn a_rule_that_is_off_rejects_nothing() {
    let order = r#"{"Product":12,"Add":0,"Email":"nobody","Address":{"Firstname":"Erika","Surname":"Mustermann","Country":"DE"}}"#;
    let bench = Harness::new();
    bench.tm_call("PUT", "/putOrder", order).await.refused(400, "Email", "AT-47", "[T] 3.1.3");
    let bench = Harness::with(|builder| builder.without_rule("AT-47").unwrap());
    assert_eq!(bench.tm_call("PUT", "/putOrder", order).await.status, 202);
    bench.tm_call("PUT", "/putOrder", "{}").await.refused(400, "Email", "T-056", "[T] 3.1.3");
}

#[test]
fn unknown_and_permanent_rules_cannot_be_switched_off() {
    let refused = |id: &str| Sandbox::builder().without_rule(id).unwrap_err();
    assert!(matches!(refused("AT-620"), table::NoSwitch::Unknown { near, .. } if near.contains(&"AT-62")));
    assert!(matches!(refused("T-060"), table::NoSwitch::Never { id: "T-060", .. }));
}

#[test]
fn shared_checks_name_rules_of_the_table() {
    let read = |path: &str| std::fs::read_to_string(crates().join(path)).unwrap();
    for (path, parts, otherwise) in [
        // Warnings, and what the sandbox's dialect allows because the document does not forbid it.
        (
            "identity-tm/src/validate.rs",
            &["normal", "signing", "text", "unlisted"][..],
            &["AT-19", "AT-20", "AT-21", "AT-34", "T-053"][..],
        ),
        ("identify24/src/writer.rs", &[], &["AI-18", "AI-21", "AI-24", "I-022"]),
    ] {
        let parts = parts.iter().map(|part| path.replace(".rs", &format!("/{part}.rs")));
        let texts: Vec<String> = parts.chain([path.to_owned()]).map(|path| read(&path)).collect();
        let ids: BTreeSet<_> = texts.iter().flat_map(|text| ids(text.split("#[cfg(test)]").next().unwrap())).collect();
        assert!(ids.len() > 5, "{path} has rules");
        let of_table = |id: &str| rules().into_iter().any(|rule| rule.id == id);
        let unknown: Vec<_> = ids.iter().filter(|id| !of_table(id) && !otherwise.contains(id)).collect();
        assert!(unknown.is_empty(), "{unknown:?} of {path} cannot be switched off by id");
        assert!(otherwise.iter().all(|id| ids.contains(id)), "{path}");
    }
}

/// Permanent rules cannot be tested by switching them off, so each must reject a request.
#[tokio::test]
async fn each_permanent_rule_rejects_a_request() {
    let bench = Harness::new();
    let token = bench.token().await;
    let mut reported: BTreeSet<String> = BTreeSet::new();
    let mut expect = |answer: &Answer, status: u16| {
        assert_eq!(answer.status, status, "{}", answer.text());
        reported.insert(answer.rule());
    };
    expect(&bench.tm_call("POST", "/putOrder", "{}").await, 405);
    expect(&bench.tm_call("GET", "/getNothing", "").await, 404);
    expect(&bench.tm_call("PUT", "/putOrder", "{").await, 400);
    expect(&bench.tm_call("GET", "/getStatus/9992UNKNOWN", "").await, 404);
    let id = bench.ended(order(), "negative").await;
    assert_eq!(bench.tm_call("DELETE", &format!("/delIdentdata/{}", id.expose()), "").await.status, 202);
    let data = format!("/getIdentData/{}", id.expose());
    expect(&bench.tm_call("GET", &data, "").await, 404);
    expect(&bench.i24_call(&token, "GET", "/ident/nothing/at/all", "").await, 404);
    expect(&bench.i24_call(&token, "PATCH", "/project/getAll", "").await, 405);
    expect(&bench.i24_call(&token, "POST", "/ident/create", "{").await, 400);
    expect(&bench.i24_call(&token, "GET", "/ident/get/nobody", "").await, 404);
    // An order with an unsignable document is rejected; without that rule the signed document cannot be created.
    let open = Harness::with(|builder| builder.without_rule("AT-86").unwrap());
    let broken = order().product(15_u32).sign_pdf(OneOrMany::One(SignPdf::default().data(Blob::Text("AAAA".into()))));
    let broken = open.tm_call("PUT", "/putOrder", serde_json::to_vec(&broken).unwrap()).await;
    let broken = broken.json()["OrderID"].as_str().unwrap().to_owned();
    open.play(&broken, "signed").await;
    expect(&open.tm_call("GET", &format!("/getESignPDF/{broken}"), "").await, 500);
    let mut refused =
        |refused: Rejection| reported.extend(refused.violations.iter().map(|fault| fault.rule.to_owned()));
    refused(bench.begin(EXAMPLE_IDENT, "nonsense").unwrap_err());
    refused(bench.begin(bench.place(order()).await.expose(), "nonsense").unwrap_err());
    refused(bench.sandbox.set_up(&json!({ "nobody": {} }).as_object().unwrap().clone()).unwrap_err());
    let elsewhere = [
        ("AT-42", "the reader never treats a listed element as unlisted"),
        ("M-10", "the admin API, in tests/it/network.rs"),
        ("M-15", "the person, in tests/it/person.rs"),
        ("M-14", "what starts the listeners, in tests/it/network.rs"),
    ];
    let stay = rules().into_iter().filter(|rule| rule.switch != Switchable::Yes).map(|rule| rule.id);
    let missing: Vec<_> =
        stay.filter(|id| !reported.contains(*id) && !elsewhere.iter().any(|(other, _)| other == id)).collect();
    assert!(missing.is_empty(), "{missing:?} of {reported:?}");
}

/// Returns the expected text of `docs/rules.md`.
fn documented() -> String {
    let mut text = String::from(
        "# The rules of the sandbox\n\n\
         This table lists every rule that the sandbox enforces. To switch off a rule in a Rust test, \
         pass its id: `Sandbox::builder().without_rule(\"AT-62\")`.\n\n\
         The ids are those of [The contract](contract/contract.md); if one requirement needs several rules, each has a suffix \
         after a slash. The column *profile* says which profiles enforce the rule. [The sandbox: how-to](sandbox-control.md) \
         explains the profiles and when to switch off a rule.\n\n\
         A test compares this page with the sources in `crates/mock-server/src`. To write it again, run \
         `IDENTKIT_WRITE_RULES=1 cargo test -p identkit-mock-server --test it rules::`.\n\n\
         | rule | document | profile | what it says | can be off |\n|---|---|---|---|---|\n",
    );
    for rule in rules() {
        let profile = match rule.profiles {
            Scope::Every => "every",
            Scope::Literal => "`literal`",
            Scope::Strict => "`strict`",
        };
        let off = match rule.switch {
            Switchable::Yes => "yes".to_owned(),
            Switchable::No(reason) => format!("no: {reason}"),
        };
        text += &format!("| `{}` | {} | {profile} | {} | {off} |\n", rule.id, rule.section, rule.says);
    }
    text
}

#[test]
fn docs_rules_md_matches_the_table() {
    let path = crates().join("../docs/rules.md");
    if std::env::var_os("IDENTKIT_WRITE_RULES").is_some() {
        std::fs::write(&path, documented()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, documented(), "docs/rules.md is outdated: run this test with IDENTKIT_WRITE_RULES=1");
}
