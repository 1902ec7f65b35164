//! The ident as `ident/get` tells it. No checked data, image or document is among it (I-051).

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

    /// As [`expires_estimate`](Self::expires_estimate), as a point of time, where this is the zone of `created_at`.
    pub fn expires_at(&self, zone: &TimeZone) -> Option<Timestamp> {
        zone.to_ambiguous_timestamp(self.expires_estimate()?).compatible().ok()
    }

    /// The address, if the answer carries one: the document lists none here. Flat attributes named as those of
    /// `ident/create` come first, a sub-object `address` of the same names is the fallback (AI-05).
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

    /// First names under the name that webhook and API have in common (AI-14).
    pub fn given_names(&self) -> Option<&Pii<String>> {
        self.person_first_name.as_ref()
    }

    /// Last name under the name that webhook and API have in common (AI-14).
    pub fn family_name(&self) -> Option<&Pii<String>> {
        self.person_last_name.as_ref()
    }
}
