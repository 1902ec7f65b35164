//! `GET /project/getAll`.

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Content, Error};
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Encoded, Meta, Operation, Params, Received, RetrySafety, json,
};

use super::{GOOD, REFUSALS};
use crate::Dialect;
use crate::messages::{Envelope, Project};

/// Reads all projects of the account (`[I] project/getAll`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GetAllProjects;

impl Operation for GetAllProjects {
    const META: &'static Meta = &Meta {
        name: "project/getAll",
        provider: crate::PROVIDER,
        method: Method::GET,
        path: "/project/getAll",
        section: "[I] project/getAll",
        safety: RetrySafety::Safe,
        on_ambiguous: AmbiguityPolicy::Retry(4),
        expect: GOOD,
        reply: BodyMode::Whole { cap: 8 * 1024 * 1024 },
        refusals: REFUSALS,
    };
    type Output = Envelope<Project>;
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    fn encode(&self, _: &Dialect) -> Result<Encoded, Error> {
        Ok(super::bodiless())
    }

    fn decode(&self, _: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<Envelope<Project>>, Error> {
        super::enveloped(Self::META, body)
    }

    fn decode_request(_: &Params, _: &Request<Bytes>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn encode_response(output: Envelope<Project>) -> Result<Response<Content>, Error> {
        json::response(200, &output)
    }
}
