//! The vendor's JSON messages, for both directions. All fields are optional, because reading never fails on a missing
//! field; each call checks the fields that it requires.
//!
//! Invariants: `extra` retains unknown fields; an unknown status survives a round trip; `Debug` prints no personal data
//! and no secrets.

use identkit_core::{Pii, Secret};
use identkit_wire::{Loose, Tolerant, message, read_text};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The vendor's id of a case. Anyone who has it can read the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(Secret);

impl CaseId {
    /// Creates an id from the vendor's text, without a check.
    pub fn new(id: impl Into<String>) -> Self {
        Self(Secret::new(id))
    }

    /// Returns the id as text. The caller must keep it out of logs.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl From<String> for CaseId {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

impl Tolerant for CaseId {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        read_text(deserializer)
    }
}

/// Declares the documented words of a status.
macro_rules! words {
    ($($(#[$about:meta])* $name:ident = $word:literal,)+) => {
        /// Status of a case, as the vendor's word (ACME-06).
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum CaseState {
            $($(#[$about])* $name,)+
            /// A word that the document does not list.
            Other(Pii<String>),
        }

        impl CaseState {
            /// The vendor's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $word,)+
                    Self::Other(word) => word.expose(),
                }
            }
        }

        impl From<String> for CaseState {
            fn from(word: String) -> Self {
                match &*word {
                    $($word => Self::$name,)+
                    _ => Self::Other(word.into()),
                }
            }
        }
    };
}

words! {
    /// The case is open, and the person has not begun.
    Created = "created",
    /// The person has begun.
    Started = "started",
    /// The person is identified.
    Success = "success",
    /// The person could not be identified.
    Failed = "failed",
    /// The person gave up.
    Aborted = "aborted",
}

impl CaseState {
    /// Whether the document says that the case is finished.
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Aborted)
    }
}

impl Serialize for CaseState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Tolerant for CaseState {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        read_text(deserializer)
    }
}

message! {
    via Loose;
    /// The person of a case.
    pub struct Person {
        /// Given names. Required.
        "givenName" => given_name: Pii<String>,
        /// Family name. Required.
        "familyName" => family_name: Pii<String>,
        /// Date of birth in the form YYYY-MM-DD. Required.
        "birthDate" => birth_date: Pii<String>,
        /// Place of birth.
        "birthPlace" => birth_place: Pii<String>,
        /// Nationality: ISO 3166 alpha-2.
        "nationality" => nationality: Pii<String>,
        /// Email address. Required.
        "email" => email: Pii<String>,
        /// Phone number.
        "phone" => phone: Pii<String>,
    }
}

message! {
    /// A case to create (`POST /v2/cases`).
    pub struct CreateCase {
        /// The client's own reference. It need not be unique.
        "reference" => reference: Pii<String> as Loose<Pii<String>>,
        /// URL that is called when the case is finished.
        "callbackUrl" => callback_url: Secret as Loose<Secret>,
        /// URL to which the person returns.
        "returnUrl" => return_url: Secret as Loose<Secret>,
        /// The person. Required.
        "person" => person: Person,
    }
}

message! {
    via Loose;
    /// The response to [`CreateCase`].
    pub struct CreatedCase {
        /// Id of the case.
        "caseId" => case_id: CaseId,
        /// URL for the person. Anyone who has it can act as the person.
        "startUrl" => start_url: Secret,
    }
}

message! {
    /// A case (`GET /v2/cases/{caseId}`).
    pub struct Case {
        /// Id of the case.
        "caseId" => case_id: CaseId as Loose<CaseId>,
        /// The client's own reference.
        "reference" => reference: Pii<String> as Loose<Pii<String>>,
        /// Status.
        "status" => status: CaseState as Loose<CaseState>,
        /// Time at which the case was finished (RFC 3339).
        "finishedAt" => finished_at: String as Loose<String>,
        /// The person, as checked.
        "person" => person: Person,
    }
}

message! {
    via Loose;
    /// The body of the webhook.
    pub struct Finished {
        /// Id of the case.
        "caseId" => case_id: CaseId,
        /// Name of the event: `case.finished`.
        "event" => event: String,
        /// Status.
        "status" => status: CaseState,
    }
}

message! {
    via Loose;
    /// An error of the vendor.
    pub struct Problem {
        /// Code of the error.
        "code" => code: String,
        /// Text of the error. It may quote input.
        "message" => message: Pii<String>,
    }
}
