//! The ident that `ident/get` returns. It contains no verified data, images or documents (I-051).

use identkit_core::{Address, Pii};
use identkit_wire::{Loose, message};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use super::{IdentId, IdentStatus, LocalDateTime, ProjectId};

message! {
    via Loose;
    without setters;
    /// An ident (`[I] ident/get`).
    pub struct Ident {
        /// Id of the ident.
        "id" => id: IdentId,
        /// Project of the ident.
        "project_id" => project_id: ProjectId,
        /// First names.
        "person_first_name" => person_first_name: Pii<String>,
        /// Last name.
        "person_last_name" => person_last_name: Pii<String>,
        /// The integrator's own id.
        "custom_id" => custom_id: Pii<String>,
        /// Free text of the integrator.
        "custom1" => custom1: Pii<String>,
        /// Free text of the integrator.
        "custom2" => custom2: Pii<String>,
        /// Free text of the integrator.
        "custom3" => custom3: Pii<String>,
        /// Free text of the integrator.
        "custom4" => custom4: Pii<String>,
        /// Status, as the vendor's word.
        "status" => status: IdentStatus,
        /// Creation time, local; the zone is not documented.
        "created_at" => created_at: LocalDateTime,
        /// Time of the person's appointment, local; the zone is not documented.
        "appointment_date" => appointment_date: LocalDateTime,
    }
}

impl Ident {
    /// Estimates when the vendor deletes the ident: 90 days after `created_at`, in the same local time. Retention
    /// policies can change it (I-020).
    pub fn expires_estimate(&self) -> Option<DateTime> {
        self.created_at.as_ref()?.civil()?.checked_add(90.days()).ok()
    }

    /// Returns [`expires_estimate`](Self::expires_estimate) as a timestamp; `zone` is the zone of `created_at`, unless its
    /// text has an offset.
    pub fn expires_at(&self, zone: &TimeZone) -> Option<Timestamp> {
        self.created_at.as_ref()?.convert(self.expires_estimate()?, zone)
    }

    /// Returns the address, if the response contains one; the document lists none. Flat attributes with the names of
    /// `ident/create` win over those in an object `address` (AI-05).
    pub fn address(&self) -> Option<Address> {
        let given = &self.extra;
        let nested = given.get("address");
        let text = |value: Option<&Value>| match value? {
            Value::String(text) if !text.is_empty() => Some(Pii::new(text.clone())),
            Value::Number(number) => Some(Pii::new(number.to_string())),
            _ => None,
        };
        let part = |key: &str| text(given.get(key)).or_else(|| text(nested?.get(key)));
        let address = Address {
            street: part("street"),
            house_number: part("house_no"),
            postal_code: part("zip_code"),
            city: part("city"),
            country: part("country"),
        };
        (address != Address::default()).then_some(address)
    }

    /// First names; the same method exists on [`IdentWebhook`](super::IdentWebhook) (AI-14).
    pub fn given_names(&self) -> Option<&Pii<String>> {
        self.person_first_name.as_ref()
    }

    /// Last name; the same method exists on [`IdentWebhook`](super::IdentWebhook) (AI-14).
    pub fn family_name(&self) -> Option<&Pii<String>> {
        self.person_last_name.as_ref()
    }
}
