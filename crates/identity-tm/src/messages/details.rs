//! Special attributes by name, [T 3.1.3] and [T 3.3.4].

use std::borrow::Borrow;
use std::collections::BTreeMap;

use identkit_core::Pii;
use serde::{Deserialize, Serialize};

/// Special attributes by name, e.g. `details["height"]`. `Debug` redacts the names.
pub type Details<T> = BTreeMap<DetailName, T>;

/// Name of a special attribute. The caller chooses it, so it may contain personal data.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DetailName(Pii<String>);

impl DetailName {
    /// Returns the name in clear text. The caller must keep it out of logs.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

identkit_wire::debug_as!(DetailName, |name| "{:?}", name.0);

impl From<&str> for DetailName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for DetailName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

/// Hashes and compares like its text.
impl Borrow<str> for DetailName {
    fn borrow(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup_is_by_text_and_debug_redacts_names() {
        let details: Details<u8> = [("height".into(), 1), (String::from("weight").into(), 2)].into();
        assert_eq!((details["height"], details.get("weight"), details.get("age")), (1, Some(&2), None));
        assert_eq!(format!("{details:?}"), "{[redacted]: 1, [redacted]: 2}");
        assert_eq!(serde_json::to_string(&details).unwrap(), r#"{"height":1,"weight":2}"#);
        assert_eq!(serde_json::from_str::<Details<u8>>(r#"{"weight":2,"height":1}"#).unwrap(), details);
    }
}
