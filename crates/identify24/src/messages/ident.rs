//! The ident as `ident/get` tells it. No checked data, image or document is among it (I-051).

use identkit_core::Pii;
use jiff::ToSpan;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::{IdentId, IdentStatus, LocalDateTime, ProjectId, lenient};

/// An ident (`[I] ident/get`).
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ident {
    /// Its id.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub id: Option<IdentId>,
    /// The project that it belongs to.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// First names.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub person_first_name: Option<Pii<String>>,
    /// Last name.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub person_last_name: Option<Pii<String>>,
    /// The integrator's own id.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub custom_id: Option<Pii<String>>,
    /// The integrator's own.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub custom1: Option<Pii<String>>,
    /// The integrator's own.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub custom2: Option<Pii<String>>,
    /// The integrator's own.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub custom3: Option<Pii<String>>,
    /// The integrator's own.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub custom4: Option<Pii<String>>,
    /// Where it stands, in the vendor's word.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub status: Option<IdentStatus>,
    /// When it was created, local time of no documented zone.
    #[serde(default, deserialize_with = "lenient::local", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<LocalDateTime>,
    /// When the person has an appointment, local time of no documented zone.
    #[serde(default, deserialize_with = "lenient::local", skip_serializing_if = "Option::is_none")]
    pub appointment_date: Option<LocalDateTime>,
}

impl Ident {
    /// When the vendor probably forgets it: 90 days after its creation, unless retention policies say otherwise
    /// (I-020). An estimate, in the same local time as `created_at`.
    pub fn expires_estimate(&self) -> Option<DateTime> {
        self.created_at.as_ref()?.civil()?.checked_add(90.days()).ok()
    }

    /// First names under the name that webhook and API have in common (AI-14).
    pub fn given_names(&self) -> Option<&Pii<String>> {
        self.person_first_name.as_ref()
    }

    /// Last name under the name that webhook and API have in common (AI-14).
    pub fn family_name(&self) -> Option<&Pii<String>> {
        self.person_last_name.as_ref()
    }
}
