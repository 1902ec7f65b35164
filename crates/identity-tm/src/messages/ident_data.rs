//! `getIdentData`, [T 3.3.4].

use std::fmt;

use identkit_core::Pii;
use identkit_wire::json::{self, Blob};
use identkit_wire::{Dts, OneOrMany, debug_as, message};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::{Details, DriverLicense};
use crate::OrderId;

type Text = Pii<String>;

message! {
    /// Result of an identification.
    pub struct IdentDataAnswer {
        /// The vendor's id of the order. Absent in the document's example (AT-24).
        "OrderID" => order_id: OrderId,
        /// The caller's reference. Absent in the document's example.
        "Ref" => reference: Text,
        /// Method: Courier, Shop, Video, eID, Giro, SmartID or autoID. [`method`](Self::method) ignores case (AT-82).
        "IdentifyMethod" => identify_method: String,
        /// Time of the identification. The document says that the name has a typo (AT-01): several names are read.
        "Identified" | "Identifed" | "Identfied" | "Indentified" | "Identifid" => identified: Dts,
        /// IP address of the person, if the account collects it.
        "UserIp" => user_ip: Text,
        /// Data: one object, or an array of checked and initial data (AT-23).
        "IdentData" => ident_data: OneOrMany<IdentData>,
    }
}

message! {
    /// Data of a person. Every element may be missing (AT-25). Lengths are in characters.
    pub struct IdentData {
        /// 1: checked. 2: as sent with putOrder.
        "Type" => kind: u32,
        /// First names, at most 50.
        "Firstname" => firstname: Text,
        /// Family name, at most 50.
        "Surname" => surname: Text,
        /// Street, at most 100.
        "Street" => street: Text,
        /// Postal code, at most 5 by the document; any length is read.
        "ZipCode" => zip_code: Text,
        /// City, at most 100.
        "City" => city: Text,
        /// Country, as received.
        "Country" => country: Text,
        /// Date of birth, `YYYY-MM-DD`. 1970-01-01 is a real date here.
        "Birthdate" => birthdate: Text,
        /// Place of birth, at most 100.
        "Birthplace" => birthplace: Text,
        /// Name at birth, only if the order requested it.
        "Birthname" => birthname: Text,
        /// Nationality, at most 50.
        "Nationality" => nationality: Text,
        /// Title, at most 50.
        "Title" => title: Text,
        /// Stage name, at most 50.
        "Artistname" => artistname: Text,
        /// `female` or `male`.
        "Gender" => gender: Text,
        /// Mobile number, if verified with a TAN.
        "Mobile" => mobile: Text,
        /// E-mail address, if verified with a TAN.
        "Email" => email: Text,
        /// ID document.
        "IDCard" => id_card: CheckedIdCard,
        /// Driver's license, if the order requested it.
        "DriverLicence" => driver_license: CheckedDriverLicense,
        /// Special attributes by name: a text or another JSON value (AT-27).
        "Additional" => additional: Details<AdditionalValue>,
        /// Images, if enabled.
        "Images" => images: Vec<Image>,
    }
}

message! {
    /// Checked ID document.
    pub struct CheckedIdCard {
        /// Number, at most 50.
        "CardNo" => card_no: Text,
        /// Pseudonym of card and service, eID only.
        "eidRestrictedIdentifier" => eid_restricted_identifier: Text,
        /// Place of issue, at most 100.
        "PlaceOfIssue" => place_of_issue: Text,
        /// Date of issue, `YYYY-MM-DD`. In the document's changelog only, not in the table (AT-26).
        "DateOfIssue" => date_of_issue: Text,
        /// Expiry date, `YYYY-MM-DD`. In initial data 1970-01-01 means unknown (AT-25).
        "ValidUntil" => valid_until: Text,
        /// Kind: `IDCard`, `Passport` or a text of `LegitimationDocument`.
        "Type" => kind: Text,
    }
}

/// Checked driver's license.
pub type CheckedDriverLicense = DriverLicense;

message! {
    written only;
    with setters;
    /// An image. Written as `{Image, Filename}`. The document's table nests it inconsistently (AT-28), so the content is
    /// also read from a nested object, from `Data`, `Base64` or `Base64Data`, and from a bare text.
    pub struct Image {
        /// Content, Base64.
        "Image" => image: Blob,
        /// File name, at most 100.
        "Filename" => filename: Text,
    }
}

/// Name of an element of an image. It names the listed ones to the deserializer, for warnings and paths.
struct ImageKey(String);

impl<'de> Deserialize<'de> for ImageKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl de::Visitor<'_> for Name {
            type Value = ImageKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E: de::Error>(self, key: &str) -> Result<ImageKey, E> {
                Ok(ImageKey(key.to_owned()))
            }
        }

        deserializer.deserialize_struct("key", &["Image", "Data", "Base64", "Base64Data", "Filename"], Name)
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
                while let Some(ImageKey(key)) = map.next_key()? {
                    match key.as_str() {
                        "Image" => {
                            let Some(inner) = map.next_value::<Option<Image>>()? else { continue };
                            read.image = inner.image.or(read.image);
                            read.filename = read.filename.or(inner.filename);
                            read.extra.extend(inner.extra);
                        }
                        "Data" | "Base64" | "Base64Data" => {
                            let content = map.next_value::<Option<Blob>>()?;
                            read.image = read.image.or(content);
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

/// Value of a special attribute in a response: documented as a text, read as any JSON value (AT-27).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdditionalValue(Value);

impl AdditionalValue {
    /// Returns the value as text; of an object, its `Value`. `None` if that is not a text, a number or a bool.
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

/// Method of identification, [T 3.3.4].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentifyMethod {
    /// By a courier.
    Courier,
    /// In a shop.
    Shop,
    /// In a video call.
    Video,
    /// With the eID of the identity card.
    Eid,
    /// With a bank account.
    Giro,
    /// `SmartID`, which the document does not explain.
    SmartId,
    /// Automatically, without an agent.
    AutoId,
}

/// The vendor's value for an unknown date of the ID document, in initial data only (AT-25).
const UNSET_DATE: &str = "1970-01-01";

impl IdentData {
    /// Whether it contains no data of a person that the document lists. The type alone is none.
    pub(crate) fn is_empty(&self) -> bool {
        fn is_empty(value: &Value) -> bool {
            match value {
                Value::Null => true,
                Value::String(text) => text.trim().is_empty(),
                Value::Array(many) => many.iter().all(is_empty),
                Value::Object(members) => members.values().all(is_empty),
                _ => false,
            }
        }
        // Images are not written for this: they are large.
        self.images.as_ref().is_none_or(Vec::is_empty)
            && serde_json::to_value(self).is_ok_and(|value| {
                value.as_object().is_some_and(|members| {
                    let is_listed = |name: &String| name != "Type" && self.extra.get(name.as_str()).is_none();
                    members.iter().filter(|(name, _)| is_listed(name)).all(|(_, value)| is_empty(value))
                })
            })
    }

    /// Returns `IDCard.ValidUntil`; `None` for the date that means unknown in initial data (AT-25).
    pub fn card_valid_until(&self) -> Option<&Text> {
        self.known_date(self.id_card.as_ref()?.valid_until.as_ref())
    }

    /// Returns `IDCard.DateOfIssue`; `None` for the date that means unknown in initial data (AT-25).
    pub fn card_date_of_issue(&self) -> Option<&Text> {
        self.known_date(self.id_card.as_ref()?.date_of_issue.as_ref())
    }

    fn known_date<'a>(&self, date: Option<&'a Text>) -> Option<&'a Text> {
        date.filter(|date| self.kind != Some(2) || date.expose() != UNSET_DATE)
    }
}

impl IdentDataAnswer {
    /// Returns the method of identification, ignoring case (AT-82). `None` if the response has none or an unlisted one;
    /// [`identify_method`](#structfield.identify_method) has the text.
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
        let text = self.identify_method.as_deref()?;
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, method)| *method)
    }

    /// Finds `Identified` under an unexpected name: the document says that the name has a typo, but does not show it
    /// (AT-01). If exactly one unlisted element starts with "ident" and contains a date-time, it is used. Returns whether
    /// it was.
    pub(crate) fn find_identified(&mut self) -> bool {
        if self.identified.is_some() {
            return false;
        }
        let mut candidates = self.extra.iter().filter_map(|(key, value)| {
            let date = Dts::parse(value.as_str()?);
            let fits = key.to_ascii_lowercase().starts_with("ident") && date.timestamp().is_some();
            fits.then(|| (key.clone(), date))
        });
        let (Some((key, date)), None) = (candidates.next(), candidates.next()) else { return false };
        self.extra.remove(&key);
        self.identified = Some(date);
        true
    }

    /// Returns the checked data: Type 1, or the only element if it has no Type. If several have Type 1, the first one. An
    /// entry without data of a person counts as absent (AT-23).
    pub fn checked(&self) -> Option<&IdentData> {
        match self.ident_data.as_ref()?.as_slice() {
            [only] if only.kind.is_none() => Some(only).filter(|data| !data.is_empty()),
            many => of_type(many, 1),
        }
    }

    /// Returns the data sent with putOrder: Type 2, if it has data of a person.
    pub fn initial(&self) -> Option<&IdentData> {
        of_type(self.ident_data.as_ref()?.as_slice(), 2)
    }
}

/// The first entry of this Type that has data of a person.
fn of_type(entries: &[IdentData], kind: u32) -> Option<&IdentData> {
    entries.iter().find(|data| data.kind == Some(kind) && !data.is_empty())
}

/// Whether a response has the time of the identification under several listed names with different values (AT-01). A
/// message has the value of one of them only.
pub(crate) fn has_different_times(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Times {
        #[serde(rename = "Identified")]
        documented: Option<Value>,
        #[serde(rename = "Identifed")]
        without_i: Option<Value>,
        #[serde(rename = "Identfied")]
        without_second_i: Option<Value>,
        #[serde(rename = "Indentified")]
        with_n: Option<Value>,
        #[serde(rename = "Identifid")]
        without_e: Option<Value>,
    }
    // A repeated name has its own warning (AT-95).
    let Ok(times) = json::read::<Times>(bytes) else { return false };
    let Times { documented, without_i, without_second_i, with_n, without_e } = times;
    let all = [documented, without_i, without_second_i, with_n, without_e];
    let mut values = all.iter().flatten().filter(|value| !value.is_null());
    let first = values.next();
    values.any(|value| Some(value) != first)
}
