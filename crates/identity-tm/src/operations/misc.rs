//! `getBankList` [T 8.1] and `checkSignmeUser` [T 8.3].

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Content, Error, Violation};
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Encoded, Meta, Operation, Params, Received, RetrySafety, json,
};

use super::{BAD_REQUEST, UNAUTHORIZED, bodyless, read_json};
use crate::messages::{Bank, SignmeUser, SignmeUserRequest};
use crate::validate::{is_mail_address, listed_in_extra};
use crate::{Dialect, PROVIDER};

/// The banks that support identity Giro.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GetBankList;

impl Operation for GetBankList {
    const META: &'static Meta = &Meta {
        name: "getBankList",
        provider: PROVIDER,
        method: Method::GET,
        path: "/getBankList",
        section: "[T] 8.1",
        safety: RetrySafety::Safe,
        on_ambiguous: AmbiguityPolicy::Retry(4),
        expect: &[200],
        reply: BodyMode::Whole { cap: 16 * 1024 * 1024 },
        refusals: &[BAD_REQUEST, UNAUTHORIZED],
    };
    type Output = Vec<Bank>;
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    fn encode(&self, _: &Dialect) -> Result<Encoded, Error> {
        Ok(bodyless())
    }

    fn decode(&self, head: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<Vec<Bank>>, Error> {
        read_json::<Vec<Bank>>(head, body).map(Into::into)
    }

    fn decode_request(_: &Params, _: &Request<Bytes>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn encode_response(output: Vec<Bank>) -> Result<Response<Content>, Error> {
        json::response(200, &output)
    }
}

/// Whether somebody has a sign-me account and can sign with it: a POST that only asks. The account must use sign-me.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckSignmeUser(pub SignmeUserRequest);

impl Operation for CheckSignmeUser {
    const META: &'static Meta = &Meta {
        name: "checkSignmeUser",
        provider: PROVIDER,
        method: Method::POST,
        path: "/checkSignmeUser",
        section: "[T] 8.3",
        safety: RetrySafety::Safe,
        on_ambiguous: AmbiguityPolicy::Retry(4),
        expect: &[200],
        reply: BodyMode::Whole { cap: 1024 * 1024 },
        refusals: &[BAD_REQUEST, UNAUTHORIZED],
    };
    type Output = SignmeUser;
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    fn encode(&self, _: &Dialect) -> Result<Encoded, Error> {
        let email = self.0.email.as_ref().map_or("", |email| email.expose().trim());
        let section = Self::META.section;
        let mut faults: Vec<Violation> = listed_in_extra("", &self.0.extra, SignmeUserRequest::KEYS, section).collect();
        if !is_mail_address(email) {
            faults.push(Violation::new(
                "Email",
                "must be the e-mail address that is the sign-me user name",
                "AT-58",
                section,
            ));
        }
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let request = SignmeUserRequest { email: Some(email.into()), extra: self.0.extra.clone() };
        Ok(Encoded { headers: json::headers(), body: json::write(&request)?.into(), warnings: Vec::new() })
    }

    fn decode(&self, head: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<SignmeUser>, Error> {
        read_json::<SignmeUser>(head, body).map(Into::into)
    }

    fn decode_request(_: &Params, request: &Request<Bytes>) -> Result<Self, Error> {
        json::read(request.body()).map(Self).map_err(json::JsonFault::input)
    }

    fn encode_response(output: SignmeUser) -> Result<Response<Content>, Error> {
        json::response(200, &output)
    }
}
