//! Forms: `application/x-www-form-urlencoded`.

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// The fields of a form, or the parameters of a query.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &Bytes) -> Self {
        Self::parse(&String::from_utf8_lossy(body))
    }

    pub(super) fn parse(text: &str) -> Self {
        let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body of the admin call. `None` without an action.
    pub(super) fn action(&self) -> Option<Value> {
        let action = self.get("action")?;
        Some(match action {
            "choose" => json!({ "action": action, "method": self.get("method") }),
            // People copy the TAN with blanks around it.
            "tan" => json!({ "action": action, "tan": self.get("tan").map(str::trim) }),
            _ => json!({ "action": action }),
        })
    }

    /// Whether the action needs the person's consent, which the form does not contain.
    pub(super) fn lacks_consent(&self) -> bool {
        matches!(self.get("action"), Some("consent" | "sign")) && self.get("agree") != Some("yes")
    }
}
