//! What an order is found by: its id, and a reference that finds it again without one.

use std::fmt;

use identkit_core::{Error, Kind, Secret};
use identkit_wire::debug_as;
use serde::{Deserialize, Deserializer, Serialize, de};

/// The vendor's id of an order: text, never a number (AT-22). A secret, since it lets its bearer ask for results
/// together with the account's credentials, and appears in URLs.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OrderId(Secret);

/// Kept as text when it comes as a JSON number, too: an order whose id cannot be read would be lost (AT-22). A number
/// beyond 64 bits is refused instead of rounded to another order's id.
impl<'de> Deserialize<'de> for OrderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;

        impl de::Visitor<'_> for Shapes {
            type Value = OrderId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an order id")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OrderId, E> {
                Ok(OrderId::received(text))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<OrderId, E> {
                Ok(OrderId::received(number.to_string()))
            }
        }

        deserializer.deserialize_any(Shapes)
    }
}

impl OrderId {
    /// An id as the vendor sent it, whatever its shape.
    pub fn received(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// An id that a person typed: 1 to 20 ASCII letters and digits ([T 3.1.4]; AT-22).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] for anything else, before anything is sent.
    pub fn typed(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if is_regular(text) {
            return Ok(Self::received(text));
        }
        Err(Error::new(
            Kind::InvalidInput,
            "the order id must be 1 to 20 letters and digits, as putOrder returned it (AT-22, [T] 3.1.4)",
        ))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether the shape is the documented one: 1 to 20 ASCII letters and digits.
    pub fn is_regular(&self) -> bool {
        is_regular(self.expose().trim())
    }
}

fn is_regular(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

debug_as!(OrderId, |id| "{:?}", id.0);

/// A fresh `Ref`: 128 random bits, no personal data, safe in a URL. putOrder is not idempotent, and after an answer
/// was lost this is how the order is found (T-055).
pub fn random_reference() -> String {
    format!("identkit-{:032x}", fastrand::u128(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_22_typed_ids_are_checked_and_received_ones_kept() {
        for good in ["99921269855041", "99920006C38842", " 1 ", "12345678901234567890"] {
            assert!(OrderId::typed(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "123456789012345678901", "../1", "9992 1", "9992-1", "ä"] {
            assert_eq!(OrderId::typed(bad).unwrap_err().kind(), Kind::InvalidInput, "{bad}");
        }
        let odd = OrderId::received("9992/..//odd");
        assert_eq!((odd.expose(), odd.is_regular()), ("9992/..//odd", false));
        assert!(!format!("{odd:?}").contains("9992"));
    }

    #[test]
    fn at_19_references_differ_and_fit() {
        let (one, two) = (random_reference(), random_reference());
        assert_ne!(one, two);
        assert_eq!(one.len(), 41);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    }
}
