//! Outcomes as words.

use identkit_core::Outcome;

/// Every outcome of a status, with a stable word for programs and a text for people.
const WORDS: [(&str, Outcome, &str); 11] = [
    ("pending", Outcome::Pending, "not finished"),
    ("identified", Outcome::Identified, "identified, not signed yet"),
    ("positive", Outcome::Positive, "positive, final"),
    ("signed", Outcome::Signed, "identified and signed, final"),
    ("negative", Outcome::Negative, "negative, final"),
    ("terminated", Outcome::Terminated, "terminated, final"),
    ("fraud_suspicion", Outcome::FraudSuspicion, "suspicion of fraud, final"),
    ("timed_out", Outcome::TimedOut, "not finished in time, final"),
    ("timed_out_after_ident", Outcome::TimedOutAfterIdent, "identified, but not signed in time, final"),
    ("gone", Outcome::Gone, "no longer known to the vendor"),
    ("unclear", Outcome::Unclear, "unclear: a status of the response cannot be read"),
];

/// The stable word of an outcome.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    WORDS.iter().find(|known| known.1 == outcome).map_or("unknown", |known| known.0)
}

/// The text of an outcome for people.
pub(crate) fn description(outcome: Outcome) -> &'static str {
    WORDS.iter().find(|known| known.1 == outcome).map_or("unknown", |known| known.2)
}

/// Parses the word of an outcome.
///
/// # Errors
/// A message that lists the valid words, if the word is not one of them.
pub(crate) fn outcome(word: &str) -> Result<Outcome, String> {
    let outcome = WORDS.iter().find(|known| known.0 == word).map(|known| known.1);
    outcome.ok_or_else(|| format!("the outcome must be one of {}", WORDS.map(|known| known.0).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_an_outcome_parses_back_to_it() {
        for (text, known, _) in WORDS {
            assert!(text.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{text}");
            assert_eq!((word(known), outcome(text)), (text, Ok(known)));
            assert_ne!(description(known), "unknown", "{text}");
        }
        assert_eq!(word(Outcome::Unknown), "unknown");
        assert!(outcome("unknown").unwrap_err().contains("fraud_suspicion"), "unknown is not a meaning of a status");
    }
}
