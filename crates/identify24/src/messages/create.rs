//! Messages of `POST /ident/create`. The request is a flat object of 33 attributes (I-003, AI-05).

use identkit_core::{Error, Pii, Secret};
use identkit_wire::{Loose, Operation, message};

use super::{Gender, IdentId, Messages, PdfContent, ProjectId, TypeOfId, envelope};

// In the order of the document's sample.
message! {
    via Loose;
    /// An ident to create. `project_id`, `birthday`, `birth_place`, `email`, `gender`, `person_first_name`,
    /// `person_last_name`, `mobile_phone`, `nationality`, `zip_code`, `city` and `country` are required. Fields that are
    /// `None` or empty are not sent (`[I] ident/create`).
    pub struct CreateIdent {
        /// Project of the ident. Required.
        "project_id" => project_id: ProjectId,
        /// Free text.
        "company_name" => company_name: Pii<String>,
        /// Free text.
        "store_name" => store_name: Pii<String>,
        /// Free text: the branch of industry.
        "branche" => branche: Pii<String>,
        /// Academic title, only if it is part of the name in the ID document.
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
        /// Mobile phone. Without a country code the vendor assumes Germany. Required.
        "mobile_phone" => mobile_phone: Pii<String>,
        /// Not described by the document; its sample has `DE`.
        "international_code" => international_code: Pii<String>,
        /// Date of birth, `YYYY-MM-DD`. Required.
        "birthday" => birthday: Pii<String>,
        /// Place of birth; sent in upper case. Required.
        "birth_place" => birth_place: Pii<String>,
        /// Nationality, ISO 3166 alpha-2 in upper case. Required.
        "nationality" => nationality: Pii<String>,
        /// Type of the ID document.
        "type_of_id" => type_of_id: TypeOfId,
        /// Number of the ID document.
        "id_number" => id_number: Pii<String>,
        /// Country that issued the ID document, ISO 3166 alpha-2 in upper case.
        "id_country" => id_country: Pii<String>,
        /// Date of issue of the ID document, `YYYY-MM-DD`.
        "id_issue_date" => id_issue_date: Pii<String>,
        /// Expiry date of the ID document, `YYYY-MM-DD`.
        "id_end_date" => id_end_date: Pii<String>,
        /// Authority that issued the ID document.
        "issuing_authority" => issuing_authority: Pii<String>,
        /// URL from which the vendor downloads a PDF to sign. Excludes `pdf_content`.
        "pdf_url" => pdf_url: Secret,
        /// PDF to sign. Excludes `pdf_url`.
        "pdf_content" => pdf_content: PdfContent,
        /// The integrator's own id, which the vendor returns. Must be unique and hard to guess.
        "custom_id" => custom_id: Pii<String>,
        /// Free text of the integrator, which the vendor returns.
        "custom1" => custom1: Pii<String>,
        /// Free text of the integrator, which the vendor returns.
        "custom2" => custom2: Pii<String>,
        /// Free text of the integrator, which the vendor returns.
        "custom3" => custom3: Pii<String>,
        /// Free text of the integrator, which the vendor returns.
        "custom4" => custom4: Pii<String>,
    }
}

#[cfg(feature = "uuid")]
impl CreateIdent {
    /// Sets `custom_id` to a random UUID if it is empty (I-022). Store it: the vendor returns it, and it identifies an
    /// ident whose creation had an unknown outcome.
    ///
    /// # Panics
    /// If the system's random number generator fails.
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
    /// Response to `ident/create`.
    pub struct CreateIdentResponse {
        /// Whether the ident was created.
        "result" => result: bool,
        /// Messages of the vendor.
        "messages" => messages: Messages,
        /// Id of the new ident.
        "ident_id" => ident_id: IdentId,
        /// URL for the person. Anyone who has it can act as the person.
        "conference_url" => conference_url: Secret,
        /// Status code; the document shows none in this response (AI-02).
        "response_status" => response_status: u16,
    }
}

impl CreateIdentResponse {
    /// Creates a successful response for this ident.
    pub fn created(ident_id: impl Into<IdentId>, conference_url: impl Into<Secret>) -> Self {
        Self {
            result: Some(true),
            messages: Some(Messages::none()),
            ident_id: Some(ident_id.into()),
            conference_url: Some(conference_url.into()),
            ..Self::default()
        }
    }

    /// Checks whether the vendor accepted the request; a response with HTTP status 200 can contain a rejection (AI-02,
    /// AI-30).
    ///
    /// # Errors
    /// [`Kind::Rejected`](identkit_core::Kind::Rejected) for `result: false`. If `response_status` is not 2xx, the
    /// error that this HTTP status would cause.
    pub fn accepted(&self) -> Result<(), Error> {
        envelope::judge(CreateIdent::META, self.result, self.response_status, self.messages.as_ref())
    }
}
