//! References that find a lost order again.

/// A fresh `Ref`: 128 random bits, no personal data, safe in a URL. putOrder is not idempotent, and after an answer
/// was lost this is how the order is found (T-055).
pub fn random_reference() -> String {
    format!("identkit-{:032x}", fastrand::u128(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_19_references_differ_and_fit() {
        let (one, two) = (random_reference(), random_reference());
        assert_ne!(one, two);
        assert_eq!(one.len(), 41);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }
}
