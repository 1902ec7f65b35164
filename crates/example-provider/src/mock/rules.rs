//! The rules that the mock vendor enforces. Their ids are rows of the contract.

use identkit_mock_server::rules::{Rule, Source};

use crate::PROVIDER;

const fn rule(id: &'static str, section: &'static str, says: &'static str) -> Rule {
    Rule::new(Source::Vendor(PROVIDER), id, section, says)
}

/// Declares rules as constants, and the table of all of them.
macro_rules! rules {
    ($($name:ident = $rule:expr;)+) => {
        $(pub(super) const $name: Rule = $rule;)+

        pub(super) const RULES: &[Rule] = &[$($name),+];
    };
}

rules! {
    ACME_01 = rule("ACME-01", "security", "Each call must carry valid credentials");
    ACME_02 = rule("ACME-02", "paths", "Each call must use its documented path and method").stays("the vendor has no other calls");
    ACME_03 = rule("ACME-03", "createCase", "Required fields must be present and have their documented form");
    ACME_05 = rule("ACME-05", "getCase", "The case must exist").stays("without it there is nothing to return");
    ACME_06 = rule("ACME-06", "Case", "A story must exist, and the case must not be finished");
    ACME_07 = rule("ACME-07", "getReport", "Only a finished case has a report");
    ACME_08 = rule("ACME-08", "deleteCase", "Only a finished case can be deleted");
    ACME_09 = rule("ACME-09", "deleteCase", "A case is deleted after 30 days");
    ACME_10 = rule("ACME-10", "createCase", "The callback URL is called when the case is finished");
}
