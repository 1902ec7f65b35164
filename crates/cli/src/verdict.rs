//! Outcomes in words.

use identkit_core::Outcome;

/// Each outcome that a status can mean: one word that does not change, for programs, and what people read.
const WORDS: [(&str, Outcome, &str); 10] = [
    ("pending", Outcome::Pending, "not finished"),
    ("identified", Outcome::Identified, "identified, the signature is still open"),
    ("positive", Outcome::Positive, "positive, final"),
    ("signed", Outcome::Signed, "identified and signed, final"),
    ("negative", Outcome::Negative, "negative, final"),
    ("terminated", Outcome::Terminated, "ended by hand, final"),
    ("fraud_suspicion", Outcome::FraudSuspicion, "suspicion of fraud, final"),
    ("timed_out", Outcome::TimedOut, "not finished in time, final"),
    ("timed_out_after_ident", Outcome::TimedOutAfterIdent, "identified, but not signed in time, final"),
    ("gone", Outcome::Gone, "no longer known to the vendor"),
];

/// An outcome for programs.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    WORDS.iter().find(|known| known.1 == outcome).map_or("unknown", |known| known.0)
}

/// An outcome for people.
pub(crate) fn words(outcome: Outcome) -> &'static str {
    WORDS.iter().find(|known| known.1 == outcome).map_or("unknown", |known| known.2)
}

/// The outcome of a word.
///
/// # Errors
/// A sentence with the words that there are.
pub(crate) fn outcome(word: &str) -> Result<Outcome, String> {
    let found = WORDS.iter().find(|known| known.0 == word).map(|known| known.1);
    found.ok_or_else(|| format!("the outcome must be one of {}", WORDS.map(|known| known.0).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_one_word_for_programs_and_is_read_back_from_it() {
        for (text, known, _) in WORDS {
            assert!(text.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{text}");
            assert_eq!((word(known), outcome(text)), (text, Ok(known)));
            assert_ne!(words(known), "unknown", "{text}");
        }
        assert_eq!(word(Outcome::Unknown), "unknown");
        assert!(outcome("unknown").unwrap_err().contains("fraud_suspicion"), "nobody can know that of a status");
    }
}
