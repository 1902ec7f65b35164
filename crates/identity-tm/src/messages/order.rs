//! `putOrder`: request and response, [T 3.1.3] and [T 3.1.4].

use std::fmt;

use identkit_core::{Error, Pii, Secret};
use identkit_wire::json::Blob;
use identkit_wire::{Extra, OneOrMany, json, message};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::Details;
use crate::OrderId;

type Text = Pii<String>;

message! {
    /// An order: the body of `putOrder`, [T 3.1.3]. Lengths are in characters and are checked when it is sent.
    pub struct PutOrder {
        /// The caller's reference, at most 100. Should be set and unique: it finds the order if the response is lost.
        "Ref" => reference: Text,
        /// 0: identification without video and autoID. 12: with video. 15: eSign. 16: autoID. Required.
        "Product" => product: u32,
        /// Sum of options. 0: none. 8: create a sign-me account. 16: use a sign-me account. 32: no acquisition by phone.
        /// 4096, 8192: license checks. 131072: record the video. 4194304: PoS. Required, even if 0.
        "Add" => add: u64,
        /// Options of the eID method.
        "eIDSettings" => eid_settings: EidSettings,
        /// Whether the response contains the TargetURL; otherwise the vendor only mails the person.
        "getTargetLink" => get_target_link: bool,
        /// Whether the response contains the VideoHashes, with Product 12 or 15.
        "getVideoHashes" => get_video_hashes: bool,
        /// IBAN or BIC of a supported bank, for a giro redirect.
        "getGiroLink" => get_giro_link: Text,
        /// URLs to which the vendor redirects the person at the end.
        "RedirectURL" => redirect_url: RedirectUrl,
        /// URLs that the vendor calls.
        "WebhookURL" => webhook_url: WebhookUrl,
        /// Phone number: `+` and digits, at most 50.
        "Phone" => phone: Text,
        /// Mobile number: `+` and digits, at most 50.
        "Mobile" => mobile: Text,
        /// E-mail address, at most 50. Required.
        "Email" => email: Text,
        /// Contact and delivery address. Required.
        "Address" => address: Address,
        /// Data to check. The vendor determines the value of an empty element if possible.
        "IdentData" => ident_data: OrderIdentData,
        /// Descriptions of accepted documents, which the agent sees.
        "LegitimationDocument" => legitimation_document: LegitimationDocuments,
        /// PDFs to sign (QES): one object, or an array of several (AT-33).
        "eSignPDF" => sign_pdf: OneOrMany<SignPdf>,
        /// Hashes to sign (QES): one object, or an array of several (AT-33).
        "eSignHash" => sign_hash: OneOrMany<SignHash>,
        /// Master order whose documents are signed too.
        "MultiSignOptions" => multi_sign_options: MultiSignOptions,
        /// Stored identification to reuse, [T 6].
        "IdentDataSigned" => ident_data_signed: Secret,
        /// E-mail addresses to notify.
        "EmailNotifications" => email_notifications: EmailNotifications,
    }
}

impl PutOrder {
    /// Reads an order from the vendor's JSON. Unlisted elements are preserved.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) with path, line and column if the JSON is not valid, or if
    /// an element occurs twice.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        json::read_input(bytes).map_err(|fault| fault.input().with_operation("putOrder"))
    }
}

message! {
    /// Options of the eID method; no effect on other methods.
    pub struct EidSettings {
        /// Whether the mobile number is verified.
        "VerifyMobileNumber" => verify_mobile_number: bool,
        /// Whether document number, issuing authority and date of issue are read.
        "EnableOCR" => enable_ocr: bool,
        /// Whether images of the document are taken. Implied by `EnableOCR`.
        "CaptureImages" => capture_images: bool,
        /// Whether a failed eID does not switch to video.
        "NoVideoFallback" => no_video_fallback: bool,
    }
}

message! {
    /// URLs to which the vendor redirects the person; each at most 150 characters.
    pub struct RedirectUrl {
        /// URL after success.
        "Success" => success: Secret,
        /// URL after failure.
        "Abort" => abort: Secret,
    }
}

message! {
    /// URLs that the vendor calls; each at most 150 characters, with the placeholders `[OrderID]` and `[Ref]`.
    pub struct WebhookUrl {
        /// URL called when the person leaves the video system. Excludes `AfterIdent`.
        "AfterVideo" => after_video: Secret,
        /// URL called when the identification was conducted. Excludes `AfterVideo`.
        "AfterIdent" => after_ident: Secret,
        /// URL called when the order is final.
        "OnFinal" => on_final: Secret,
    }
}

message! {
    /// Contact and delivery address. Lengths are in characters.
    pub struct Address {
        /// First names, at most 50. Required.
        "Firstname" => firstname: Text,
        /// Family name, at most 50. Required.
        "Surname" => surname: Text,
        /// Company, at most 50.
        "CompanyName" => company_name: Text,
        /// Street, at most 50.
        "Street" => street: Text,
        /// Postal code, at most 5.
        "ZipCode" => zip_code: Text,
        /// City, at most 100.
        "City" => city: Text,
        /// Country, ISO 3166 alpha-2. Required.
        "Country" => country: Text,
    }
}

message! {
    /// Data to check. `None` leaves an element out; an empty text asks the vendor to determine it (AT-49). Lengths are in
    /// characters.
    pub struct OrderIdentData {
        /// First names, at most 50.
        "Firstname" => firstname: Text,
        /// Family name, at most 50.
        "Surname" => surname: Text,
        /// Street, at most 100.
        "Street" => street: Text,
        /// Postal code, at most 5.
        "ZipCode" => zip_code: Text,
        /// City, at most 100.
        "City" => city: Text,
        /// Country, ISO 3166 alpha-2.
        "Country" => country: Text,
        /// Date of birth, `YYYY-MM-DD`.
        "Birthdate" => birthdate: Text,
        /// Place of birth, at most 100.
        "Birthplace" => birthplace: Text,
        /// Name at birth, at most 75. `None`: not determined. Empty: determined. Any other text: checked (AT-48).
        "Birthname" => birthname: Text,
        /// Nationality, at most 50.
        "Nationality" => nationality: Text,
        /// Title, at most 50.
        "Title" => title: Text,
        /// Stage name, at most 50.
        "Artistname" => artistname: Text,
        /// `female` or `male`.
        "Gender" => gender: Text,
        /// E-mail address, at most 50. The document swaps its description with that of `Mobile` (AT-30).
        "Email" => email: Text,
        /// Mobile number, at most 50.
        "Mobile" => mobile: Text,
        /// Who collected the data, at most 100; PoS service only.
        "CollectedBy" => collected_by: Text,
        /// ID document.
        "IDCard" => id_card: IdCard,
        /// Driver's license, with `Add` 4096 or 8192.
        "DriverLicence" => driver_license: DriverLicense,
        /// Special attributes by name (at most 50 characters): at most 2 for courier and shop, 10 for video (AT-83).
        "Additional" => additional: Details<Additional>,
    }
}

message! {
    /// ID document.
    pub struct IdCard {
        /// Number, at most 50 characters.
        "CardNo" => card_no: Text,
        /// Place of issue, at most 100 characters.
        "PlaceOfIssue" => place_of_issue: Text,
        /// Date of issue, `YYYY-MM-DD`.
        "DateOfIssue" => date_of_issue: Text,
        /// Expiry date, `YYYY-MM-DD`.
        "ValidUntil" => valid_until: Text,
        /// Images, PoS service only.
        "Images" => images: IdCardImages,
    }
}

message! {
    /// Images of the ID document, PoS service only.
    pub struct IdCardImages {
        /// Front side, JPEG.
        "Front" => front: Blob,
        /// Back side, JPEG. The document describes it as the front side (AT-31).
        "Back" => back: Blob,
    }
}

message! {
    /// Driver's license.
    pub struct DriverLicense {
        /// Number, at most 50 characters.
        "LicenceNo" => license_no: Text,
        /// Classes, at most 50 characters.
        "Classes" => classes: Text,
        /// Date of issue, `YYYY-MM-DD`.
        "DateOfIssue" => date_of_issue: Text,
    }
}

message! {
    /// A special attribute.
    pub struct Additional {
        /// Type of the value. 1: string. 2: date. 3: bool. 4: country (ISO 3166).
        "Type" => kind: u32,
        /// Label, at most 100 characters.
        "Label" => label: Text,
        /// Value, at most 150 characters.
        "Value" => value: Text,
    }
}

message! {
    written only;
    with setters;
    /// Description of an accepted document.
    pub struct LegitimationDocument {
        /// Description, at most 50 characters.
        "Document" => document: Text,
    }
}

/// Descriptions of accepted documents. The document does not define their shape (AT-29). Written as
/// `[{"Document":"…"}]`, or `["…"]` by the dialect; also read from `{"Document":[…]}`, a single object or a text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LegitimationDocuments(pub Vec<LegitimationDocument>);

impl LegitimationDocuments {
    /// Returns the descriptions in sequence.
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

/// Reads any shape of [`LegitimationDocuments`] that contains exactly one.
impl<'de> Deserialize<'de> for LegitimationDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = LegitimationDocuments::deserialize(deserializer)?.0;
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(de::Error::custom("exactly one description is expected")),
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
                let (mut texts, mut extra, mut empty) = (Vec::new(), Extra::default(), false);
                while let Some(key) = map.next_key::<String>()? {
                    if key == "Document" {
                        match map.next_value::<Option<Texts>>()? {
                            Some(Texts::One(text)) => texts = vec![text],
                            Some(Texts::Many(many)) => (empty, texts) = (many.is_empty(), many),
                            None => {}
                        }
                    } else {
                        extra.insert(key, map.next_value()?);
                    }
                }
                let mut all: Vec<_> =
                    texts.into_iter().map(|text| LegitimationDocument::default().document(text)).collect();
                // Unlisted elements belong to all the texts; they are attached to the first.
                match all.first_mut() {
                    Some(first) => first.extra = extra,
                    None if empty && extra.is_empty() => {}
                    None => all.push(LegitimationDocument { document: None, extra }),
                }
                Ok(LegitimationDocuments(all))
            }
        }

        deserializer.deserialize_any(Shapes)
    }
}

message! {
    /// A PDF to sign. Positions are in PDF points (1/72 inch) from the lower left corner.
    pub struct SignPdf {
        /// PDF, not encrypted.
        "Data" => data: Blob,
        /// File name, at most 50 characters, unique in the order.
        "Filename" => filename: Text,
        /// Horizontal position of the signature.
        "SignaturePosX" => signature_pos_x: f64,
        /// Vertical position of the signature.
        "SignaturePosY" => signature_pos_y: f64,
        /// Height of the signature; requires a position.
        "SignatureHeight" => signature_height: f64,
        /// Width of the signature; requires a position.
        "SignatureWidth" => signature_width: f64,
        /// Page of the signature.
        "SignaturePage" => signature_page: u32,
        /// Signature field of the PDF, instead of a position.
        "SignatureFieldName" => signature_field_name: Text,
    }
}

message! {
    /// A hash to sign.
    pub struct SignHash {
        /// Hash of a prepared PDF, Base64.
        "Hash" => hash: Secret,
        /// File name, at most 50 characters, unique in the order: the vendor returns the result under it (AT-35).
        "Filename" => filename: Text,
        /// Horizontal position of the signature.
        "SignaturePosX" => signature_pos_x: f64,
        /// Vertical position of the signature.
        "SignaturePosY" => signature_pos_y: f64,
        /// Height of the signature; requires a position.
        "SignatureHeight" => signature_height: f64,
        /// Width of the signature; requires a position.
        "SignatureWidth" => signature_width: f64,
    }
}

message! {
    /// Master order whose documents are signed too.
    pub struct MultiSignOptions {
        /// Id of the master order, at most 14 characters by the document (AT-22).
        "FirstOrderID" => first_order_id: OrderId,
        /// Positions of the signature in the files of the master order.
        "SignParameters" => sign_parameters: Vec<SignParameters>,
    }
}

message! {
    /// Position of the signature in a file of the master order (AT-32).
    pub struct SignParameters {
        /// File name in the master order, at most 50 characters.
        "Filename" => filename: Text,
        /// Horizontal position of the signature.
        "SignaturePosX" => signature_pos_x: f64,
        /// Vertical position of the signature.
        "SignaturePosY" => signature_pos_y: f64,
        /// Height of the signature; requires a position.
        "SignatureHeight" => signature_height: f64,
        /// Width of the signature; requires a position.
        "SignatureWidth" => signature_width: f64,
        /// Page of the signature.
        "SignaturePage" => signature_page: u32,
        /// Signature field of the PDF, instead of a position.
        "SignatureFieldName" => signature_field_name: Text,
    }
}

message! {
    /// E-mail addresses to notify (AT-81), each at most 150 characters. Overrides the account's settings.
    pub struct EmailNotifications {
        /// Recipient on a final positive status.
        "OnPositiveIdent" => on_positive_ident: Text,
        /// Recipient on a final negative status.
        "OnNegativeIdent" => on_negative_ident: Text,
        /// Recipient on a final timeout.
        "OnTimeOut" => on_time_out: Text,
        /// Recipient when the person leaves the process.
        "OnLeave" => on_leave: Text,
    }
}

message! {
    /// Response to `putOrder`, [T 3.1.4].
    pub struct PutOrderAnswer {
        /// The vendor's id of the order, always unique.
        "OrderID" => order_id: OrderId,
        /// The caller's reference.
        "Ref" => reference: Text,
        /// URL for the person. Anyone who has it can act as the person.
        "TargetURL" => target_url: Secret,
        /// Codes for the video app.
        "VideoHashes" => video_hashes: VideoHashes,
        /// Error text; may occur together with an OrderID (AT-53).
        "Error" => error: Text,
    }
}

message! {
    /// Codes for the video app. Anyone who has them can act as the person.
    pub struct VideoHashes {
        /// Short code, at most 5 characters.
        "ShortCode" => short_code: Secret,
        /// Long code, at most 20 characters.
        "LongCode" => long_code: Secret,
    }
}
