//! `IdentityProvider` for this client: maps domain types to the vendor's messages.
//!
//! identify24 creates idents and returns their status. It has no call for evidence, and none that cancels, deletes or
//! lists (AI-28, I-051). The webhook URL is set in the partner portal (I-080), and the vendor does not redirect the person:
//! a case with `webhook_final`, `redirect_success` or `redirect_abort` is rejected before anything is sent.

use std::time::Duration;

use identkit_core::{
    Advice, CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Cursor, DeletePermit, Delivery, Descriptor,
    Error, Evidence, EvidenceItem, Gender, IdentityProvider, Kind, NewCase, Opened, Purpose, Violation, Window,
    async_trait,
};
use identkit_wire::Operation;

use crate::messages::{CreateIdent, Gender as Word, IdentId, PdfContent};
use crate::{Dialect, Identify24, PROVIDER};

static DESCRIPTOR: Descriptor = Descriptor::new(
    PROVIDER,
    "Identify VideoIdent API 1.0.1",
    &[Capability::Open, Capability::Sign, Capability::Status],
    // I-020: 90 days.
    Duration::from_secs(90 * 24 * 60 * 60),
);

fn ident(case: &NewCase, dialect: &Dialect) -> Result<CreateIdent, Error> {
    reject_unsupported(case)?;
    let person = &case.person;
    let address = &person.address;
    let mut faults = Vec::new();
    let mut fault = |field: &'static str, message: &'static str, rule: &'static str| {
        faults.push(Violation::new(field, message, rule, CreateIdent::META.section));
    };
    let gender = match person.gender {
        Some(Gender::Male) => Some(Word::Male),
        Some(Gender::Female) => Some(Word::Female),
        Some(_) => {
            fault("gender", "must be male or female: the vendor accepts no other word", "AI-22");
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
        fault("pdf_content", message, "AI-19");
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
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.clone()).collect();
        faults.extend(error.violations().iter().filter(|fault| !fields.contains(&fault.field)).cloned());
    }
    Err(Error::invalid(faults).with_operation(CreateIdent::META.name))
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
    Ok(IdentId::new(case.id.expose()))
}

#[async_trait]
impl IdentityProvider for Identify24 {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let created = self.create_ident(&ident(case, self.dialect())?, options).await?.value;
        let Some(ident_id) = created.ident_id else {
            return Err(
                Error::new(Kind::OutcomeUnknown, "the response has no ident_id").with_operation(CreateIdent::META.name)
            );
        };
        let case = CaseRef { provider: PROVIDER.to_owned(), id: ident_id.into_secret(), state: None };
        Ok(Opened::new(case, created.conference_url))
    }

    /// An ident that never existed and one older than 90 days are both [`Kind::NotFound`] (I-020, I-050).
    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        let ident = self.get_ident(&ident_id(case)?, options).await?.value;
        let outcome = self.outcome_of(&ident);
        let vendor_codes = ident.status.iter().map(|status| status.as_str().to_owned()).collect();
        Ok(CaseStatus::new(outcome, vendor_codes))
    }

    async fn evidence_list(&self, _: &CaseRef, _: &CallOptions) -> Result<Vec<EvidenceItem>, Error> {
        Err(Error::unsupported("evidence"))
    }

    async fn evidence(&self, _: &CaseRef, _: &EvidenceItem, _: &CallOptions) -> Result<Evidence, Error> {
        Err(Error::unsupported("evidence"))
    }

    async fn cancel(&self, _: &CaseRef, _: &CallOptions) -> Result<(), Error> {
        Err(Error::unsupported("cancel"))
    }

    async fn delete(&self, _: &CaseRef, _: &DeletePermit, _: &CallOptions) -> Result<(), Error> {
        Err(Error::unsupported("delete"))
    }

    async fn changes(&self, _: Window, _: Option<&Cursor>, _: &CallOptions) -> Result<ChangesPage, Error> {
        Err(Error::unsupported("changes"))
    }
}
