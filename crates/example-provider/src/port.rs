//! `IdentityProvider` for this client: maps domain types to the vendor's messages.
//!
//! The vendor has no call that cancels or lists cases (ACME-T2), signs no documents, and does not redirect the person by
//! outcome: a case that needs one of these is rejected before anything is sent.

use std::time::Duration;

use identkit_core::{
    Advice, Artifact, CallOptions, Capability, CaseFields, CaseRef, CaseStatus, Content, DeletePermit, Delivery,
    Descriptor, Error, Evidence, EvidenceKind, EvidencePlan, IdentityProvider, Kind, NewCase, Opened, Outcome, Purpose,
    async_trait,
};
use identkit_wire::{Operation, doubt_not_found};

use crate::client::Acme;
use crate::messages::{CaseId, CaseState, CreateCase, Person};
use crate::{Dialect, PROVIDER};

/// ACME-09: 30 days.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

static DESCRIPTOR: Descriptor = Descriptor::new(
    PROVIDER,
    "Acme Ident API 2.0",
    &[
        Capability::Open,
        Capability::Status,
        Capability::Judge,
        Capability::Evidence,
        Capability::Delete,
        Capability::Webhook,
    ],
    RETENTION,
);

/// Every field of the vendor that [`message`] fills from the case.
const FIELDS: CaseFields = CaseFields(&[
    ("reference", "reference"),
    ("callbackUrl", "webhook_final"),
    ("person.givenName", "person.given_names"),
    ("person.familyName", "person.family_name"),
    ("person.birthDate", "person.birth_date"),
    ("person.birthPlace", "person.birthplace"),
    ("person.nationality", "person.nationality"),
    ("person.email", "person.email"),
    ("person.phone", "person.mobile"),
]);

fn message(case: &NewCase) -> Result<CreateCase, Error> {
    let unsupported = [
        (case.purpose != Purpose::Identification, "purpose: the vendor only identifies persons"),
        (!case.documents.is_empty(), "documents: the vendor signs none"),
        (case.redirect_success.is_some(), "redirect_success: the vendor has one URL for every end of a case"),
        (case.redirect_abort.is_some(), "redirect_abort: the vendor has one URL for every end of a case"),
    ];
    if let Some((_, detail)) = unsupported.into_iter().find(|(wanted, _)| *wanted) {
        let error = Error::new(Kind::Unsupported, detail).with_operation(CreateCase::META.name);
        return Err(error.with_delivery(Delivery::NotSent).with_advice(Advice::FixInput));
    }
    let mut person = Person::default();
    person.given_name = Some(case.person.given_names.clone());
    person.family_name = Some(case.person.family_name.clone());
    person.birth_date = case.person.birth_date.as_ref().map(|date| date.expose().to_string().into());
    person.birth_place.clone_from(&case.person.birthplace);
    person.nationality.clone_from(&case.person.nationality);
    person.email.clone_from(&case.person.email);
    person.phone.clone_from(&case.person.mobile);
    let mut message = CreateCase::default().person(person);
    message.reference.clone_from(&case.reference);
    message.callback_url.clone_from(&case.webhook_final);
    Ok(message)
}

fn case_id(case: &CaseRef) -> Result<CaseId, Error> {
    if case.provider != PROVIDER {
        return Err(Error::new(Kind::InvalidInput, "the case belongs to another provider"));
    }
    if case.state.is_some() {
        let detail = "the stored state of the case cannot be read: this release stores none, so another provider or a \
                      later release wrote it; store CaseRef unchanged, or create it again with `adopt`";
        return Err(Error::new(Kind::InvalidInput, detail));
    }
    Ok(CaseId::new(case.id.expose()))
}

/// Meaning of a status (ACME-06). A word that the document does not list does not end a case.
fn outcome(status: &CaseState) -> Outcome {
    match status {
        CaseState::Created | CaseState::Started => Outcome::Pending,
        CaseState::Success => Outcome::Positive,
        CaseState::Failed => Outcome::Negative,
        CaseState::Aborted => Outcome::Terminated,
        CaseState::Other(_) => Outcome::Unknown,
    }
}

fn plan(status: &CaseState, dialect: &Dialect) -> EvidencePlan {
    match status {
        CaseState::Success => EvidencePlan::new([EvidenceKind::IdentData, EvidenceKind::Report]),
        CaseState::Failed if dialect.report_of_failed => {
            EvidencePlan::new([EvidenceKind::IdentData, EvidenceKind::Report])
        }
        CaseState::Failed => EvidencePlan::new([EvidenceKind::IdentData]),
        _ => EvidencePlan::default(),
    }
}

impl Acme {
    /// Reads the status of a case. The operation guarantees that there is one.
    async fn state(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseState, Error> {
        let response = self.case(&case_id(case)?, options).await.map_err(doubt_not_found)?.value;
        response.case.status.ok_or_else(|| Error::new(Kind::Protocol, "the response has no status"))
    }
}

#[async_trait]
impl IdentityProvider for Acme {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let message = message(case)?;
        let created = self.create_case(&message, options).await.map_err(|error| FIELDS.translate(error))?.value;
        let missing = || Error::new(Kind::OutcomeUnknown, "the response has no caseId");
        let id = created.case_id.ok_or_else(missing)?;
        Ok(Opened::new(CaseRef::new(PROVIDER, id.expose()), created.start_url))
    }

    fn adopt(&self, id: &str, _: Purpose) -> Result<CaseRef, Error> {
        // A URL cannot address the other two.
        if matches!(id.trim(), "" | "." | "..") {
            return Err(Error::new(Kind::InvalidInput, "not the id of a case: it must not be empty, `.` or `..`"));
        }
        Ok(CaseRef::new(PROVIDER, id))
    }

    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        let status = self.state(case, options).await?;
        Ok(CaseStatus::new(outcome(&status), vec![status.as_str().to_owned()]))
    }

    async fn evidence_plan(&self, case: &CaseRef, options: &CallOptions) -> Result<EvidencePlan, Error> {
        Ok(plan(&self.state(case, options).await?, self.dialect()))
    }

    async fn evidence(
        &self,
        case: &CaseRef,
        kind: EvidenceKind,
        options: &CallOptions,
    ) -> Result<Vec<Evidence>, Error> {
        let id = case_id(case)?;
        let content = match kind {
            EvidenceKind::IdentData => {
                let response = self.case(&id, options).await.map_err(doubt_not_found)?.value;
                if !response.case.status.is_some_and(|status| status.is_finished()) {
                    return Err(Error::new(Kind::NotFound, "the case is not finished, so it has no checked data"));
                }
                Content::from_bytes(response.body)
            }
            EvidenceKind::Report => {
                let report = self.report(&id, options).await.map_err(doubt_not_found)?.value;
                Artifact::Pdf.checked(report)
            }
            _ => {
                let error = Error::new(Kind::NotFound, "the vendor has no evidence of this kind");
                return Err(error.with_delivery(Delivery::NotSent));
            }
        };
        Ok(vec![Evidence::new(kind, content)])
    }

    async fn delete(&self, case: &CaseRef, _: &DeletePermit, options: &CallOptions) -> Result<(), Error> {
        self.delete_case(&case_id(case)?, options).await.map(drop).map_err(doubt_not_found)
    }
}
