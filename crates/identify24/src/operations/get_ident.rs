//! `GET /ident/get/{ident_id}`.

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Content, Error};
use identkit_wire::{AmbiguityPolicy, Decoded, Encoded, Meta, Operation, Params, Received, RetrySafety, json};

use super::{GOOD, REFUSALS, SMALL};
use crate::Dialect;
use crate::messages::{Envelope, Ident, IdentId};

/// Reads an ident (`[I] ident/get`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetIdent {
    /// The ident's id; any text that the vendor gave, sent as one segment of the path.
    pub ident_id: IdentId,
}

impl Operation for GetIdent {
    const META: &'static Meta = &Meta {
        name: "ident/get",
        provider: crate::PROVIDER,
        method: Method::GET,
        path: "/ident/get/{ident_id}",
        section: "[I] ident/get",
        safety: RetrySafety::Safe,
        on_ambiguous: AmbiguityPolicy::Retry(4),
        expect: GOOD,
        reply: SMALL,
        refusals: REFUSALS,
    };
    type Output = Envelope<Ident>;
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        vec![("ident_id", self.ident_id.expose())]
    }

    fn encode(&self, _: &Dialect) -> Result<Encoded, Error> {
        Ok(super::bodiless())
    }

    fn decode(&self, _: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<Envelope<Ident>>, Error> {
        super::enveloped(Self::META, body)
    }

    fn decode_request(params: &Params, _: &Request<Bytes>) -> Result<Self, Error> {
        Ok(Self { ident_id: params.get("ident_id").into() })
    }

    fn encode_response(output: Envelope<Ident>) -> Result<Response<Content>, Error> {
        json::response(200, &output)
    }
}
