//! `IdentityProvider` for this client: maps domain types to the vendor's messages.
//!
//! identify24 creates idents and returns their status. It has no call for evidence, and none that cancels, deletes or
//! lists (AI-28, I-051). The webhook URL is set in the partner portal (I-080), and the vendor does not redirect the person:
//! a case with `webhook_final`, `redirect_success` or `redirect_abort` is rejected before anything is sent.

use std::time::Duration;

use identkit_core::{
    Advice, CallOptions, Capability, CaseFields, CaseRef, CaseStatus, Delivery, Descriptor, Error, Gender,
    IdentityProvider, Kind, NewCase, Opened, Purpose, Violation, async_trait,
};
use identkit_wire::{Operation, doubt_not_found};

use crate::messages::{CreateIdent, CreateIdentResponse, Gender as Word, IdentId, PdfContent};
use crate::{Dialect, Identify24, PROVIDER};

/// I-020: 90 days.
const RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const DOCUMENT: &str = "Identify VideoIdent API 1.0.1";

static DESCRIPTOR: Descriptor = Descriptor::new(
    PROVIDER,
    DOCUMENT,
    &[Capability::Open, Capability::Sign, Capability::Status, Capability::Judge],
    RETENTION,
);

/// Descriptor of a client that does not know the vendor's word for a positive end: no status that it knows is final
/// (AI-12).
static WITHOUT_OUTCOMES: Descriptor =
    Descriptor::new(PROVIDER, DOCUMENT, &[Capability::Open, Capability::Sign, Capability::Status], RETENTION);

/// Every attribute that [`ident`] fills from the case.
const FIELDS: CaseFields = CaseFields(&[
    ("project_id", "project"),
    ("gender", "person.gender"),
    ("person_first_name", "person.given_names"),
    ("person_last_name", "person.family_name"),
    ("birthday", "person.birth_date"),
    ("birth_place", "person.birthplace"),
    ("nationality", "person.nationality"),
    ("email", "person.email"),
    ("mobile_phone", "person.mobile"),
    ("street", "person.address.street"),
    ("house_no", "person.address.house_number"),
    ("zip_code", "person.address.postal_code"),
    ("city", "person.address.city"),
    ("country", "person.address.country"),
    ("custom_id", "reference"),
    // The vendor accepts one document per ident.
    ("pdf_content", "documents[0].pdf"),
]);

fn ident(case: &NewCase, dialect: &Dialect) -> Result<CreateIdent, Error> {
    reject_unsupported(case)?;
    let person = &case.person;
    let address = &person.address;
    let mut faults = Vec::new();
    let mut fault = |field: &'static str, of_case: &'static str, message: &'static str, rule: &'static str| {
        faults.push(Violation::new(field, message, rule, CreateIdent::META.section).for_case(of_case));
    };
    let gender = match person.gender {
        Some(Gender::Male) => Some(Word::Male),
        Some(Gender::Female) => Some(Word::Female),
        Some(_) => {
            let message = "must be male or female: the vendor accepts no other word";
            fault("gender", "person.gender", message, "AI-22");
            None
        }
        None => None,
    };
    let document = match (case.purpose, case.documents.as_slice()) {
        (Purpose::Signature, [document]) => Ok(Some(PdfContent::from_bytes(document.pdf.clone()))),
        (Purpose::Signature, []) => Err("is required for a signature"),
        (Purpose::Signature, _) => Err("must be one document: the vendor accepts one per ident"),
        (_, []) => Ok(None),
        (_, _) => Err("must be empty: a document is only allowed in a case for a signature"),
    };
    let pdf_content = document.unwrap_or_else(|message| {
        fault("pdf_content", "documents", message, "AI-19");
        None
    });
    let message = CreateIdent {
        project_id: case.project.as_deref().map(Into::into),
        gender,
        person_first_name: Some(person.given_names.clone()),
        person_last_name: Some(person.family_name.clone()),
        birthday: person.birth_date.as_ref().map(|date| date.expose().to_string().into()),
        birth_place: person.birthplace.clone(),
        nationality: person.nationality.clone(),
        email: person.email.clone(),
        mobile_phone: person.mobile.clone(),
        street: address.street.clone(),
        house_no: address.house_number.clone(),
        zip_code: address.postal_code.clone(),
        city: address.city.clone(),
        country: address.country.clone(),
        custom_id: case.reference.clone(),
        pdf_content,
        ..CreateIdent::default()
    };
    if faults.is_empty() {
        return Ok(message);
    }
    // Adds the writer's violations, one per field.
    if let Err(error) = message.encode(dialect) {
        let fields: Vec<_> = faults.iter().flat_map(|fault| fault.vendor_field.clone()).collect();
        faults.extend(error.violations().iter().filter(|fault| !fields.contains(&fault.field)).cloned());
    }
    Err(FIELDS.translate(Error::invalid(faults)).with_operation(CreateIdent::META.name))
}

/// Rejects a field that the vendor has no attribute for: dropping it would be noticed only when the webhook is missing.
fn reject_unsupported(case: &NewCase) -> Result<(), Error> {
    let unsupported = |detail: &'static str| {
        let error = Error::new(Kind::Unsupported, detail).with_operation(CreateIdent::META.name);
        Err(error.with_delivery(Delivery::NotSent).with_advice(Advice::FixInput))
    };
    if case.webhook_final.is_some() {
        return unsupported("webhook_final: the vendor has one webhook URL for all cases, set in the partner portal");
    }
    if case.redirect_success.is_some() || case.redirect_abort.is_some() {
        return unsupported("redirect_success, redirect_abort: the vendor does not redirect the person");
    }
    Ok(())
}

fn ident_id(case: &CaseRef) -> Result<IdentId, Error> {
    if case.provider != PROVIDER {
        return Err(Error::new(Kind::InvalidInput, "the case belongs to another provider"));
    }
    if case.state.is_some() {
        let detail = "the stored state of the case cannot be read: this release stores none, so another provider or a \
                      later release wrote it; store CaseRef unchanged, or create it again with `adopt`";
        return Err(Error::new(Kind::InvalidInput, detail));
    }
    Ok(IdentId::new(case.id.expose()))
}

impl CreateIdentResponse {
    /// Returns the reference with which [`IdentityProvider`] goes on with the ident. Store it.
    ///
    /// # Errors
    /// [`Kind::OutcomeUnknown`] if the response has no `ident_id`.
    pub fn case_ref(&self) -> Result<CaseRef, Error> {
        let id = self.ident_id.as_ref().filter(|id| !id.is_empty());
        id.map(|id| CaseRef::new(PROVIDER, id.expose())).ok_or_else(|| {
            Error::new(Kind::OutcomeUnknown, "the response has no ident_id").with_operation(CreateIdent::META.name)
        })
    }
}

/// The vendor has no list of idents, so [`IdentityProvider::find`] is unsupported: after an unknown outcome, ask the vendor
/// (AI-28, I-042).
#[async_trait]
impl IdentityProvider for Identify24 {
    /// If no status is mapped to a positive outcome ([`Builder::outcome`](crate::Builder::outcome)), the capabilities lack
    /// [`Capability::Judge`] (AI-12).
    fn descriptor(&self) -> &Descriptor {
        if self.knows_positive_end() { &DESCRIPTOR } else { &WITHOUT_OUTCOMES }
    }

    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let message = ident(case, self.dialect())?;
        // The writer's violations.
        let created = self.create_ident(&message, options).await.map_err(|error| FIELDS.translate(error))?.value;
        Ok(Opened::new(created.case_ref()?, created.conference_url))
    }

    fn adopt(&self, id: &str, _: Purpose) -> Result<CaseRef, Error> {
        // A URL cannot address the other two.
        if matches!(id.trim(), "" | "." | "..") {
            let detail = "not an ident id: it must not be empty, `.` or `..`; any other text may be one (AI-15)";
            return Err(Error::new(Kind::InvalidInput, detail));
        }
        Ok(CaseRef::new(PROVIDER, id))
    }

    /// An ident that never existed and one older than 90 days are both [`Kind::NotFound`] (I-020, I-050).
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        let ident = self.get_ident(&ident_id(case)?, options).await.map_err(doubt_not_found)?.value;
        let outcome = self.outcome_of(&ident);
        let vendor_codes = ident.status.iter().map(|status| status.as_str().to_owned()).collect();
        Ok(CaseStatus::new(outcome, vendor_codes).with_reference(ident.custom_id.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use identkit_core::{Address, Document, Person};
    use serde_json::Value;

    use super::*;

    /// A case with every field that this vendor has.
    fn full_case() -> NewCase {
        NewCase {
            purpose: Purpose::Signature,
            reference: Some("reference-0123456789".into()),
            project: Some("6".into()),
            person: Person {
                given_names: "Erika".into(),
                family_name: "Mustermann".into(),
                birth_date: Some(jiff::civil::date(1964, 8, 12).into()),
                birthplace: Some("Berlin".into()),
                nationality: Some("DE".into()),
                gender: Some(Gender::Female),
                email: Some("e.mustermann@example.com".into()),
                mobile: Some("+491711234567".into()),
                address: Address {
                    street: Some("Heidestr.".into()),
                    house_number: Some("17".into()),
                    postal_code: Some("51147".into()),
                    city: Some("Köln".into()),
                    country: Some("DE".into()),
                },
            },
            documents: vec![Document { name: "a.pdf".into(), pdf: "%PDF-1.7".into() }],
            ..NewCase::default()
        }
    }

    #[test]
    fn the_table_has_every_attribute_that_a_case_fills() {
        let message = ident(&full_case(), &Dialect::default()).unwrap();
        let Value::Object(attributes) = serde_json::to_value(&message).unwrap() else { panic!("not an object") };
        let mut used: Vec<_> = attributes.keys().map(String::as_str).collect();
        let mut known: Vec<_> = FIELDS.0.iter().map(|(vendor, _)| *vendor).collect();
        used.sort_unstable();
        known.sort_unstable();
        assert_eq!(used, known);
    }

    #[test]
    fn violations_name_the_fields_of_the_case() {
        let mut case = full_case();
        case.person.gender = Some(Gender::Other);
        case.person.nationality = Some("Germany".into());
        case.documents.clear();
        let error = ident(&case, &Dialect::default()).unwrap_err();
        let fields: Vec<_> =
            error.violations().iter().map(|one| (&*one.field, one.vendor_field.as_deref().unwrap())).collect();
        assert_eq!(
            fields,
            [("person.gender", "gender"), ("documents", "pdf_content"), ("person.nationality", "nationality")]
        );
    }

    #[test]
    fn i_080_a_webhook_or_redirect_of_a_case_is_unsupported() {
        let url = || Some("https://example.com/x".into());
        for (case, field) in [
            (NewCase { webhook_final: url(), ..full_case() }, "webhook_final"),
            (NewCase { redirect_success: url(), ..full_case() }, "redirect_success"),
            (NewCase { redirect_abort: url(), ..full_case() }, "redirect_abort"),
        ] {
            let error = ident(&case, &Dialect::default()).unwrap_err();
            let meaning = (error.kind(), error.delivery(), error.advice());
            assert_eq!(meaning, (Kind::Unsupported, Some(Delivery::NotSent), Advice::FixInput), "{field}");
            assert!(error.detail().contains(field), "{error}");
        }
    }
}
