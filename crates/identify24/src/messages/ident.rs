//! The ident as `ident/get` tells it. No checked data, image or document is among it (I-051).

use identkit_core::Pii;
use jiff::ToSpan;
use jiff::civil::DateTime;

use super::message::message;
use super::{IdentId, IdentStatus, LocalDateTime, ProjectId};

message! {
    /// An ident (`[I] ident/get`).
    pub struct Ident {
        /// Its id.
        "id" => id: IdentId,
        /// The project that it belongs to.
        "project_id" => project_id: ProjectId,
        /// First names.
        "person_first_name" => person_first_name: Pii<String>,
        /// Last name.
        "person_last_name" => person_last_name: Pii<String>,
        /// The integrator's own id.
        "custom_id" => custom_id: Pii<String>,
        /// The integrator's own.
        "custom1" => custom1: Pii<String>,
        /// The integrator's own.
        "custom2" => custom2: Pii<String>,
        /// The integrator's own.
        "custom3" => custom3: Pii<String>,
        /// The integrator's own.
        "custom4" => custom4: Pii<String>,
        /// Where it stands, in the vendor's word.
        "status" => status: IdentStatus,
        /// When it was created, local time of no documented zone.
        "created_at" => created_at: LocalDateTime,
        /// When the person has an appointment, local time of no documented zone.
        "appointment_date" => appointment_date: LocalDateTime,
    }
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
