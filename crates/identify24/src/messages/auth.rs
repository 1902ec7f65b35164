//! Messages of `POST /auth`. The request's keys are in upper case, unlike all others (AI-10).

use identkit_core::{Advice, Error, Kind, Secret};

use super::{Messages, envelope};
use crate::operations::Login;
use identkit_wire::{Loose, Operation, message};

message! {
    via Loose;
    without setters;
    /// Login request (`[I] auth`).
    pub struct AuthRequest {
        /// The partner's user name.
        "PARTNER" => partner: Secret,
        /// The API key.
        "APIKEY" => api_key: Secret,
    }
}

impl AuthRequest {
    /// Creates a login request.
    pub fn new(partner: impl Into<Secret>, api_key: impl Into<Secret>) -> Self {
        Self { partner: Some(partner.into()), api_key: Some(api_key.into()), ..Self::default() }
    }
}

message! {
    via Loose;
    without setters;
    /// Response to a login (`[I] auth`).
    pub struct AuthResponse {
        /// Whether the login succeeded.
        "result" => result: bool,
        /// Status code, repeated in the body.
        "response_status" => response_status: u16,
        /// Token, an opaque text (AI-29).
        "token" => token: Secret,
        /// Messages of the vendor.
        "messages" => messages: Messages,
    }
}

impl AuthResponse {
    /// Creates a successful response with this token.
    pub fn granted(token: impl Into<Secret>) -> Self {
        Self {
            result: Some(true),
            response_status: Some(200),
            token: Some(token.into()),
            messages: Some(["Successful.."].into_iter().collect()),
            ..Self::default()
        }
    }

    /// Returns the token that the vendor granted (I-030, I-031).
    ///
    /// # Errors
    /// [`Kind::Authentication`] for `result: false` or if the token is missing or blank. If `response_status` is not 2xx, the
    /// error that this HTTP status would cause.
    pub fn token(&self) -> Result<&Secret, Error> {
        let judged = envelope::judge(Login::META, self.result, self.response_status, self.messages.as_ref());
        let refused = "the vendor granted no token";
        match (judged, &self.token) {
            (Ok(()), Some(token)) if !token.expose().trim().is_empty() => Ok(token),
            (Ok(()), _) => Err(Error::new(Kind::Authentication, refused).with_operation(Login::META.name)),
            (Err(error), _) if error.kind() == Kind::Rejected => {
                Err(error.with_kind(Kind::Authentication, refused).with_advice(Advice::CheckCredentials))
            }
            (Err(error), _) => Err(error),
        }
    }
}
