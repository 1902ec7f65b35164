//! `POST /auth`: the only message whose keys are in upper case (AI-10).

use identkit_core::{Advice, Error, Kind, Secret};

use super::{Messages, envelope};
use crate::operations::Login;
use identkit_wire::{Loose, Operation, message};

message! {
    via Loose;
    without setters;
    /// What a partner logs in with (`[I] auth`).
    pub struct AuthRequest {
        /// The partner's user name.
        "PARTNER" => partner: Secret,
        /// The API key.
        "APIKEY" => api_key: Secret,
    }
}

impl AuthRequest {
    /// A login of this partner with this key.
    pub fn new(partner: impl Into<Secret>, api_key: impl Into<Secret>) -> Self {
        Self { partner: Some(partner.into()), api_key: Some(api_key.into()), ..Self::default() }
    }
}

message! {
    via Loose;
    without setters;
    /// The answer to a login (`[I] auth`).
    pub struct AuthResponse {
        /// Whether it worked.
        "result" => result: bool,
        /// The status once more.
        "response_status" => response_status: u16,
        /// The token, opaque: nothing is read out of it (AI-29).
        "token" => token: Secret,
        /// What the vendor has to say.
        "messages" => messages: Messages,
    }
}

impl AuthResponse {
    /// The good answer with this token.
    pub fn granted(token: impl Into<Secret>) -> Self {
        Self {
            result: Some(true),
            response_status: Some(200),
            token: Some(token.into()),
            messages: Some(["Successful.."].into_iter().collect()),
            ..Self::default()
        }
    }

    /// The token, if the vendor granted one (I-030, I-031).
    ///
    /// # Errors
    /// [`Kind::Authentication`] for `result: false` or when there is no token; for a bad `response_status` what that
    /// status means.
    pub fn token(&self) -> Result<&Secret, Error> {
        let judged = envelope::judge(Login::META, self.result, self.response_status, self.messages.as_ref());
        let refused = "the vendor granted no token";
        match (judged, &self.token) {
            (Ok(()), Some(token)) if !token.is_empty() => Ok(token),
            (Ok(()), _) => Err(Error::new(Kind::Authentication, refused).with_operation(Login::META.name)),
            (Err(error), _) if error.kind() == Kind::Rejected => {
                Err(error.with_kind(Kind::Authentication, refused).with_advice(Advice::CheckCredentials))
            }
            (Err(error), _) => Err(error),
        }
    }
}
