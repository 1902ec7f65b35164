//! The results of the checks.

use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output::{Page, prevent_wrapping, table};
use crate::text::plain;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    /// It works, but not for long or not for everyone.
    Warning,
    Error,
    /// It was not made.
    Skipped,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// One check with its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The vendor that the check is about.
    vendor: Option<&'static str>,
    check: &'static str,
    outcome: Outcome,
    detail: String,
    /// How to fix it.
    remedy: Option<String>,
}

/// The checks so far. The vendor of a new one is that of the last [`begin`](Self::begin).
#[derive(Debug, Default)]
pub(super) struct Findings {
    vendor: Option<&'static str>,
    all: Vec<Finding>,
}

impl Findings {
    /// The following checks are about this vendor, or about none.
    pub(super) fn begin(&mut self, vendor: Option<&'static str>) {
        self.vendor = vendor;
    }

    fn add(&mut self, check: &'static str, outcome: Outcome, detail: String, remedy: Option<String>) {
        self.all.push(Finding { vendor: self.vendor, check, outcome, detail, remedy });
    }

    pub(super) fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, Outcome::Ok, detail.into(), None);
    }

    pub(super) fn warning(&mut self, check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) {
        self.add(check, Outcome::Warning, detail.into(), Some(remedy.into()));
    }

    pub(super) fn error(&mut self, check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) {
        self.add(check, Outcome::Error, detail.into(), Some(remedy.into()));
    }

    pub(super) fn skipped(&mut self, check: &'static str, why: impl Into<String>) {
        self.add(check, Outcome::Skipped, why.into(), None);
    }

    /// Adds a failure of this program. The end of its sentence is the advice.
    pub(super) fn failure(&mut self, check: &'static str, failure: &Failure) {
        let (detail, remedy) = advice(&failure.sentence);
        self.add(check, Outcome::Error, detail.to_owned(), Some(remedy.to_owned()));
    }

    /// Number of errors, and of all checks.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.all.iter().filter(|finding| finding.outcome == Outcome::Error).count(), self.all.len())
    }

    pub(super) fn json(&self) -> Value {
        let finding = |finding: &Finding| {
            json!({
                "vendor": finding.vendor,
                "check": finding.check,
                "result": finding.outcome.word(),
                "detail": finding.detail,
                "remedy": finding.remedy,
            })
        };
        self.all.iter().map(finding).collect()
    }

    pub(super) fn show(&self, page: &mut Page) {
        let header = ["Vendor", "Check", "Result", "Detail"];
        let mut table = table(&header);
        for finding in &self.all {
            let remedy = finding.remedy.as_ref().map(|remedy| format!(". To fix it: {remedy}")).unwrap_or_default();
            let detail = plain(&format!("{}{remedy}", finding.detail));
            table.add_row([finding.vendor.unwrap_or_default(), finding.check, finding.outcome.word(), &detail]);
        }
        prevent_wrapping(&mut table, &header, &["Vendor", "Check", "Result"]);
        page.table(table);
    }
}

/// Splits the sentence of a failure into the problem and the advice.
pub(super) fn advice(sentence: &str) -> (&str, &str) {
    match sentence.rsplit_once("; ") {
        Some((problem, "nothing was sent")) => (problem, "correct the option or the variable"),
        Some(parts) => parts,
        None => match sentence.rsplit_once(": ") {
            Some((problem, advice)) if advice.starts_with("pass ") => (problem, advice),
            _ => (sentence, "correct the option or the variable"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_sentence_is_the_advice() {
        for (sentence, problem, remedy) in [
            (
                "auth: the vendor rejects it (HTTP 401); check the credentials",
                "auth: the vendor rejects it (HTTP 401)",
                "check the credentials",
            ),
            (
                "--ca-file x cannot be read: gone; nothing was sent",
                "--ca-file x cannot be read: gone",
                "correct the option or the variable",
            ),
            ("--customer-id is missing: pass it, or set X", "--customer-id is missing", "pass it, or set X"),
            (
                "--tm-base-url cannot be used: no",
                "--tm-base-url cannot be used: no",
                "correct the option or the variable",
            ),
        ] {
            assert_eq!(advice(sentence), (problem, remedy));
        }
    }
}
