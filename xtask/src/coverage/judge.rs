//! The contract and the evidence side by side: counts, gaps, and what cannot be asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::contract::{Contract, Field};
use super::evidence::{Evidence, Stand};
use super::open::{Open, review};
use crate::finding::Finding;
use crate::table;

/// The vendors of the contract.
const VENDORS: [&str; 2] = ["identity.TM", "identify24"];

/// What every row of `fields.tsv` must have.
const ASKED: [&str; 3] = ["typed", "sandbox", "test"];

/// One thing that was asked for.
struct Answer<'a> {
    vendor: &'a str,
    /// The endpoint, or what else it belongs to.
    group: String,
    /// Which of the things asked for.
    what: &'static str,
    /// How it is called in the output.
    name: String,
    stand: Option<&'a Stand>,
    /// What would be evidence of it.
    wanted: &'static str,
}

/// The outcome.
pub(super) struct Judgement {
    /// Tables and lists, for people.
    pub(super) report: String,
    /// Every gap, and evidence of what is not asked for.
    pub(super) findings: Vec<Finding>,
}

/// The sort of evidence for one of the three things.
fn sort(what: &str, field: &Field) -> &'static str {
    match (what, field.request) {
        ("sandbox", true) => "sandbox-request",
        ("sandbox", false) => "sandbox-answer",
        ("typed", _) => "typed",
        _ => "test",
    }
}

/// Compares; `open` lists the rows that are not built yet, `verbose` shows everything.
pub(super) fn judge(
    contract: &Contract,
    evidence: &Evidence,
    tested: &BTreeMap<String, String>,
    open: &[(&str, Open)],
    verbose: bool,
) -> Judgement {
    let of_traps: BTreeMap<&str, Stand> =
        tested.iter().map(|(id, path)| (id.as_str(), Stand::Shown(path.clone()))).collect();
    let answers = answers(contract, evidence, &of_traps);
    let (list, mut findings) = review(open, &contract.rows, tested);
    let mut report = counts(&answers) + &list;
    let is_new = |name: &str| open.contains(&(name, Open::New));
    for answer in &answers {
        let Answer { vendor, group, what, name, wanted, .. } = answer;
        let gap = match answer.stand {
            Some(Stand::Shown(how)) => {
                if verbose {
                    report.push_str(&format!("{what}: {name}: {how}\n"));
                }
                continue;
            }
            Some(Stand::NotApplicable(why)) => {
                report.push_str(&format!("{what}: {name}: not applicable: {why}\n"));
                continue;
            }
            Some(Stand::Missing(why)) => format!("{name} ({vendor}, {group}) lacks {what}: {why}"),
            None if is_new(name) => continue,
            None => format!("{name} ({vendor}, {group}) lacks {what}: nothing tells of it: {wanted}"),
        };
        findings.push(Finding::new(gap));
    }
    findings.extend(unknown_vendors(contract));
    findings.extend(strangers(contract, evidence, tested));
    Judgement { report, findings }
}

fn answers<'a>(contract: &'a Contract, evidence: &'a Evidence, tested: &'a BTreeMap<&str, Stand>) -> Vec<Answer<'a>> {
    let mut answers = Vec::new();
    for field in &contract.fields {
        let direction = if field.request { "request" } else { "answer" };
        for what in ASKED {
            answers.push(Answer {
                vendor: &field.vendor,
                group: format!("{}, {direction}", field.endpoint),
                what,
                name: format!("{} {}", field.id, field.path),
                stand: evidence.of(sort(what, field), &field.id),
                wanted: "a vendor's rows are tried in crates/conformance/tests/it/coverage",
            });
        }
    }
    for code in &contract.statuses {
        answers.push(Answer {
            vendor: "identity.TM",
            group: "status codes".to_owned(),
            what: "status",
            name: format!("status {code}"),
            stand: evidence.of("status", code),
            wanted: "the codes are tried in crates/conformance/tests/it/coverage",
        });
    }
    for code in &contract.codes {
        answers.push(Answer {
            vendor: "identify24",
            group: "HTTP codes".to_owned(),
            what: "code",
            name: format!("HTTP {code}"),
            stand: evidence.of("code", code),
            wanted: "the codes are tried in crates/conformance/tests/it/coverage/identify24",
        });
    }
    for sample in &contract.samples {
        answers.push(Answer {
            vendor: &sample.vendor,
            group: "samples".to_owned(),
            what: "sample",
            name: format!("{} {}", sample.id, sample.content),
            stand: evidence.of("sample", &sample.id),
            wanted: "add it to the provider's fixtures, byte for byte",
        });
    }
    for trap in &contract.traps {
        answers.push(Answer {
            vendor: &trap.vendor,
            group: "traps".to_owned(),
            what: "trap",
            name: trap.id.clone(),
            stand: tested.get(trap.id.as_str()),
            wanted: "name a test of its decision after it, `at_38_…` for AT-38",
        });
    }
    answers
}

/// How many there are of each, and how many of them are shown.
fn counts(answers: &[Answer<'_>]) -> String {
    let shown = |some: &[&Answer<'_>]| {
        let shown = some.iter().filter(|answer| matches!(answer.stand, Some(Stand::Shown(_)))).count();
        let asked = some.iter().filter(|answer| !matches!(answer.stand, Some(Stand::NotApplicable(_)))).count();
        if some.is_empty() { String::new() } else { format!("{shown}/{asked}") }
    };
    let mut cells = vec![["vendor", "endpoint", "rows", "typed", "sandbox", "test"].map(str::to_owned)];
    let mut others = vec![["vendor", "what", "shown"].map(str::to_owned)];
    for vendor in VENDORS {
        let of_vendor: Vec<&Answer<'_>> = answers.iter().filter(|answer| answer.vendor == vendor).collect();
        let mut groups: Vec<&str> = Vec::new();
        for answer in &of_vendor {
            if !groups.contains(&answer.group.as_str()) {
                groups.push(&answer.group);
            }
        }
        let of = |group: Option<&str>, what: &str| -> Vec<&Answer<'_>> {
            let fits = |answer: &&&Answer<'_>| answer.what == what && group.is_none_or(|group| answer.group == group);
            of_vendor.iter().filter(fits).copied().collect()
        };
        let mut row = |name: &str, group: Option<&str>| {
            let [typed, sandbox, test] = ASKED.map(|what| of(group, what));
            let rows = typed.len().to_string();
            cells.push([vendor.to_owned(), name.to_owned(), rows, shown(&typed), shown(&sandbox), shown(&test)]);
        };
        for group in &groups {
            if !of(Some(group), "typed").is_empty() {
                row(group, Some(group));
            }
        }
        row("all", None);
        for (what, name) in
            [("status", "status codes"), ("code", "HTTP codes"), ("sample", "samples"), ("trap", "traps")]
        {
            let some = of(None, what);
            if !some.is_empty() {
                others.push([vendor.to_owned(), name.to_owned(), shown(&some)]);
            }
        }
    }
    format!("{}\n{}\n", table::render(&cells), table::render(&others))
}

/// A vendor that this check does not know would be passed over in silence.
fn unknown_vendors(contract: &Contract) -> Vec<Finding> {
    let named: BTreeSet<&str> = contract.fields.iter().map(|field| field.vendor.as_str()).collect();
    named
        .into_iter()
        .filter(|name| !VENDORS.contains(name))
        .map(|name| {
            Finding::new(format!(
                "docs/contract/fields.tsv names {name}, a vendor that this check does not know: enter it"
            ))
        })
        .collect()
}

/// Evidence and tests of what the contract does not have: a slip in a number would otherwise hide a gap.
fn strangers(contract: &Contract, evidence: &Evidence, tested: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (sort, id) in evidence.told() {
        let known = match sort {
            "status" => contract.statuses.iter().any(|code| code == id),
            "code" => contract.codes.iter().any(|code| code == id),
            "sample" => contract.samples.iter().any(|sample| sample.id == id),
            "typed" | "test" => contract.fields.iter().any(|field| field.id == id),
            "sandbox-request" => contract.fields.iter().any(|field| field.id == id && field.request),
            "sandbox-answer" => contract.fields.iter().any(|field| field.id == id && !field.request),
            _ => false,
        };
        if !known {
            findings.push(Finding::new(format!("a test tells of {sort} {id}, which the contract does not have")));
        }
    }
    for (trap, path) in tested {
        if !contract.rows.contains(trap) {
            findings.push(Finding::new(format!(
                "{path} has a test named after {trap}, which is no row of the contract: correct the number"
            )));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::contract::tests::{FIELDS, PAGE, SAMPLES, STATUSES};
    use super::*;

    const EVIDENCE: &str = "typed\tF-001\tshown\tx\nsandbox-request\tF-001\tshown\tx\ntest\tF-001\tnot-applicable\tread only\n\
        typed\tF-002\tshown\tx\nsandbox-answer\tF-002\tshown\tx\ntest\tF-002\tshown\tx\n\
        status\t3\tshown\tx\nstatus\t6\tshown\tx\nsample\tS-002\tshown\tx\n\
        typed\tF-003\tshown\tx\nsandbox-request\tF-003\tshown\tx\ntest\tF-003\tshown\tx\n\
        sample\tS-001\tshown\tx\ncode\t200\tshown\tx\ncode\t500\tshown\tx\ncode\t502\tshown\tx\n";

    fn judged(fields: &str, statuses: &str, samples: &str, evidence: &str, traps: &[&str]) -> (String, Vec<String>) {
        let contract = Contract::read(fields, statuses, samples, PAGE).unwrap();
        let mut told = Evidence::default();
        told.add(evidence).unwrap();
        let tested = traps.iter().map(|trap| ((*trap).to_owned(), "crates/x/a.rs".to_owned())).collect();
        let Judgement { report, findings } = judge(&contract, &told, &tested, &[("AT-02", Open::New)], false);
        (report, findings.iter().map(ToString::to_string).collect())
    }

    /// AT-02 is open.
    const TRAPS: &[&str] = &["AT-01", "AI-01"];

    #[test]
    fn a_contract_that_is_covered_has_no_finding_and_shows_its_counts_and_exceptions() {
        let (report, findings) = judged(FIELDS, STATUSES, SAMPLES, EVIDENCE, TRAPS);
        assert_eq!(findings, Vec::<String>::new());
        assert!(report.contains("identity.TM  PUT /putOrder, request  1     1/1    1/1      0/0"), "{report}");
        assert!(report.contains("identity.TM  all                     2     2/2    2/2      1/1"), "{report}");
        assert!(report.contains("test: F-001 Ref: not applicable: read only"), "{report}");
        assert!(report.contains("identify24   HTTP codes    3/3"), "{report}");
        assert!(report.contains("open rows: new 1 (AT-02), amended 0 ()"), "{report}");
        assert!(report.contains("identity.TM  status codes  2/2"), "{report}");
        assert!(report.contains("identify24   traps         1/1"), "{report}");
    }

    #[test]
    fn a_row_too_many_lacks_all_three() {
        let fields = format!("{FIELDS}F-004\tidentity.TM\tGET /getStatus\tresp\tColour\tS\t\tN\t\n");
        let (_, findings) = judged(&fields, STATUSES, SAMPLES, EVIDENCE, TRAPS);
        assert_eq!(findings.len(), 3, "{findings:?}");
        for (finding, what) in findings.iter().zip(ASKED) {
            let start = format!("F-004 Colour (identity.TM, GET /getStatus, answer) lacks {what}: nothing tells of it");
            assert!(finding.starts_with(&start), "{finding}");
        }
    }

    #[test]
    fn each_sort_of_evidence_that_is_missing_is_a_gap_of_its_own() {
        for line in EVIDENCE.lines() {
            let without: String = EVIDENCE.lines().filter(|one| *one != line).map(|one| format!("{one}\n")).collect();
            let (_, findings) = judged(FIELDS, STATUSES, SAMPLES, &without, TRAPS);
            assert_eq!(findings.len(), 1, "{line}: {findings:?}");
            let told = line
                .replace("\tshown\tx", "\tmissing\tit was lost")
                .replace("\tnot-applicable\tread only", "\tmissing\tit was lost");
            let (_, findings) = judged(FIELDS, STATUSES, SAMPLES, &format!("{without}{told}\n"), TRAPS);
            assert_eq!(findings.len(), 1, "{line}: {findings:?}");
            assert!(findings.iter().all(|finding| finding.contains(": it was lost")), "{findings:?}");
        }
    }

    #[test]
    fn a_status_code_a_sample_and_a_trap_without_evidence_are_gaps() {
        let statuses = format!("{STATUSES}103\t\t\t\t\t\t\t\t\n");
        let (_, findings) = judged(FIELDS, &statuses, SAMPLES, EVIDENCE, TRAPS);
        assert!(matches!(&findings[..], [one] if one.starts_with("status 103 ")), "{findings:?}");
        let samples = format!("{SAMPLES}S-003\tT\t9\t\tjson\tanswer\tyes\t\n");
        let (_, findings) = judged(FIELDS, STATUSES, &samples, EVIDENCE, TRAPS);
        assert!(matches!(&findings[..], [one] if one.starts_with("S-003 answer ")), "{findings:?}");
        let (_, findings) = judged(FIELDS, STATUSES, SAMPLES, EVIDENCE, &["AI-01"]);
        assert!(
            matches!(&findings[..], [one] if one.starts_with("AT-01 ") && one.contains("name a test")),
            "{findings:?}"
        );
    }

    #[test]
    fn what_the_contract_does_not_have_is_found_too() {
        for line in [
            "typed\tF-999\tshown\tx",
            "sandbox-answer\tF-001\tshown\tx",
            "status\t7\tshown\tx",
            "code\t418\tshown\tx",
            "smell\tF-001\tshown\tx",
        ] {
            let (_, findings) = judged(FIELDS, STATUSES, SAMPLES, &format!("{EVIDENCE}{line}\n"), TRAPS);
            assert!(matches!(&findings[..], [one] if one.contains("does not have")), "{line}: {findings:?}");
        }
        let (_, findings) = judged(FIELDS, STATUSES, SAMPLES, EVIDENCE, &["AT-01", "AI-01", "AT-99"]);
        assert!(matches!(&findings[..], [one] if one.contains("named after AT-99")), "{findings:?}");
        let fields = FIELDS.replace("identify24", "a third");
        let (_, findings) = judged(&fields, STATUSES, SAMPLES, EVIDENCE, TRAPS);
        assert!(matches!(&findings[..], [one] if one.contains("names a third")), "{findings:?}");
    }
}
