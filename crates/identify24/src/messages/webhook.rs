//! Payload of the vendor's webhook. It names the person's fields differently than the API (AI-14).

use identkit_core::Pii;
use identkit_wire::{Loose, message};

use super::{IdentId, IdentStatus, LocalDateTime, ProjectId};

message! {
    via Loose;
    without setters;
    /// Payload of the webhook. Every key is optional; a value may be a string or a number (AI-13; `[I] Webhook`).
    pub struct IdentWebhook {
        /// Id of the ident.
        "ident_id" => ident_id: IdentId,
        /// Id of the status; the document does not list the values.
        "status_id" => status_id: Pii<String>,
        /// Status, as the vendor's word.
        "status" => status: IdentStatus,
        /// Project of the ident.
        "project_id" => project_id: ProjectId,
        /// The integrator's own id.
        "custom_id" => custom_id: Pii<String>,
        /// Company, as given when the ident was created.
        "company_name" => company_name: Pii<String>,
        /// First names; the API calls them `person_first_name`.
        "first_name" => first_name: Pii<String>,
        /// Last name; the API calls it `person_last_name`.
        "last_name" => last_name: Pii<String>,
        /// Free text of the integrator.
        "custom1" => custom1: Pii<String>,
        /// Free text of the integrator.
        "custom2" => custom2: Pii<String>,
        /// Free text of the integrator.
        "custom3" => custom3: Pii<String>,
        /// Free text of the integrator.
        "custom4" => custom4: Pii<String>,
        /// Notes of the agent.
        "agent_notes" => agent_notes: Pii<String>,
        /// Why the person was not identified.
        "reject_reason" => reject_reason: Pii<String>,
        /// The agent's name.
        "agent_name" => agent_name: Pii<String>,
        /// Time of the person's appointment, local; the zone is not documented.
        "appointment_date" => appointment_date: LocalDateTime,
    }
}

impl IdentWebhook {
    /// First names; the same method exists on [`Ident`](super::Ident) (AI-14).
    pub fn given_names(&self) -> Option<&Pii<String>> {
        self.first_name.as_ref()
    }

    /// Last name; the same method exists on [`Ident`](super::Ident) (AI-14).
    pub fn family_name(&self) -> Option<&Pii<String>> {
        self.last_name.as_ref()
    }
}
