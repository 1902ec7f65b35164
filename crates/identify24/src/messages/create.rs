//! `POST /ident/create`: a flat object of 33 attributes (I-003, AI-05).

use identkit_core::{Error, Pii, Secret};
use identkit_wire::{Loose, Operation, message};

use super::{Gender, IdentId, Messages, PdfContent, ProjectId, TypeOfId, envelope};

// In the order of the document's sample.
message! {
    via Loose;
    /// An ident to be created. `project_id`, `birthday`, `birth_place`, `email`, `gender`, `person_first_name`,
    /// `person_last_name`, `mobile_phone`, `nationality`, `zip_code`, `city` and `country` are required; what else
    /// is `None` or empty is not sent (`[I] ident/create`).
    pub struct CreateIdent {
        /// The project that the ident belongs to. Required.
        "project_id" => project_id: ProjectId,
        /// Free text.
        "company_name" => company_name: Pii<String>,
        /// Free text.
        "store_name" => store_name: Pii<String>,
        /// Free text: the branch of industry.
        "branche" => branche: Pii<String>,
        /// Academic title, only where it is part of the name and shown in the ID document.
        "person_title" => person_title: Pii<String>,
        /// Gender: `MALE` or `FEMALE`. Required.
        "gender" => gender: Gender,
        /// First names; sent in upper case. Required.
        "person_first_name" => person_first_name: Pii<String>,
        /// Last name; sent in upper case. Required.
        "person_last_name" => person_last_name: Pii<String>,
        /// Free text.
        "person_position" => person_position: Pii<String>,
        /// E-mail address. Required.
        "email" => email: Pii<String>,
        /// Street; sent in upper case.
        "street" => street: Pii<String>,
        /// House number.
        "house_no" => house_no: Pii<String>,
        /// Postal code. Required.
        "zip_code" => zip_code: Pii<String>,
        /// City; sent in upper case. Required.
        "city" => city: Pii<String>,
        /// Country of residence, ISO 3166 alpha-2 in upper case. Required.
        "country" => country: Pii<String>,
        /// Mobile phone; without a country code the vendor assumes Germany. Required.
        "mobile_phone" => mobile_phone: Pii<String>,
        /// Not described by the document; its sample has `DE`.
        "international_code" => international_code: Pii<String>,
        /// Date of birth, `YYYY-MM-DD`. Required.
        "birthday" => birthday: Pii<String>,
        /// Place of birth; sent in upper case. Required.
        "birth_place" => birth_place: Pii<String>,
        /// Nationality, ISO 3166 alpha-2 in upper case. Required.
        "nationality" => nationality: Pii<String>,
        /// Sort of ID document.
        "type_of_id" => type_of_id: TypeOfId,
        /// Number of the ID document.
        "id_number" => id_number: Pii<String>,
        /// Country that issued the ID document, ISO 3166 alpha-2 in upper case.
        "id_country" => id_country: Pii<String>,
        /// Date of issue of the ID document, `YYYY-MM-DD`.
        "id_issue_date" => id_issue_date: Pii<String>,
        /// Date until which the ID document is valid, `YYYY-MM-DD`.
        "id_end_date" => id_end_date: Pii<String>,
        /// Authority that issued the ID document.
        "issuing_authority" => issuing_authority: Pii<String>,
        /// URL from which the vendor fetches a PDF to be signed; not together with `pdf_content`.
        "pdf_url" => pdf_url: Secret,
        /// A PDF to be signed; not together with `pdf_url`.
        "pdf_content" => pdf_content: PdfContent,
        /// The integrator's own id: unique, not guessable; it comes back.
        "custom_id" => custom_id: Pii<String>,
        /// Free for the integrator; comes back.
        "custom1" => custom1: Pii<String>,
        /// Free for the integrator; comes back.
        "custom2" => custom2: Pii<String>,
        /// Free for the integrator; comes back.
        "custom3" => custom3: Pii<String>,
        /// Free for the integrator; comes back.
        "custom4" => custom4: Pii<String>,
    }
}

#[cfg(feature = "uuid")]
impl CreateIdent {
    /// Gives the ident a `custom_id` that nobody guesses, a random UUID, unless it has one (I-022). Keep it: it comes
    /// back in results, and it is what tells an ident of unknown outcome from others.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    #[must_use]
    pub fn with_custom_id(mut self) -> Self {
        if self.custom_id.as_ref().is_none_or(|id| id.expose().is_empty()) {
            self.custom_id = Some(uuid::Uuid::new_v4().to_string().into());
        }
        self
    }
}

message! {
    via Loose;
    without setters;
    /// The answer to `ident/create`.
    pub struct CreateIdentResponse {
        /// Whether it worked.
        "result" => result: bool,
        /// What the vendor has to say.
        "messages" => messages: Messages,
        /// The id of the new ident.
        "ident_id" => ident_id: IdentId,
        /// Where the person goes. Whoever has it can act as the person.
        "conference_url" => conference_url: Secret,
        /// The status once more; the document shows none here (AI-02).
        "response_status" => response_status: u16,
    }
}

impl CreateIdentResponse {
    /// The good answer for this ident.
    pub fn created(ident_id: impl Into<IdentId>, conference_url: impl Into<Secret>) -> Self {
        Self {
            result: Some(true),
            messages: Some(Messages::none()),
            ident_id: Some(ident_id.into()),
            conference_url: Some(conference_url.into()),
            ..Self::default()
        }
    }

    /// Says whether the vendor accepted the request, in an answer whose HTTP status is good (AI-02, AI-30).
    ///
    /// # Errors
    /// [`Kind::Rejected`](identkit_core::Kind::Rejected) for `result: false`; for a bad `response_status` what that
    /// status means.
    pub fn accepted(&self) -> Result<(), Error> {
        envelope::judge(CreateIdent::META, self.result, self.response_status, self.messages.as_ref())
    }
}
