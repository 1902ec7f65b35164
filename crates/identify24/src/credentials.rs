//! What a partner logs in with.

use http::header::HeaderValue;
use identkit_core::{Error, Secret, Violation};

/// What a partner logs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub(crate) partner: Secret,
    pub(crate) api_key: Secret,
}

impl Credentials {
    /// The partner's user name and API key.
    pub fn new(partner: impl Into<Secret>, api_key: impl Into<Secret>) -> Self {
        Self { partner: partner.into(), api_key: api_key.into() }
    }

    /// The partner's name as a header.
    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        let mut faults = Vec::new();
        for (field, value) in [("PARTNER", &self.partner), ("APIKEY", &self.api_key)] {
            let text = value.expose();
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                faults.push(Violation::new(field, "must be text without control characters", "I-004", "[I] auth"));
            }
        }
        match HeaderValue::from_bytes(self.partner.expose().as_bytes()) {
            Ok(mut header) if faults.is_empty() => {
                header.set_sensitive(true);
                Ok(header)
            }
            _ => Err(Error::invalid(faults)),
        }
    }
}
