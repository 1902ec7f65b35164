//! The payload of the vendor's webhook: other names than the API's for the same person (AI-14).

use identkit_core::Pii;
use serde::{Deserialize, Serialize};

use super::{IdentId, IdentStatus, LocalDateTime, ProjectId, lenient};

macro_rules! payload {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty,)*) => {
        /// What the webhook tells. Every key is optional; strings and numbers are read alike (AI-13; `[I] Webhook`).
        #[non_exhaustive]
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct IdentWebhook {
            $(
                $(#[doc = $doc])+
                #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )*
            /// When the person has an appointment, local time of no documented zone.
            #[serde(default, deserialize_with = "lenient::local", skip_serializing_if = "Option::is_none")]
            pub appointment_date: Option<LocalDateTime>,
        }

        impl IdentWebhook {
            /// The 16 documented keys.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($name),)* "appointment_date"];
        }
    };
}

payload! {
    /// The id of the ident.
    ident_id: IdentId,
    /// The id of its status; not listed by the document.
    status_id: Pii<String>,
    /// Its status in the vendor's word.
    status: IdentStatus,
    /// The project that it belongs to.
    project_id: ProjectId,
    /// The integrator's own id.
    custom_id: Pii<String>,
    /// The company given at its creation.
    company_name: Pii<String>,
    /// First names; the API calls them `person_first_name`.
    first_name: Pii<String>,
    /// Last name; the API calls it `person_last_name`.
    last_name: Pii<String>,
    /// The integrator's own.
    custom1: Pii<String>,
    /// The integrator's own.
    custom2: Pii<String>,
    /// The integrator's own.
    custom3: Pii<String>,
    /// The integrator's own.
    custom4: Pii<String>,
    /// Free text of the agent.
    agent_notes: Pii<String>,
    /// Why the person was not identified.
    reject_reason: Pii<String>,
    /// The agent's name.
    agent_name: Pii<String>,
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
