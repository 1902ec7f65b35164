//! `putOrder`: request and answer, [T 3.1.3] and [T 3.1.4].

use std::fmt;

use identkit_core::{Error, Pii, Secret};
use identkit_wire::json::Blob;
use identkit_wire::{Extra, OneOrMany, json, message};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::Details;
use crate::OrderId;

type Text = Pii<String>;

message! {
    /// An order: the body of `putOrder`, [T 3.1.3]. Lengths are checked when it is sent.
    pub struct PutOrder {
        /// The integrator's reference, at most 100 characters. Set it, unique: it finds the order after a lost answer.
        "Ref" => reference: Text,
        /// 0 identification without video and autoID, 12 with video, 15 eSign, 16 autoID. Required.
        "Product" => product: u32,
        /// Sum of behaviours: 0 normal, 8 generate sign-me account, 16 use sign-me account, 32 no acquisition by
        /// phone, 4096 and 8192 licence checks, 131072 record video, 4194304 PoS. Required, also when 0.
        "Add" => add: u64,
        /// Settings for the eID method.
        "eIDSettings" => eid_settings: EidSettings,
        /// `true` returns the TargetURL; otherwise the person is only mailed.
        "getTargetLink" => get_target_link: bool,
        /// `true` returns the VideoHashes, with Product 12 or 15.
        "getVideoHashes" => get_video_hashes: bool,
        /// IBAN or BIC of a supported bank, for a giro redirect.
        "getGiroLink" => get_giro_link: Text,
        /// Where the person is sent afterwards.
        "RedirectURL" => redirect_url: RedirectUrl,
        /// What the vendor calls.
        "WebhookURL" => webhook_url: WebhookUrl,
        /// Phone number: `+` and digits, at most 50.
        "Phone" => phone: Text,
        /// Mobile number: `+` and digits, at most 50.
        "Mobile" => mobile: Text,
        /// E-mail address, at most 50. Required.
        "Email" => email: Text,
        /// Contact and delivery address. Required.
        "Address" => address: Address,
        /// Data to be checked; what is empty is picked up if possible.
        "IdentData" => ident_data: OrderIdentData,
        /// Acceptable documents, as the agent sees them.
        "LegitimationDocument" => legitimation_document: LegitimationDocuments,
        /// PDFs to be signed (QES): an object when one, an array when several (AT-33).
        "eSignPDF" => sign_pdf: OneOrMany<SignPdf>,
        /// Hashes to be signed (QES), likewise.
        "eSignHash" => sign_hash: OneOrMany<SignHash>,
        /// Signs the document of another order as well.
        "MultiSignOptions" => multi_sign_options: MultiSignOptions,
        /// A stored identification to be used again, [T 6].
        "IdentDataSigned" => ident_data_signed: Secret,
        /// Mail addresses for final states.
        "EmailNotifications" => email_notifications: EmailNotifications,
    }
}

impl PutOrder {
    /// Reads an order from JSON, as the vendor's document writes it. Elements that are not listed are kept.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) with path, line and column.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        json::read(bytes).map_err(|fault| fault.input().with_operation("putOrder"))
    }
}

message! {
    /// eID settings, no effect for other methods.
    pub struct EidSettings {
        /// Verifies the mobile number.
        "VerifyMobileNumber" => verify_mobile_number: bool,
        /// Reads document number, issuing authority and date of issue.
        "EnableOCR" => enable_ocr: bool,
        /// Takes images of the document; always with `EnableOCR`.
        "CaptureImages" => capture_images: bool,
        /// No switch to video when eID fails.
        "NoVideoFallback" => no_video_fallback: bool,
    }
}

message! {
    /// Where the person is sent; each at most 150 characters.
    pub struct RedirectUrl {
        /// After success.
        "Success" => success: Secret,
        /// After failure.
        "Abort" => abort: Secret,
    }
}

message! {
    /// What the vendor calls; each at most 150 characters, with `[OrderID]` and `[Ref]` as placeholders.
    pub struct WebhookUrl {
        /// When the person leaves the video system. Not together with `AfterIdent`.
        "AfterVideo" => after_video: Secret,
        /// When the identification was conducted. Not together with `AfterVideo`.
        "AfterIdent" => after_ident: Secret,
        /// When the order is final.
        "OnFinal" => on_final: Secret,
    }
}

message! {
    /// Contact and delivery address.
    pub struct Address {
        /// At most 50. Required.
        "Firstname" => firstname: Text,
        /// At most 50. Required.
        "Surname" => surname: Text,
        /// At most 50.
        "CompanyName" => company_name: Text,
        /// At most 50.
        "Street" => street: Text,
        /// At most 5.
        "ZipCode" => zip_code: Text,
        /// At most 100.
        "City" => city: Text,
        /// ISO 3166 alpha-2. Required.
        "Country" => country: Text,
    }
}

message! {
    /// Data to be checked. `None` leaves an element out; an empty text asks to pick it up (AT-49).
    pub struct OrderIdentData {
        /// At most 50.
        "Firstname" => firstname: Text,
        /// At most 50.
        "Surname" => surname: Text,
        /// At most 100.
        "Street" => street: Text,
        /// At most 5.
        "ZipCode" => zip_code: Text,
        /// At most 100.
        "City" => city: Text,
        /// ISO 3166 alpha-2.
        "Country" => country: Text,
        /// `YYYY-MM-DD`.
        "Birthdate" => birthdate: Text,
        /// At most 100.
        "Birthplace" => birthplace: Text,
        /// At most 75. `None` does not determine it, an empty text determines it, another text checks it (AT-48).
        "Birthname" => birthname: Text,
        /// At most 50.
        "Nationality" => nationality: Text,
        /// At most 50.
        "Title" => title: Text,
        /// At most 50.
        "Artistname" => artistname: Text,
        /// `female` or `male`.
        "Gender" => gender: Text,
        /// E-mail address, at most 50 (its description is swapped with `Mobile`'s, AT-30).
        "Email" => email: Text,
        /// Mobile number, at most 50.
        "Mobile" => mobile: Text,
        /// At most 100; PoS service only.
        "CollectedBy" => collected_by: Text,
        /// The ID document.
        "IDCard" => id_card: IdCard,
        /// The driver's licence, with `Add` 4096 or 8192.
        "DriverLicence" => driver_license: DriverLicense,
        /// Special attributes by name (at most 50): 2 for courier and shop, 10 for video (AT-83).
        "Additional" => additional: Details<Additional>,
    }
}

message! {
    /// The ID document.
    pub struct IdCard {
        /// At most 50.
        "CardNo" => card_no: Text,
        /// At most 100.
        "PlaceOfIssue" => place_of_issue: Text,
        /// `YYYY-MM-DD`.
        "DateOfIssue" => date_of_issue: Text,
        /// `YYYY-MM-DD`.
        "ValidUntil" => valid_until: Text,
        /// PoS service only.
        "Images" => images: IdCardImages,
    }
}

message! {
    /// Images of the ID document, PoS service only.
    pub struct IdCardImages {
        /// JPEG, front side.
        "Front" => front: Blob,
        /// JPEG, back side (printed as front, AT-31).
        "Back" => back: Blob,
    }
}

message! {
    /// The driver's licence.
    pub struct DriverLicense {
        /// At most 50.
        "LicenceNo" => license_no: Text,
        /// At most 50.
        "Classes" => classes: Text,
        /// `YYYY-MM-DD`.
        "DateOfIssue" => date_of_issue: Text,
    }
}

message! {
    /// A special attribute.
    pub struct Additional {
        /// 1 string, 2 date, 3 bool, 4 country (ISO 3166).
        "Type" => kind: u32,
        /// At most 100.
        "Label" => label: Text,
        /// At most 150.
        "Value" => value: Text,
    }
}

message! {
    written only;
    with setters;
    /// A description of an acceptable document.
    pub struct LegitimationDocument {
        /// At most 50.
        "Document" => document: Text,
    }
}

/// Acceptable documents. Their shape is unclear (AT-29): written as `[{"Document":"…"}]`, or `["…"]` by the dialect;
/// read in these forms, as `{"Document":[…]}` and as a single object or text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LegitimationDocuments(pub Vec<LegitimationDocument>);

impl LegitimationDocuments {
    /// The descriptions, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, LegitimationDocument> {
        self.0.iter()
    }
}

impl From<Vec<LegitimationDocument>> for LegitimationDocuments {
    fn from(documents: Vec<LegitimationDocument>) -> Self {
        Self(documents)
    }
}

impl<'a> IntoIterator for &'a LegitimationDocuments {
    type Item = &'a LegitimationDocument;
    type IntoIter = std::slice::Iter<'a, LegitimationDocument>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// In any of the shapes of [`LegitimationDocuments`] that holds one.
impl<'de> Deserialize<'de> for LegitimationDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = LegitimationDocuments::deserialize(deserializer)?.0;
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(de::Error::custom("one description is expected")),
        }
    }
}

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(Text),
    Many(Vec<Text>),
}

impl<'de> Deserialize<'de> for LegitimationDocuments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;

        impl<'de> de::Visitor<'de> for Shapes {
            type Value = LegitimationDocuments;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts, or objects with Document")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<LegitimationDocuments, E> {
                Ok(LegitimationDocuments(vec![LegitimationDocument::default().document(text)]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<LegitimationDocuments, A::Error> {
                let mut all = Vec::new();
                while let Some(LegitimationDocuments(some)) = seq.next_element()? {
                    all.extend(some);
                }
                Ok(LegitimationDocuments(all))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<LegitimationDocuments, A::Error> {
                let (mut told, mut extra, mut none) = (Vec::new(), Extra::default(), false);
                while let Some(key) = map.next_key::<String>()? {
                    if key == "Document" {
                        match map.next_value::<Option<Texts>>()? {
                            Some(Texts::One(text)) => told = vec![text],
                            Some(Texts::Many(texts)) => (none, told) = (texts.is_empty(), texts),
                            None => {}
                        }
                    } else {
                        extra.insert(key, map.next_value()?);
                    }
                }
                let mut all: Vec<_> =
                    told.into_iter().map(|text| LegitimationDocument::default().document(text)).collect();
                // What stands beside the texts belongs to no single one of them: it goes with the first.
                match all.first_mut() {
                    Some(first) => first.extra = extra,
                    None if none && extra.is_empty() => {}
                    None => all.push(LegitimationDocument { document: None, extra }),
                }
                Ok(LegitimationDocuments(all))
            }
        }

        deserializer.deserialize_any(Shapes)
    }
}

message! {
    /// A PDF to be signed. Positions in PDF points (1/72 inch), origin lower left.
    pub struct SignPdf {
        /// The PDF, not encrypted.
        "Data" => data: Blob,
        /// At most 50, unique in the order.
        "Filename" => filename: Text,
        /// Position of the signature.
        "SignaturePosX" => signature_pos_x: f64,
        /// Position of the signature.
        "SignaturePosY" => signature_pos_y: f64,
        /// Only with a position.
        "SignatureHeight" => signature_height: f64,
        /// Only with a position.
        "SignatureWidth" => signature_width: f64,
        /// Page to place it on.
        "SignaturePage" => signature_page: u32,
        /// A signature field of the PDF, instead of a position.
        "SignatureFieldName" => signature_field_name: Text,
    }
}

message! {
    /// A hash to be signed.
    pub struct SignHash {
        /// Base64 of the hash of a prepared PDF.
        "Hash" => hash: Secret,
        /// At most 50, unique in the order: the result comes under this name (AT-35).
        "Filename" => filename: Text,
        /// Position of the signature.
        "SignaturePosX" => signature_pos_x: f64,
        /// Position of the signature.
        "SignaturePosY" => signature_pos_y: f64,
        /// Only with a position.
        "SignatureHeight" => signature_height: f64,
        /// Only with a position.
        "SignatureWidth" => signature_width: f64,
    }
}

message! {
    /// Signs the document of a master order as well.
    pub struct MultiSignOptions {
        /// The master order, at most 14 as printed (AT-22).
        "FirstOrderID" => first_order_id: OrderId,
        /// For the files of the master order.
        "SignParameters" => sign_parameters: Vec<SignParameters>,
    }
}

message! {
    /// Where to sign a file of the master order (AT-32).
    pub struct SignParameters {
        /// As in the master order, at most 50.
        "Filename" => filename: Text,
        /// Position of the signature.
        "SignaturePosX" => signature_pos_x: f64,
        /// Position of the signature.
        "SignaturePosY" => signature_pos_y: f64,
        /// Only with a position.
        "SignatureHeight" => signature_height: f64,
        /// Only with a position.
        "SignatureWidth" => signature_width: f64,
        /// Page to place it on.
        "SignaturePage" => signature_page: u32,
        /// A signature field, instead of a position.
        "SignatureFieldName" => signature_field_name: Text,
    }
}

message! {
    /// Mail addresses to be notified (AT-81); each at most 150. Overrides the account's settings.
    pub struct EmailNotifications {
        /// On a final positive status.
        "OnPositiveIdent" => on_positive_ident: Text,
        /// On a final negative status.
        "OnNegativeIdent" => on_negative_ident: Text,
        /// On a final time-out.
        "OnTimeOut" => on_time_out: Text,
        /// When the person leaves the process.
        "OnLeave" => on_leave: Text,
    }
}

message! {
    /// The answer to `putOrder`, [T 3.1.4].
    pub struct PutOrderAnswer {
        /// The vendor's id, always unique.
        "OrderID" => order_id: OrderId,
        /// The integrator's reference.
        "Ref" => reference: Text,
        /// Where the person goes; whoever has it acts as the person.
        "TargetURL" => target_url: Secret,
        /// For the video app.
        "VideoHashes" => video_hashes: VideoHashes,
        /// In case of an error; may come beside an OrderID (AT-53).
        "Error" => error: Text,
    }
}

message! {
    /// Codes for the video app; whoever has them acts as the person.
    pub struct VideoHashes {
        /// At most 5.
        "ShortCode" => short_code: Secret,
        /// At most 20.
        "LongCode" => long_code: Secret,
    }
}
