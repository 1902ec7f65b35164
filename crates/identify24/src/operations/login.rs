//! `POST /auth`.

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Advice, Content, Error, Kind, Violation};
use identkit_wire::{AmbiguityPolicy, Decoded, Encoded, Meta, Operation, Params, Received, Refusal, RetrySafety, json};

use super::{BAD_REQUEST, CONFLICT, FORBIDDEN, GOOD, NOT_FOUND, REQUEST_FAILED, SMALL, TOO_MANY};
use crate::Dialect;
use crate::messages::{AuthRequest, AuthResponse};

/// Gets a token (`[I] auth`). Whether one was granted is for [`AuthResponse::token`] to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Login(pub AuthRequest);

impl Operation for Login {
    const META: &'static Meta = &Meta {
        name: "auth",
        provider: crate::PROVIDER,
        method: Method::POST,
        path: "/auth",
        section: "[I] auth",
        safety: RetrySafety::IdempotentByEffect,
        on_ambiguous: AmbiguityPolicy::Retry(3),
        expect: GOOD,
        reply: SMALL,
        refusals: &[
            BAD_REQUEST,
            Refusal {
                status: 401,
                kind: Kind::Authentication,
                meaning: "the vendor does not accept partner and API key",
                advice: Advice::CheckCredentials,
            },
            REQUEST_FAILED,
            FORBIDDEN,
            NOT_FOUND,
            CONFLICT,
            TOO_MANY,
        ],
    };
    type Output = AuthResponse;
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    fn encode(&self, _: &Dialect) -> Result<Encoded, Error> {
        let faults: Vec<_> = [("PARTNER", &self.0.partner), ("APIKEY", &self.0.api_key)]
            .into_iter()
            .filter(|(_, value)| value.as_ref().is_none_or(identkit_core::Secret::is_empty))
            .map(|(field, _)| Violation::new(field, "is required", "I-005", Self::META.section))
            .collect();
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        Ok(Encoded { headers: json::headers(), body: json::write(&self.0)?.into(), warnings: Vec::new() })
    }

    fn decode(&self, _: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<AuthResponse>, Error> {
        let answer: AuthResponse = super::read(body)?;
        match answer.token() {
            // What a repeat may mend counts like that HTTP status (AI-30); any other refusal is the session's to judge.
            Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::RateLimited) => Err(error),
            _ => Ok(answer.into()),
        }
    }

    fn decode_request(_: &Params, request: &Request<Bytes>) -> Result<Self, Error> {
        super::message(request).map(Self)
    }

    fn encode_response(output: AuthResponse) -> Result<Response<Content>, Error> {
        json::response(200, &output)
    }
}
