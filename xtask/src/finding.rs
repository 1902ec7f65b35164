//! What checks answer.

/// Violations, each as a sentence that says what is wrong and what to do; the error says why the check could not be
/// carried out, which is never the same as "nothing found".
pub(crate) type Verdict = Result<Vec<String>, String>;
