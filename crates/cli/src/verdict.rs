//! Outcomes in words.

use identkit_core::Outcome;

/// Each outcome that a status can mean, by one word that does not change.
const WORDS: [(&str, Outcome); 10] = [
    ("pending", Outcome::Pending),
    ("identified", Outcome::Identified),
    ("positive", Outcome::Positive),
    ("signed", Outcome::Signed),
    ("negative", Outcome::Negative),
    ("terminated", Outcome::Terminated),
    ("fraud_suspicion", Outcome::FraudSuspicion),
    ("timed_out", Outcome::TimedOut),
    ("timed_out_after_ident", Outcome::TimedOutAfterIdent),
    ("gone", Outcome::Gone),
];

/// An outcome for programs.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    WORDS.iter().find(|(_, known)| *known == outcome).map_or("unknown", |(word, _)| word)
}

/// The outcome of a word.
///
/// # Errors
/// A sentence with the words that there are.
pub(crate) fn outcome(word: &str) -> Result<Outcome, String> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, outcome)| *outcome).ok_or_else(|| {
        let known: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        format!("the outcome must be one of {}", known.join(", "))
    })
}

/// An outcome for people.
pub(crate) fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "not finished",
        Outcome::Identified => "identified, the signature is still open",
        Outcome::Positive => "positive, final",
        Outcome::Signed => "identified and signed, final",
        Outcome::Negative => "negative, final",
        Outcome::Terminated => "ended by hand, final",
        Outcome::FraudSuspicion => "suspicion of fraud, final",
        Outcome::TimedOut => "not finished in time, final",
        Outcome::TimedOutAfterIdent => "identified, but not signed in time, final",
        Outcome::Gone => "no longer known to the vendor",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_one_word_for_programs_and_is_read_back_from_it() {
        for (text, known) in WORDS {
            assert!(text.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{text}");
            assert_eq!((word(known), outcome(text)), (text, Ok(known)));
            assert_ne!(words(known), "unknown", "{text}");
        }
        assert_eq!(word(Outcome::Unknown), "unknown");
        assert!(outcome("unknown").unwrap_err().contains("fraud_suspicion"), "nobody can know that of a status");
    }
}
