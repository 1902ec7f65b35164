//! Results of an order: checked data, the report, signed documents. All of them are synthesized from the order.

use identkit_core::{Content, Pii, Violation};
use identkit_identity_tm::messages::{
    Additional, AdditionalValue, CheckedDriverLicense, CheckedIdCard, Details, IdCard, IdentData, IdentDataAnswer,
    IdentifyMethod, Image, SignPdf,
};
use identkit_identity_tm::order::Add;
use identkit_identity_tm::{PutOrder, SignedPdfs, StatusKind};
use identkit_synthetic::{Error as SyntheticError, Placement, REPORT_LABELS, Report, Row, SignatureMark};
use identkit_wire::json::Blob;
use identkit_wire::{Dts, OneOrMany, encode_base64};
use jiff::civil::date;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::{Order, Settings, dts, methods, rules};
use crate::rules::Rules;
use crate::vendors::berlin;
use crate::{Rejection, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdentVariant {
    Default,
    InitialData,
    IdentifyMethod,
}

type Text = Option<Pii<String>>;

/// Value of a missing date in the vendor's initial data (AT-25).
const UNSET: &str = "1970-01-01";

/// Adds missing members of the card of initial data as null, as in the document's example (AT-25).
pub(super) fn with_nulls(mut card: CheckedIdCard) -> CheckedIdCard {
    for (key, missing) in [("CardNo", card.card_no.is_none()), ("PlaceOfIssue", card.place_of_issue.is_none())] {
        if missing {
            card.extra.insert(key.to_owned(), Value::Null);
        }
    }
    card
}

/// Returns the text unless it is empty. An empty text asks the agent to record the value (AT-49).
fn given(text: &Text) -> Text {
    text.clone().filter(|text| !text.expose().is_empty())
}

/// Returns the special attributes as results have them: a value for each name.
fn values(details: &Details<Additional>) -> Details<AdditionalValue> {
    let value = |detail: &Additional| detail.value.as_ref().map_or_else(String::new, |value| value.expose().clone());
    let values = details.iter().map(|(name, detail)| (name.clone(), AdditionalValue::from(value(detail).as_str())));
    values.collect()
}

/// Sets the missing elements that the table requires; `value` gets the value of the document's example.
fn required(data: &mut IdentData, value: impl Fn(&'static str) -> Text) {
    for (element, example) in [
        (&mut data.firstname, "Erika"),
        (&mut data.surname, "Mustermann"),
        (&mut data.street, "Heidestr. 17"),
        (&mut data.zip_code, "43000"),
        (&mut data.city, "Köln"),
        (&mut data.birthdate, "1964-08-12"),
        (&mut data.birthplace, "Berlin"),
    ] {
        if element.is_none() {
            *element = value(example);
        }
    }
}

/// Returns the rejection of a document that cannot be signed as ordered. The order itself is rejected, because no
/// documented code reports it later.
pub(super) fn not_signable(error: SyntheticError) -> Rejection {
    let (field, message, rule) = match error {
        SyntheticError::Encrypted => ("eSignPDF.Data", "must be an unprotected PDF; this one is protected", "AT-86"),
        SyntheticError::NotPdf | SyntheticError::Unreadable => {
            ("eSignPDF.Data", "must be a PDF; this one cannot be read", "AT-86")
        }
        SyntheticError::ChangesForbidden => {
            ("eSignPDF.Data", "must allow signatures; an earlier signature of this one forbids changes", "AT-86")
        }
        SyntheticError::NoSuchField => ("eSignPDF.SignatureFieldName", "is not a form field of the PDF", "AT-85"),
        SyntheticError::FieldNotShown => (
            "eSignPDF.SignatureFieldName",
            "must be a field of which a page of the PDF shows at least 24 x 12 PDF points",
            "AT-85",
        ),
        SyntheticError::FieldSigned => ("eSignPDF.SignatureFieldName", "is already signed in the PDF", "AT-85"),
        SyntheticError::NoSuchPage => {
            ("eSignPDF.SignaturePage", "is not a page of the PDF; the first page is 1", "AT-85")
        }
        SyntheticError::Placement => (
            "eSignPDF.SignaturePosX",
            "the signature must be on the page and at least 24 x 12 PDF points large",
            "AT-85",
        ),
        _ => ("eSignPDF.Data", "is too large to be signed", "AT-79"),
    };
    Rejection::new(400, Violation::new(field, message, rule, "[T] 3.1.3"))
}

pub(super) fn artifact_failure(error: SyntheticError) -> Rejection {
    crate::rules::M_09.reject(500, "eSignPDF", error.to_string(), "sandbox")
}

impl Order {
    pub(super) fn ident_data(&self, variant: IdentVariant, settings: &Settings, rules: &Rules) -> IdentDataAnswer {
        let mut answer = self.literal_data.as_deref().cloned().unwrap_or_else(|| {
            let mut checked = self.checked(settings, rules);
            checked.kind = Some(1);
            let mut initial = self.initial(settings);
            initial.kind = Some(2);
            let reused = self.reused().and_then(|known| known.identified.clone());
            IdentDataAnswer::default()
                .order_id(self.id.clone())
                .identified(reused.or_else(|| self.executed.clone()).unwrap_or_else(|| dts(self.decided)))
                .ident_data(OneOrMany::Many(vec![checked, initial]))
        });
        answer.order_id = Some(self.id.clone());
        answer.reference = settings.required(self.request.reference.clone());
        if variant == IdentVariant::IdentifyMethod {
            let reused = self.reused().and_then(|known| known.identify_method.clone());
            answer.identify_method = reused.or_else(|| Some(methods::name(self.method()).into()));
        }
        if variant != IdentVariant::InitialData && rules.enforce(&rules::AT_23) {
            // An object by default, an array if it includes the initial data (AT-23).
            answer.ident_data = answer.checked().cloned().map(OneOrMany::One);
        }
        answer
    }

    /// Returns the checked data: the values of the order, and values of the document's example for missing ones.
    fn checked(&self, settings: &Settings, rules: &Rules) -> IdentData {
        if let Some(known) = self.reused().and_then(IdentDataAnswer::checked) {
            return known.clone();
        }
        let pick = |text: &Text, otherwise: &str| given(text).or_else(|| Some(otherwise.into()));
        let order = self.request.ident_data.clone().unwrap_or_default();
        let address = self.request.address.clone().unwrap_or_default();
        let mut data = IdentData::default();
        data.firstname = given(&order.firstname).or_else(|| given(&address.firstname));
        data.surname = given(&order.surname).or_else(|| given(&address.surname));
        data.street = given(&order.street).or_else(|| given(&address.street));
        data.zip_code = given(&order.zip_code).or_else(|| given(&address.zip_code));
        data.city = given(&order.city).or_else(|| given(&address.city));
        data.birthdate = pick(&order.birthdate, "1964-08-12");
        data.birthplace = pick(&order.birthplace, "Berlin");
        if settings.required_elements {
            // Determined by the agent if possible.
            required(&mut data, |example| Some(example.into()));
        }
        data.country = given(&order.country);
        // Determined only if it was neither null nor missing (AT-48).
        data.birthname = order
            .birthname
            .as_ref()
            .map(|name| if name.expose().is_empty() { "Mustermann".into() } else { name.clone() })
            .or_else(|| (!rules.enforce(&rules::AT_48)).then(|| "Mustermann".into()));
        data.nationality = pick(&order.nationality, "DE");
        data.title = given(&order.title);
        data.artistname = given(&order.artistname);
        data.gender = pick(&order.gender, "female");
        // Only if a TAN was sent there, [T 3.3.4].
        let proven = self.has_sent_tan() || !rules.enforce(&rules::F_219);
        data.mobile = self.mobile().filter(|_| proven).cloned();
        data.email = given(&order.email).filter(|_| proven);
        data.id_card = Some(self.checked_card(&order.id_card.clone().unwrap_or_default(), rules));
        let ordered = Add(self.request.add.unwrap_or_default());
        if order.driver_license.is_some() || ordered.intersects(Add::LICENSE_WITH_ID | Add::LICENSE_WITHOUT_ID) {
            let license = order.driver_license.clone().unwrap_or_default();
            let mut checked = CheckedDriverLicense::default();
            checked.license_no = pick(&license.license_no, "SANDBOX0001");
            checked.classes = pick(&license.classes, "B");
            checked.date_of_issue = pick(&license.date_of_issue, "1984-08-12");
            data.driver_license = Some(checked);
        }
        data.additional = order.additional.as_ref().map(values);
        data
    }

    /// Returns the checked document. eID yields a pseudonym; number and authority need OCR, [T 3.1.3].
    fn checked_card(&self, given_card: &IdCard, rules: &Rules) -> CheckedIdCard {
        let mut card = CheckedIdCard::default()
            .valid_until(given(&given_card.valid_until).unwrap_or_else(|| self.validity().into()))
            .kind(self.accepted_document().unwrap_or_else(|| "IDCard".into()));
        let eid = self.method() == IdentifyMethod::Eid;
        if eid {
            card.eid_restricted_identifier = Some(format!("sandbox-{}", self.id.expose()).into());
        }
        let only_by_ocr = rules.enforce(&rules::F_093);
        if !eid
            || !only_by_ocr
            || self.request.eid_settings.as_ref().is_some_and(|settings| settings.enable_ocr == Some(true))
        {
            card.card_no = given(&given_card.card_no).or_else(|| Some("T22000129".into()));
            card.place_of_issue = given(&given_card.place_of_issue).or_else(|| Some("Stadt Köln".into()));
            // Checked if the order has it, read if OCR is requested; the table of the response lacks it (AT-26).
            card.date_of_issue = given(&given_card.date_of_issue).or_else(|| eid.then(|| "2010-11-01".into()));
        }
        card
    }

    /// Returns the first document that the order accepts in addition to the usual ones (AT-29).
    fn accepted_document(&self) -> Text {
        self.request.legitimation_document.as_ref()?.iter().find_map(|accepted| given(&accepted.document))
    }

    /// Returns the card's expiry date: that of the document's example, or ten years after the identification if that date
    /// had passed, because an expired card cannot be used.
    fn validity(&self) -> String {
        let checked = self.executed.as_ref().and_then(Dts::timestamp).unwrap_or(self.decided);
        let (example, checked) = (date(2020, 10, 31), berlin::local(checked).date());
        if checked <= example { example } else { checked.saturating_add(10.years()) }.to_string()
    }

    /// Returns the images of the result, `{Image, Filename}` each (AT-28): those of the order, or drawings.
    pub(super) fn pictures(&self) -> Result<Vec<Image>, SyntheticError> {
        let card = self.request.ident_data.as_ref().and_then(|data| data.id_card.as_ref());
        let given = card.and_then(|card| card.images.as_ref());
        let sides = [
            ("front", given.and_then(|given| given.front.as_ref())),
            ("back", given.and_then(|given| given.back.as_ref())),
        ];
        let picture = |(side, given): (&str, Option<&Blob>)| match given {
            Some(jpeg) => Ok(Image::default().image(jpeg.clone()).filename(format!("{side}.jpg"))),
            None => {
                let png = encode_base64(&identkit_synthetic::photograph(self.id.expose(), side)?);
                Ok(Image::default().image(Blob::Text(png.into())).filename(format!("{side}.png")))
            }
        };
        sides.into_iter().map(picture).collect()
    }

    fn initial(&self, settings: &Settings) -> IdentData {
        let order = self.request.ident_data.clone().unwrap_or_default();
        let mut data = IdentData::default();
        copy!(data, order; firstname, surname, street, zip_code, city, country, birthdate, birthplace, nationality);
        copy!(data, order; title, artistname, gender, birthname, email, mobile, driver_license);
        data.additional = order.additional.as_ref().map(values);
        let given = order.id_card.clone().unwrap_or_default();
        let mut card = CheckedIdCard::default();
        copy!(card, given; card_no, place_of_issue, date_of_issue);
        card.valid_until = given.valid_until.or_else(|| Some(UNSET.into()));
        data.id_card = Some(with_nulls(card));
        required(&mut data, |_| settings.required(None));
        data
    }

    pub(super) fn report(&self, now: Timestamp, settings: &Settings, rules: &Rules) -> Result<Vec<u8>, SyntheticError> {
        let answer = self.ident_data(IdentVariant::InitialData, settings, rules);
        let (checked, initial) =
            (answer.checked().cloned().unwrap_or_default(), answer.initial().cloned().unwrap_or_default());
        let columns = [columns_of(&initial), columns_of(&checked)];
        let rows = REPORT_LABELS.iter().zip(&columns[0]).zip(&columns[1]).map(|((label, supplied), checked)| Row {
            label,
            supplied: supplied.as_deref(),
            checked: checked.as_deref(),
        });
        identkit_synthetic::report(&Report {
            order_id: self.id.expose(),
            reference: self.request.reference.as_ref().map_or("", |reference| reference.expose()),
            rows: rows.collect(),
            positive: self.has(StatusKind::POSITIVE),
            decided_at: &german(self.decided),
            printed_at: &german(now),
            examiner: "1872",
        })
    }

    pub(super) fn signed_pdfs(&self) -> Result<Vec<Vec<u8>>, SyntheticError> {
        sign_all(&self.request, self.pdfs(), self.id.expose(), self.decided)
    }
}

/// Returns the response with these signed documents.
pub(super) fn answer_of(mut signed: Vec<Vec<u8>>) -> SignedPdfs {
    match signed.len() {
        1 => SignedPdfs::One(Content::from_bytes(signed.remove(0))),
        _ => SignedPdfs::Many(signed.into_iter().map(Blob::from_bytes).collect()),
    }
}

/// Checks whether the person of the order can sign the documents, without the lock of the world.
pub(super) fn check_signable(
    world: &mut World,
    order: &PutOrder,
    pdfs: &[SignPdf],
) -> Result<Result<(), SyntheticError>, Rejection> {
    if pdfs.is_empty() {
        return Ok(Ok(()));
    }
    let mut signer = PutOrder::default();
    signer.address.clone_from(&order.address);
    let (pdfs, now) = (pdfs.to_vec(), world.now);
    world.without_lock(move || sign_all(&signer, &pdfs, "", now).map(drop))
}

/// Signs the documents for the person of the order: appends a mark and a signature of the sandbox, and leaves the bytes
/// unchanged.
pub(super) fn sign_all<'a>(
    order: &PutOrder,
    pdfs: impl IntoIterator<Item = &'a SignPdf>,
    id: &str,
    at: Timestamp,
) -> Result<Vec<Vec<u8>>, SyntheticError> {
    let address = order.address.clone().unwrap_or_default();
    let name = |text: &Text| text.as_ref().map_or_else(String::new, |text| text.expose().clone());
    let signer = format!("{} {}", name(&address.firstname), name(&address.surname));
    let time = german(at);
    let sign = |pdf: &SignPdf| {
        let bytes = pdf.data.as_ref().and_then(|data| data.to_bytes().ok()).unwrap_or_default();
        let mark = SignatureMark {
            signer: signer.trim(),
            order_id: id,
            time: &time,
            unix_time: at.as_second(),
            placement: placement(pdf),
            field: pdf.signature_field_name.as_ref().map(|name| name.expose().as_str()),
        };
        identkit_synthetic::sign(&bytes, &mark)
    };
    pdfs.into_iter().map(sign).collect()
}

fn placement(pdf: &SignPdf) -> Placement {
    let number = |value: Option<f64>| value.map(narrow);
    Placement {
        // The number of the first page is not documented; 1 is assumed.
        page: pdf.signature_page.map(|page| page.checked_sub(1).map_or(usize::MAX, |page| page as usize)),
        x: number(pdf.signature_pos_x),
        y: number(pdf.signature_pos_y),
        width: number(pdf.signature_width),
        height: number(pdf.signature_height),
    }
}

/// PDF points need no more precision than `f32`.
#[allow(clippy::cast_possible_truncation)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Returns the values of a column of the report, in the order of its labels.
fn columns_of(data: &IdentData) -> [Option<String>; 14] {
    let text = |value: &Text| value.as_ref().map(|value| value.expose().clone());
    let date = |value: &Text| value.as_ref().map(|value| german_date(value.expose()));
    let card = data.id_card.clone().unwrap_or_default();
    [
        text(&data.surname),
        text(&data.firstname),
        text(&data.street),
        text(&data.zip_code),
        text(&data.city),
        date(&data.birthdate),
        text(&data.birthplace),
        text(&data.nationality),
        text(&data.artistname),
        text(&data.title),
        text(&card.card_no),
        None,
        text(&card.place_of_issue),
        date(&card.valid_until.filter(|date| date.expose() != UNSET)),
    ]
}

/// Formats `1964-08-12` as `12.08.1964`; other texts are unchanged.
fn german_date(text: &str) -> String {
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] => format!("{day}.{month}.{year}"),
        _ => text.to_owned(),
    }
}

fn german(at: Timestamp) -> String {
    berlin::local(at).strftime("%d.%m.%Y %H:%M").to_string()
}
