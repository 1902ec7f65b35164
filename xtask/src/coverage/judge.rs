//! Compares the contract with the evidence: counts, gaps, and evidence of unknown ids.

use std::collections::BTreeSet;

use super::contract::{Contract, Demand, VENDORS};
use super::evidence::{Evidence, Status};
use super::open::{Open, review};
use crate::table;

/// Returns a report and the findings: gaps, and evidence of unknown ids. `open` lists the rows that are not built yet;
/// with `verbose` the report lists covered rows too.
pub(super) fn judge(contract: &Contract, evidence: &Evidence, open: &Open<'_>, verbose: bool) -> (String, Vec<String>) {
    let (list, mut findings) = review(open, &contract.rows, evidence);
    let mut report = counts(&contract.demands, evidence) + &list;
    for demand in &contract.demands {
        let Demand { vendor, group, name, .. } = demand;
        let what = demand.what();
        match evidence.get(demand.sort, &demand.id) {
            Some(Status::Shown(how)) if verbose => report.push_str(&format!("{what}: {name}: {how}\n")),
            Some(Status::Shown(_)) => {}
            Some(Status::NotApplicable(why)) => report.push_str(&format!("{what}: {name}: not applicable: {why}\n")),
            Some(Status::Missing(why)) => findings.push(format!("{name} ({vendor}, {group}) lacks {what}: {why}")),
            None if open.new.contains(&name.as_str()) => {}
            None => {
                let hint = hint(what);
                findings.push(format!("{name} ({vendor}, {group}) lacks {what}: evidence is missing: {hint}"));
            }
        }
    }
    findings.extend(unknown(contract, evidence));
    (report, findings)
}

fn hint(what: &str) -> &'static str {
    match what {
        "status" => "crates/conformance/tests/it/coverage must try it",
        "code" => "crates/conformance/tests/it/coverage/identify24 must try it",
        "sample" => "add it to the provider's fixtures, byte for byte",
        "trap" => "name a test of its decision after it, e.g. `at_38_…` for AT-38",
        _ => "crates/conformance/tests/it/coverage must try it",
    }
}

/// Returns tables of the numbers of demands, and of those that are shown.
fn counts(demands: &[Demand], evidence: &Evidence) -> String {
    let mut cells = vec![["vendor", "endpoint", "rows", "typed", "sandbox", "test"].map(str::to_owned)];
    let mut others = vec![["vendor", "what", "shown"].map(str::to_owned)];
    for vendor in VENDORS {
        let shown = |group: Option<&str>, what: &str| {
            let fits = |demand: &&Demand| {
                demand.vendor == vendor && demand.what() == what && group.is_none_or(|group| demand.group == group)
            };
            let statuses: Vec<_> =
                demands.iter().filter(fits).map(|demand| evidence.get(demand.sort, &demand.id)).collect();
            let shown = statuses.iter().filter(|status| matches!(status, Some(Status::Shown(_)))).count();
            let required = statuses.iter().filter(|status| !matches!(status, Some(Status::NotApplicable(_)))).count();
            (statuses.len(), if statuses.is_empty() { String::new() } else { format!("{shown}/{required}") })
        };
        let mut groups: Vec<&str> = Vec::new();
        for demand in demands.iter().filter(|demand| demand.vendor == vendor && demand.sort == "typed") {
            if !groups.contains(&demand.group.as_str()) {
                groups.push(&demand.group);
            }
        }
        for (name, group) in groups.into_iter().map(|group| (group, Some(group))).chain([("all", None)]) {
            let (rows, typed) = shown(group, "typed");
            let [sandbox, test] = ["sandbox", "test"].map(|what| shown(group, what).1);
            cells.push([vendor.to_owned(), name.to_owned(), rows.to_string(), typed, sandbox, test]);
        }
        for (what, name) in
            [("status", "status codes"), ("code", "HTTP codes"), ("sample", "samples"), ("trap", "traps")]
        {
            let (count, shown) = shown(None, what);
            if count > 0 {
                others.push([vendor.to_owned(), name.to_owned(), shown]);
            }
        }
    }
    format!("{}\n{}\n", table::render(&cells), table::render(&others))
}

/// Finds evidence and tests of ids that the contract does not have, because a wrong id would hide a gap.
fn unknown(contract: &Contract, evidence: &Evidence) -> Vec<String> {
    let required: BTreeSet<_> = contract.demands.iter().map(|demand| (demand.sort, demand.id.as_str())).collect();
    let mut findings = Vec::new();
    for ((sort, id), status) in &evidence.0 {
        match status {
            Status::Shown(path) if sort == "trap" => {
                if !contract.rows.contains(id) {
                    findings.push(format!(
                        "{path} has a test named after {id}, which is not a row of the contract: correct the id"
                    ));
                }
            }
            _ if required.contains(&(sort.as_str(), id.as_str())) => {}
            _ => findings.push(format!("a test reports {sort} {id}, which the contract does not have: correct the id")),
        }
    }
    findings
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::contract::tests::{FIELDS, PAGE, SAMPLES, STATUSES};
    use super::*;

    /// Evidence of everything in the sample contract except its traps.
    pub(crate) const EVIDENCE: &str = "typed\tF-001\tshown\tx\nsandbox-request\tF-001\tshown\tx\ntest\tF-001\tnot-applicable\tread only\n\
        typed\tF-002\tshown\tx\nsandbox-answer\tF-002\tshown\tx\ntest\tF-002\tshown\tx\n\
        status\t3\tshown\tx\nstatus\t6\tshown\tx\nsample\tS-002\tshown\tx\n\
        typed\tF-003\tshown\tx\nsandbox-request\tF-003\tshown\tx\ntest\tF-003\tshown\tx\n\
        sample\tS-001\tshown\tx\ncode\t200\tshown\tx\ncode\t500\tshown\tx\ncode\t502\tshown\tx\n";

    fn judged(fields: &str, statuses: &str, samples: &str, evidence: &str, traps: &[&str]) -> (String, Vec<String>) {
        let contract = Contract::read(fields, statuses, samples, PAGE).unwrap();
        let mut all = Evidence::default();
        all.add(evidence).unwrap();
        all.add_traps(traps.iter().map(|trap| ((*trap).to_owned(), "crates/x/a.rs".to_owned())));
        judge(&contract, &all, &Open { new: &["AT-02"], amended: &[] }, false)
    }

    /// The traps that have a test; AT-02 is open.
    const TRAPS: &[&str] = &["AT-01", "AI-01"];

    #[test]
    fn a_covered_contract_has_counts_and_no_finding() {
        let (report, findings) = judged(FIELDS, STATUSES, SAMPLES, EVIDENCE, TRAPS);
        assert_eq!(findings, [""; 0]);
        for line in [
            "identity.TM  PUT /putOrder, request  1     1/1    1/1      0/0",
            "identity.TM  all                     2     2/2    2/2      1/1",
            "test: F-001 Ref: not applicable: read only",
            "identify24   HTTP codes    3/3",
            "open rows: new 1 (AT-02), amended 0 ()",
            "identity.TM  status codes  2/2",
            "identify24   traps         1/1",
        ] {
            assert!(report.contains(line), "{line}: {report}");
        }
    }

    #[test]
    fn a_new_row_lacks_all_three_kinds_of_evidence() {
        let fields = format!("{FIELDS}F-004\tidentity.TM\tGET /getStatus\tresp\tColour\tS\t\tN\t\n");
        let (_, findings) = judged(&fields, STATUSES, SAMPLES, EVIDENCE, TRAPS);
        assert_eq!(findings.len(), 3, "{findings:?}");
        for (finding, what) in findings.iter().zip(["typed", "sandbox", "test"]) {
            let start = format!("F-004 Colour (identity.TM, GET /getStatus, answer) lacks {what}: evidence is missing");
            assert!(finding.starts_with(&start), "{finding}");
        }
    }

    #[test]
    fn each_missing_kind_of_evidence_is_a_gap() {
        for line in EVIDENCE.lines() {
            let without: String = EVIDENCE.lines().filter(|one| *one != line).map(|one| format!("{one}\n")).collect();
            let (_, findings) = judged(FIELDS, STATUSES, SAMPLES, &without, TRAPS);
            assert_eq!(findings.len(), 1, "{line}: {findings:?}");
            let missing = line
                .replace("\tshown\tx", "\tmissing\tit was lost")
                .replace("\tnot-applicable\tread only", "\tmissing\tit was lost");
            let (_, findings) = judged(FIELDS, STATUSES, SAMPLES, &format!("{without}{missing}\n"), TRAPS);
            assert_eq!(findings.len(), 1, "{line}: {findings:?}");
            assert!(findings.iter().all(|finding| finding.contains(": it was lost")), "{findings:?}");
        }
    }

    #[test]
    fn gaps_and_unknown_ids_are_one_finding_each() {
        let statuses = format!("{STATUSES}103\t\t\t\t\t\t\t\t\n");
        let samples = format!("{SAMPLES}S-003\tT\t9\t\tjson\tanswer\tyes\t\n");
        for (statuses, samples, traps, more, expected) in [
            (&*statuses, SAMPLES, TRAPS, "", "status 103 (identity.TM, status codes) lacks"),
            (STATUSES, &*samples, TRAPS, "", "S-003 answer (identity.TM, samples) lacks"),
            (
                STATUSES,
                SAMPLES,
                &["AI-01"],
                "",
                "AT-01 (identity.TM, traps) lacks trap: evidence is missing: name a test",
            ),
            (STATUSES, SAMPLES, &["AT-01", "AI-01", "AT-99"], "", "named after AT-99"),
            (STATUSES, SAMPLES, TRAPS, "typed\tF-999\tshown\tx", "does not have"),
            (STATUSES, SAMPLES, TRAPS, "sandbox-answer\tF-001\tshown\tx", "does not have"),
            (STATUSES, SAMPLES, TRAPS, "status\t7\tshown\tx", "does not have"),
            (STATUSES, SAMPLES, TRAPS, "code\t418\tshown\tx", "does not have"),
            (STATUSES, SAMPLES, TRAPS, "smell\tF-001\tshown\tx", "does not have"),
        ] {
            let (_, findings) = judged(FIELDS, statuses, samples, &format!("{EVIDENCE}{more}"), traps);
            assert!(matches!(&findings[..], [one] if one.contains(expected)), "{expected}: {findings:?}");
        }
    }
}
