//! `POST /auth`.

use http::Method;
use identkit_core::{Error, Kind, Violation};
use identkit_wire::{AmbiguityPolicy, Encoded, Refusal, RetrySafety, json, operation};

use super::{call, refusals};
use crate::Dialect;
use crate::messages::{AuthRequest, AuthResponse};

const REFUSALS: &[Refusal] = &refusals("the vendor does not accept partner and API key");

/// Requests a token (`[I] auth`). [`AuthResponse::token`] checks whether the vendor granted one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Login(pub AuthRequest);

operation! {
    impl Login;
    meta: call("auth", Method::POST, "/auth", "[I] auth", RetrySafety::IdempotentByEffect, AmbiguityPolicy::Retry(3))
        .refusals(REFUSALS),
    output: AuthResponse, dialect: Dialect,
    encode: |this, _| {
        let faults: Vec<_> = [("PARTNER", &this.0.partner), ("APIKEY", &this.0.api_key)]
            .into_iter()
            .filter(|(_, value)| value.as_ref().is_none_or(identkit_core::Secret::is_empty))
            .map(|(field, _)| Violation::new(field, "is required", "I-005", Self::META.section))
            .collect();
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        Encoded::json(&this.0)
    },
    decode: |_, _, body, _| {
        let answer = json::decode_once::<AuthResponse>(body, &["result", "response_status", "token"])?;
        match answer.value.token() {
            // A failure that a retry may repair counts like that HTTP status (AI-30); the session handles all others.
            Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::RateLimited) => Err(error),
            _ => Ok(answer),
        }
    },
    request: |_, request| json::decode_request(request).map(Self),
    respond: |output| json::response(200, &output),
}
