//! How an order is identified: the vendor's id, and the caller's reference, which finds an order whose id was lost.

use identkit_core::{Error, Kind, Secret};
use identkit_wire::debug_as;
use serde::{Deserialize, Serialize};

/// The vendor's id of an order: text, never a number (AT-22). It is a secret: it appears in URLs, and together with the
/// account's credentials it gives access to the results.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(Secret);

impl OrderId {
    /// Wraps an id that the vendor sent, in any shape.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// Parses an id that a person typed: 1 to 20 ASCII letters and digits ([T 3.1.4]; AT-22). It is never changed: with
    /// blanks around it, it is not valid.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the text has another shape.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if is_regular(text) {
            return Ok(Self::new(text));
        }
        Err(Error::new(
            Kind::InvalidInput,
            "the order id must be 1 to 20 letters and digits without blanks, as putOrder returned it (AT-22, [T] 3.1.4)",
        ))
    }

    /// Returns the text.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether the id has the documented shape: 1 to 20 ASCII letters and digits.
    pub fn is_regular(&self) -> bool {
        is_regular(self.expose())
    }
}

/// Whether a text has the documented shape of an id.
pub(crate) fn is_regular(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

debug_as!(OrderId, |id| "{:?}", id.0);

/// Returns a random `Ref`: 128 bits, no personal data, safe in a URL. putOrder is not idempotent; if its response is
/// lost, the order is found by its `Ref` (T-055).
pub fn random_reference() -> String {
    format!("identkit-{:032x}", fastrand::u128(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_22_parse_checks_an_id_and_new_accepts_any() {
        for good in ["99921269855041", "99920006C38842", "1", "12345678901234567890"] {
            assert!(OrderId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", " 1", "1 ", "1\n", "\t1", "123456789012345678901", "../1", "9992 1", "9992-1", "ä"] {
            assert_eq!(OrderId::parse(bad).unwrap_err().kind(), Kind::InvalidInput, "{bad}");
        }
        let odd = OrderId::new("9992/..//odd");
        assert_eq!((odd.expose(), odd.is_regular()), ("9992/..//odd", false));
        assert!(!format!("{odd:?}").contains("9992"));
        for blank in [" 9992", "9992 ", "9992\n"] {
            let id = OrderId::new(blank);
            assert_eq!((id.expose(), id.is_regular()), (blank, false), "unchanged, and not of the documented shape");
        }
    }

    #[test]
    fn at_19_references_differ_and_fit() {
        let (one, two) = (random_reference(), random_reference());
        assert_ne!(one, two);
        assert_eq!(one.len(), 41);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }
}
