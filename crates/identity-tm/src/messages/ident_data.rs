//! `getIdentData`, [T 3.3.4].

use std::fmt;

use identkit_core::Pii;
use identkit_wire::json::Blob;
use identkit_wire::{Dts, OneOrMany, debug_as, message};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::{Details, DriverLicense};
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
        "DriverLicence" => driver_license: CheckedDriverLicense,
        /// Special attributes by name: a text, or another JSON value (AT-27).
        "Additional" => additional: Details<AdditionalValue>,
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

/// The driver's licence as it was checked.
pub type CheckedDriverLicense = DriverLicense;

message! {
    written only;
    with setters;
    /// An image. Written as `{Image, Filename}`. The table nests it in a way that cannot be (AT-28), so that every
    /// reading of it is read: the content under `Image`, as an object of its own, under another name, or as a bare text.
    pub struct Image {
        /// The image, Base64.
        "Image" => image: Blob,
        /// At most 100.
        "Filename" => filename: Text,
    }
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;

        impl<'de> de::Visitor<'de> for Shapes {
            type Value = Image;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an image: Base64 text, or an object")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Image, E> {
                Ok(Image::default().image(Blob::Text(text.into())))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Image, A::Error> {
                let mut read = Image::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "Image" => {
                            let Some(inner) = map.next_value::<Option<Image>>()? else { continue };
                            read.image = inner.image.or(read.image);
                            read.filename = read.filename.or(inner.filename);
                            read.extra.extend(inner.extra);
                        }
                        "Data" | "Base64" | "Base64Data" => {
                            let told = map.next_value::<Option<Blob>>()?;
                            read.image = read.image.or(told);
                        }
                        "Filename" => read.filename = map.next_value::<Option<Text>>()?.or(read.filename),
                        _ => {
                            read.extra.insert(key, map.next_value()?);
                        }
                    }
                }
                Ok(read)
            }
        }

        deserializer.deserialize_any(Shapes)
    }
}

/// A special attribute as it comes back: documented as a text, read in any form (AT-27).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
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

debug_as!(AdditionalValue, |_value| "{}", identkit_core::REDACTED);

/// How the person was identified, [T 3.3.4].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentifyMethod {
    /// By a courier at the door.
    Courier,
    /// In a shop.
    Shop,
    /// In a video call.
    Video,
    /// With the eID of the identity card.
    Eid,
    /// With a bank account.
    Giro,
    /// `SmartID`, which the document mentions nowhere else.
    SmartId,
    /// By a machine, without an agent.
    AutoId,
}

/// What the vendor writes for a date of the ID document that was not given, in initial data only (AT-25).
const UNSET_DATE: &str = "1970-01-01";

impl IdentData {
    /// `IDCard.ValidUntil`, but for the date that stands for "not given" in initial data (AT-25).
    pub fn card_valid_until(&self) -> Option<&Text> {
        self.given(self.id_card.as_ref()?.valid_until.as_ref())
    }

    /// `IDCard.DateOfIssue`, but for the date that stands for "not given" in initial data (AT-25).
    pub fn card_date_of_issue(&self) -> Option<&Text> {
        self.given(self.id_card.as_ref()?.date_of_issue.as_ref())
    }

    fn given<'a>(&self, date: Option<&'a Text>) -> Option<&'a Text> {
        date.filter(|date| self.kind != Some(2) || date.expose() != UNSET_DATE)
    }
}

impl IdentDataAnswer {
    /// How the person was identified, whatever the case it is spelled in (AT-82). `None` when it is not told, or in
    /// a word that the document does not list; [`identify_method`](Self::identify_method) has the word itself.
    pub fn method(&self) -> Option<IdentifyMethod> {
        const NAMES: [(&str, IdentifyMethod); 7] = [
            ("Courier", IdentifyMethod::Courier),
            ("Shop", IdentifyMethod::Shop),
            ("Video", IdentifyMethod::Video),
            ("eID", IdentifyMethod::Eid),
            ("Giro", IdentifyMethod::Giro),
            ("SmartID", IdentifyMethod::SmartId),
            ("autoID", IdentifyMethod::AutoId),
        ];
        let told = self.identify_method.as_deref()?;
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(told)).map(|(_, method)| *method)
    }

    /// The document says that the name `Identified` holds a typo, and prints it without one (AT-01). When none of
    /// the expected spellings came, the only other element that begins like it and holds a date-time is taken.
    /// Says whether one was.
    pub(crate) fn find_identified(&mut self) -> bool {
        if self.identified.is_some() {
            return false;
        }
        let mut found = self.extra.iter().filter_map(|(key, value)| {
            let date = Dts::parse(value.as_str()?);
            let fits = key.to_ascii_lowercase().starts_with("ident") && date.timestamp().is_some();
            fits.then(|| (key.clone(), date))
        });
        let (Some((key, date)), None) = (found.next(), found.next()) else { return false };
        self.extra.remove(&key);
        self.identified = Some(date);
        true
    }

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
