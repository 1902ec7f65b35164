//! The result of a check.

/// Findings, each a sentence that says what is wrong and what to do. The error says why the check could not run.
pub(crate) type Verdict = Result<Vec<String>, String>;
