//! A case: the person, the documents, and what is stored about an opened case.

use std::fmt;

use bytes::Bytes;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Pii, Secret};

/// Purpose of a case. Store it with the reference before [`open`](crate::IdentityProvider::open):
/// [`find`](crate::IdentityProvider::find) and [`adopt`](crate::IdentityProvider::adopt) need it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The person is identified.
    #[default]
    Identification,
    /// The person is identified and signs documents with a qualified electronic signature (QES).
    Signature,
}

/// Gender, as vendors require it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Neither, or not stated. A provider whose vendor has no such value omits the field or rejects the case.
    Other,
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Street without the house number.
    pub street: Option<Pii<String>>,
    /// House number.
    pub house_number: Option<Pii<String>>,
    /// Postal code.
    pub postal_code: Option<Pii<String>>,
    /// City.
    pub city: Option<Pii<String>>,
    /// Country: ISO 3166 alpha-2, upper case.
    pub country: Option<Pii<String>>,
}

/// The person to be identified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Given names.
    pub given_names: Pii<String>,
    /// Family name.
    pub family_name: Pii<String>,
    /// Date of birth.
    pub birth_date: Option<Pii<Date>>,
    /// Place of birth.
    pub birthplace: Option<Pii<String>>,
    /// Nationality: ISO 3166 alpha-2, upper case.
    pub nationality: Option<Pii<String>>,
    /// Gender.
    pub gender: Option<Gender>,
    /// Email address.
    pub email: Option<Pii<String>>,
    /// Mobile number in international form: `+` and digits.
    pub mobile: Option<Pii<String>>,
    /// Home address.
    pub address: Address,
}

/// A PDF to sign.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// File name, unique within the case.
    pub name: String,
    /// The PDF.
    pub pdf: Bytes,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("bytes", &self.pdf.len()).finish_non_exhaustive()
    }
}

/// A case to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCase {
    /// Purpose of the case.
    pub purpose: Purpose,
    /// Your own reference, unique and without personal data. Always set it: after an unknown outcome
    /// [`find`](crate::IdentityProvider::find) needs it. Without it a provider may send a random one, which the error
    /// does not contain.
    pub reference: Option<Pii<String>>,
    /// The vendor's project, if the vendor has projects.
    pub project: Option<String>,
    /// The person to identify.
    pub person: Person,
    /// The documents to sign.
    pub documents: Vec<Document>,
    /// URL to which the person is redirected after success. Needs
    /// [`Capability::Redirect`](crate::Capability::Redirect).
    pub redirect_success: Option<Secret>,
    /// URL to which the person is redirected after failure. Needs
    /// [`Capability::Redirect`](crate::Capability::Redirect).
    pub redirect_abort: Option<Secret>,
    /// URL (or the vendor's URL template) that is called when the case is final. Needs
    /// [`Capability::Webhook`](crate::Capability::Webhook).
    pub webhook_final: Option<Secret>,
}

/// Reference to an opened case. Serialize and store it: it contains everything that the provider needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRef {
    /// Name of the provider.
    pub provider: String,
    /// The vendor's id of the case.
    pub id: Secret,
    /// Further state of the provider, opaque to others. If a provider cannot read it, every call with the case is
    /// [`Kind::InvalidInput`](crate::Kind::InvalidInput), and nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Secret>,
}

impl CaseRef {
    /// Creates a reference without state. To get a reference from the vendor's id, use
    /// [`IdentityProvider::adopt`](crate::IdentityProvider::adopt), which knows the state.
    pub fn new(provider: impl Into<String>, id: impl Into<Secret>) -> Self {
        Self { provider: provider.into(), id: id.into(), state: None }
    }

    /// The same reference with the provider's state.
    #[must_use]
    pub fn with_state(self, state: impl Into<Secret>) -> Self {
        Self { state: Some(state.into()), ..self }
    }
}

/// An opened case.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Reference to the case. Store it.
    pub case: CaseRef,
    /// URL for the person. Anyone who has it can act as the person.
    pub person_url: Option<Secret>,
}

impl Opened {
    /// Creates an opened case with the URL for the person, if there is one.
    pub fn new(case: CaseRef, person_url: Option<Secret>) -> Self {
        Self { case, person_url }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_case_hides_the_person() {
        let case = NewCase {
            person: Person {
                family_name: "Mustermann".into(),
                email: Some("e.mustermann@example.com".into()),
                ..Person::default()
            },
            documents: vec![Document { name: "Mustermann.pdf".into(), pdf: Bytes::from_static(b"%PDF-") }],
            reference: Some("Mustermann-1".into()),
            ..NewCase::default()
        };
        assert!(!format!("{case:?}").to_lowercase().contains("mustermann"));
    }

    #[test]
    fn a_case_of_an_earlier_release_is_still_read() {
        let stored = r#"{"provider":"identity-tm","id":"1","state":"{\"flavour\":\"qes\"}"}"#;
        let case: CaseRef = serde_json::from_str(stored).unwrap();
        assert_eq!(case, CaseRef::new("identity-tm", "1").with_state(r#"{"flavour":"qes"}"#));
        assert_eq!(serde_json::to_string(&case).unwrap(), stored);
    }
}
