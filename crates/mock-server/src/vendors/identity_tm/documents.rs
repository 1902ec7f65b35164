//! What an order yields: checked data, the report, signed documents. All of it made up from the order itself.

use std::collections::BTreeMap;

use identkit_core::{Content, Pii, Violation};
use identkit_identity_tm::messages::{
    AdditionalValue, CheckedDriverLicense, CheckedIdCard, IdCard, IdentData, IdentDataAnswer, IdentifyMethod, Image,
    SignPdf,
};
use identkit_identity_tm::{PutOrder, SignedPdfs, StatusKind};
use identkit_synthetic::{Error as SyntheticError, Placement, REPORT_LABELS, Report, Row, SignatureMark};
use identkit_wire::json::Blob;
use identkit_wire::{Dts, OneOrMany, encode_base64};
use jiff::civil::date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::{Order, dts, methods, rules};
use crate::Rejection;
use crate::rules::Rules;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdentVariant {
    Default,
    InitialData,
    IdentifyMethod,
}

type Text = Option<Pii<String>>;

/// What the vendor's initial data has for a date that was not given (AT-25).
const UNSET: &str = "1970-01-01";

/// The card of initial data as the document's example writes it: what was not given is there, as null (AT-25).
pub(super) fn with_nulls(mut card: CheckedIdCard) -> CheckedIdCard {
    for (key, missing) in [("CardNo", card.card_no.is_none()), ("PlaceOfIssue", card.place_of_issue.is_none())] {
        if missing {
            card.extra.insert(key.to_owned(), Value::Null);
        }
    }
    card
}

/// What was given and not empty; an empty text asks to pick the datum up (AT-49).
fn given(text: &Text) -> Text {
    text.clone().filter(|text| !text.expose().is_empty())
}

/// A refusal of a document that could not be signed as it was ordered, told when the order is placed: afterwards no
/// documented code would say it.
pub(super) fn not_signable(error: SyntheticError) -> Rejection {
    let (field, message, rule) = match error {
        SyntheticError::Encrypted => ("eSignPDF.Data", "the PDF is protected; it must not be", "AT-86"),
        SyntheticError::NotPdf | SyntheticError::Unreadable => ("eSignPDF.Data", "the PDF cannot be read", "AT-86"),
        SyntheticError::NoSuchPage => {
            ("eSignPDF.SignaturePage", "the PDF has no such page; they count from 1", "AT-85")
        }
        SyntheticError::Placement => {
            ("eSignPDF.SignaturePosX", "the signature is off the page, or smaller than 24 x 12 PDF points", "AT-85")
        }
        _ => ("eSignPDF.Data", "the PDF is too large to be signed", "AT-79"),
    };
    Rejection::new(400, Violation::new(field, message, rule, "[T] 3.1.3"))
}

pub(super) fn artifact_failure(error: SyntheticError) -> Rejection {
    crate::rules::M_09.reject(500, "eSignPDF", error.to_string(), "sandbox")
}

impl Order {
    pub(super) fn ident_data(&self, variant: IdentVariant, rules: &Rules) -> IdentDataAnswer {
        let mut answer = self.literal_data.as_deref().cloned().unwrap_or_else(|| {
            let mut checked = self.checked(rules);
            checked.kind = Some(1);
            let mut initial = self.initial();
            initial.kind = Some(2);
            let reused = self.reused().and_then(|known| known.identified.clone());
            IdentDataAnswer::default()
                .order_id(self.id.clone())
                .identified(reused.or_else(|| self.executed.clone()).unwrap_or_else(|| dts(self.decided)))
                .ident_data(OneOrMany::Many(vec![checked, initial]))
        });
        answer.order_id = Some(self.id.clone());
        answer.reference.clone_from(&self.request.reference);
        if variant == IdentVariant::IdentifyMethod {
            let reused = self.reused().and_then(|known| known.identify_method.clone());
            answer.identify_method = reused.or_else(|| Some(methods::name(self.method()).into()));
        }
        if variant != IdentVariant::InitialData && rules.enforce(&rules::AT_23) {
            // An object by default, an array with the initial data besides (AT-23).
            answer.ident_data = answer.checked().cloned().map(OneOrMany::One);
        }
        answer
    }

    /// What the agent saw: what was given, and what was picked up from the document of the vendor's example.
    fn checked(&self, rules: &Rules) -> IdentData {
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
        data.country = given(&order.country);
        data.birthdate = pick(&order.birthdate, "1964-08-12");
        data.birthplace = pick(&order.birthplace, "Berlin");
        // Only determined when it was neither null nor left out (AT-48).
        data.birthname = order
            .birthname
            .as_ref()
            .map(|name| if name.expose().is_empty() { "Mustermann".into() } else { name.clone() })
            .or_else(|| (!rules.enforce(&rules::AT_48)).then(|| "Mustermann".into()));
        data.nationality = pick(&order.nationality, "DE");
        data.title = given(&order.title);
        data.artistname = given(&order.artistname);
        data.gender = pick(&order.gender, "female");
        // Only when a TAN went there, [T 3.3.4].
        let proved = self.texted_a_tan() || !rules.enforce(&rules::F_219);
        data.mobile = given(&self.request.mobile).filter(|_| proved);
        data.email = given(&order.email).filter(|_| proved);
        data.id_card = Some(self.checked_card(&order.id_card.clone().unwrap_or_default(), rules));
        data.driver_license = order.driver_license.as_ref().map(|licence| {
            let mut checked = CheckedDriverLicense::default();
            copy!(checked, licence; license_no, classes, date_of_issue);
            checked
        });
        data.additional = order.additional.as_ref().map(|details| {
            let value = |detail: &identkit_identity_tm::messages::Additional| {
                AdditionalValue::from(detail.value.as_ref().map_or("", |value| value.expose().as_str()))
            };
            details.iter().map(|(name, detail)| (name.clone(), value(detail))).collect::<BTreeMap<_, _>>()
        });
        data
    }

    /// The document as it was seen. The eID itself tells a pseudonym; number and authority only by OCR, [T 3.1.3].
    fn checked_card(&self, given_card: &IdCard, rules: &Rules) -> CheckedIdCard {
        let mut card = CheckedIdCard::default()
            .valid_until(given(&given_card.valid_until).unwrap_or_else(|| self.validity().into()))
            .kind("IDCard");
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
            // Checked where it was given, and read where OCR is asked for; the table of the answer lacks it (AT-26).
            card.date_of_issue = given(&given_card.date_of_issue).or_else(|| eid.then(|| "2010-11-01".into()));
        }
        card
    }

    /// Until when a card is valid that the agent saw: the day of the document's example, or ten years later where that
    /// had passed, since a card that is no longer valid identifies nobody.
    fn validity(&self) -> String {
        let seen = self.executed.as_ref().and_then(Dts::timestamp).unwrap_or(self.decided);
        let (example, seen) = (date(2020, 10, 31), Offset::constant(2).to_datetime(seen).date());
        if seen <= example { example } else { seen.saturating_add(10.years()) }.to_string()
    }

    /// The images of the result, `{Image, Filename}` each (AT-28): those that came with the order, or drawings.
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

    fn initial(&self) -> IdentData {
        let order = self.request.ident_data.clone().unwrap_or_default();
        let mut data = IdentData::default();
        copy!(data, order; firstname, surname, street, zip_code, city, country, birthdate, birthplace, nationality);
        copy!(data, order; title, artistname, gender);
        let given = order.id_card.clone().unwrap_or_default();
        let mut card = CheckedIdCard::default();
        card.card_no = given.card_no;
        card.place_of_issue = given.place_of_issue;
        card.valid_until = given.valid_until.or_else(|| Some(UNSET.into()));
        data.id_card = Some(with_nulls(card));
        data
    }

    pub(super) fn report(&self, now: Timestamp, rules: &Rules) -> Result<Vec<u8>, SyntheticError> {
        let answer = self.ident_data(IdentVariant::InitialData, rules);
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

    pub(super) fn signed_pdfs(&self) -> Result<SignedPdfs, SyntheticError> {
        let mut signed = sign_all(&self.request, self.pdfs(), self.id.expose(), self.decided)?;
        Ok(match signed.len() {
            1 => SignedPdfs::One(Content::from_bytes(signed.remove(0))),
            _ => SignedPdfs::Many(signed.into_iter().map(Blob::from_bytes).collect()),
        })
    }
}

/// The documents as the person of the order signs them, each with its own bytes kept and a mark of the sandbox added.
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
        let mark = SignatureMark { signer: signer.trim(), order_id: id, time: &time, placement: placement(pdf) };
        identkit_synthetic::sign(&bytes, &mark)
    };
    pdfs.into_iter().map(sign).collect()
}

fn placement(pdf: &SignPdf) -> Placement {
    let number = |value: Option<f64>| value.map(narrow);
    Placement {
        // The document does not say where pages begin; 1 is what people count from.
        page: pdf.signature_page.map(|page| usize::try_from(page.saturating_sub(1)).unwrap_or(usize::MAX)),
        x: number(pdf.signature_pos_x),
        y: number(pdf.signature_pos_y),
        width: number(pdf.signature_width),
        height: number(pdf.signature_height),
    }
}

/// PDF points need no more precision than this.
#[allow(clippy::cast_possible_truncation)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// The values of one column of the report, in the order of its labels.
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

/// `1964-08-12` as `12.08.1964`; anything else as it is.
fn german_date(text: &str) -> String {
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] => format!("{day}.{month}.{year}"),
        _ => text.to_owned(),
    }
}

fn german(at: Timestamp) -> String {
    Offset::constant(2).to_datetime(at).strftime("%d.%m.%Y %H:%M").to_string()
}
