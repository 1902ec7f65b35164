//! The payload of the vendor's webhook: other names than the API's for the same person (AI-14).

use identkit_core::Pii;
use identkit_wire::{Loose, message};

use super::{IdentId, IdentStatus, LocalDateTime, ProjectId};

message! {
    via Loose;
    without setters;
    /// What the webhook tells. Every key is optional; strings and numbers are read alike (AI-13; `[I] Webhook`).
    pub struct IdentWebhook {
        /// The id of the ident.
        "ident_id" => ident_id: IdentId,
        /// The id of its status; not listed by the document.
        "status_id" => status_id: Pii<String>,
        /// Its status in the vendor's word.
        "status" => status: IdentStatus,
        /// The project that it belongs to.
        "project_id" => project_id: ProjectId,
        /// The integrator's own id.
        "custom_id" => custom_id: Pii<String>,
        /// The company given at its creation.
        "company_name" => company_name: Pii<String>,
        /// First names; the API calls them `person_first_name`.
        "first_name" => first_name: Pii<String>,
        /// Last name; the API calls it `person_last_name`.
        "last_name" => last_name: Pii<String>,
        /// The integrator's own.
        "custom1" => custom1: Pii<String>,
        /// The integrator's own.
        "custom2" => custom2: Pii<String>,
        /// The integrator's own.
        "custom3" => custom3: Pii<String>,
        /// The integrator's own.
        "custom4" => custom4: Pii<String>,
        /// Free text of the agent.
        "agent_notes" => agent_notes: Pii<String>,
        /// Why the person was not identified.
        "reject_reason" => reject_reason: Pii<String>,
        /// The agent's name.
        "agent_name" => agent_name: Pii<String>,
        /// When the person has an appointment, local time of no documented zone.
        "appointment_date" => appointment_date: LocalDateTime,
    }
}

impl IdentWebhook {
    /// First names under the name that webhook and API have in common (AI-14).
    pub fn given_names(&self) -> Option<&Pii<String>> {
        self.first_name.as_ref()
    }

    /// Last name under the name that webhook and API have in common (AI-14).
    pub fn family_name(&self) -> Option<&Pii<String>> {
        self.last_name.as_ref()
    }
}
