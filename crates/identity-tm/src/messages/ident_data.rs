//! `getIdentData`, [T 3.3.4].

use std::collections::BTreeMap;

use identkit_core::Pii;
use identkit_wire::json::Blob;
use identkit_wire::{Dts, OneOrMany, message};
use serde_json::Value;

use crate::OrderId;

type Text = Pii<String>;

message! {
    /// The result of an identification.
    pub struct IdentDataAnswer {
        /// The vendor's id; absent in the document's own example (AT-24).
        "OrderID" => order_id: OrderId,
        /// The integrator's reference; absent in the example too.
        "Ref" => reference: Text,
        /// Courier, Shop, Video, eID, Giro, SmartID or autoID; read without regard to case (AT-82).
        "IdentifyMethod" => identify_method: String,
        /// When the identification took place. The document says that the name holds a typo (AT-01): several are read.
        "Identified" | "Identifed" | "Identfied" | "Indentified" | "Identifid" => identified: Dts,
        /// The person's address on the network, if the account collects it.
        "UserIp" => user_ip: Text,
        /// The data: one object, or an array of checked and initial data (AT-23).
        "IdentData" => ident_data: OneOrMany<IdentData>,
    }
}

message! {
    /// Data of a person. Every element may be missing (AT-25).
    pub struct IdentData {
        /// 1 checked, 2 as given to putOrder.
        "Type" => kind: u32,
        /// At most 50.
        "Firstname" => firstname: Text,
        /// At most 50.
        "Surname" => surname: Text,
        /// At most 100.
        "Street" => street: Text,
        /// At most 5, read at any length.
        "ZipCode" => zip_code: Text,
        /// At most 100.
        "City" => city: Text,
        /// As the vendor writes it.
        "Country" => country: Text,
        /// `YYYY-MM-DD`. 1970-01-01 is a real date here.
        "Birthdate" => birthdate: Text,
        /// At most 100.
        "Birthplace" => birthplace: Text,
        /// Only if asked for.
        "Birthname" => birthname: Text,
        /// At most 50.
        "Nationality" => nationality: Text,
        /// At most 50.
        "Title" => title: Text,
        /// At most 50.
        "Artistname" => artistname: Text,
        /// `female` or `male`.
        "Gender" => gender: Text,
        /// If verified with a TAN.
        "Mobile" => mobile: Text,
        /// If verified with a TAN.
        "Email" => email: Text,
        /// The ID document.
        "IDCard" => id_card: CheckedIdCard,
        /// The driver's licence, if it was asked for.
        "DriverLicence" => driver_licence: CheckedDriverLicence,
        /// Special attributes by name: a text, or another JSON value (AT-27).
        "Additional" => additional: BTreeMap<String, AdditionalValue>,
        /// Images, if enabled.
        "Images" => images: Vec<Image>,
    }
}

message! {
    /// The ID document as it was checked.
    pub struct CheckedIdCard {
        /// At most 50.
        "CardNo" => card_no: Text,
        /// Pseudonym of card and service; eID only.
        "eidRestrictedIdentifier" => eid_restricted_identifier: Text,
        /// At most 100.
        "PlaceOfIssue" => place_of_issue: Text,
        /// `YYYY-MM-DD`; not in the table, only in the changelog (AT-26).
        "DateOfIssue" => date_of_issue: Text,
        /// `YYYY-MM-DD`; 1970-01-01 in initial data means that it was not given (AT-25).
        "ValidUntil" => valid_until: Text,
        /// `IDCard`, `Passport`, or a text of `LegitimationDocument`.
        "Type" => kind: Text,
    }
}

message! {
    /// The driver's licence as it was checked.
    pub struct CheckedDriverLicence {
        /// At most 50.
        "LicenceNo" => licence_no: Text,
        /// At most 50.
        "Classes" => classes: Text,
        /// `YYYY-MM-DD`.
        "DateOfIssue" => date_of_issue: Text,
    }
}

message! {
    /// An image.
    pub struct Image {
        /// The image, Base64.
        "Image" | "Base64Data" => image: Blob,
        /// At most 100.
        "Filename" => filename: Text,
    }
}

/// A special attribute as it comes back: documented as a text, read in any form (AT-27).
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AdditionalValue(Value);

impl AdditionalValue {
    /// The value as text: itself, or `Value` of an object.
    pub fn text(&self) -> Option<String> {
        let plain = match &self.0 {
            Value::Object(object) => object.get("Value")?,
            other => other,
        };
        match plain {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }
}

impl From<&str> for AdditionalValue {
    fn from(text: &str) -> Self {
        Self(Value::String(text.to_owned()))
    }
}

impl std::fmt::Debug for AdditionalValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(identkit_core::REDACTED)
    }
}

impl IdentDataAnswer {
    /// The checked data: Type 1, or the only element.
    pub fn checked(&self) -> Option<&IdentData> {
        match self.ident_data.as_ref()?.as_slice() {
            [only] if only.kind != Some(2) => Some(only),
            many => many.iter().find(|data| data.kind == Some(1)),
        }
    }

    /// The data given to putOrder: Type 2.
    pub fn initial(&self) -> Option<&IdentData> {
        self.ident_data.as_ref()?.as_slice().iter().find(|data| data.kind == Some(2))
    }
}
