//! `serverStatus`, [T 7.1]: whether the service is up. A failure is the answer: it is never repeated.

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Content, Error};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Encoded, Meta, Operation, Params, Received, RetrySafety};

use super::bodyless;
use crate::{Dialect, PROVIDER};

/// Asks whether the service is up; good when it answers 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStatus;

impl Operation for ServerStatus {
    const META: &'static Meta = &Meta {
        name: "serverStatus",
        provider: PROVIDER,
        method: Method::GET,
        path: "/serverStatus",
        section: "[T] 7.1",
        safety: RetrySafety::Safe,
        on_ambiguous: AmbiguityPolicy::Never,
        expect: &[200],
        reply: BodyMode::Whole { cap: 64 * 1024 },
        refusals: &[],
    };
    type Output = ();
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    fn encode(&self, _: &Dialect) -> Result<Encoded, Error> {
        Ok(bodyless())
    }

    fn decode(&self, _: &response::Parts, _: Received, _: &Dialect) -> Result<Decoded<()>, Error> {
        Ok(().into())
    }

    fn decode_request(_: &Params, _: &Request<Bytes>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn encode_response((): ()) -> Result<Response<Content>, Error> {
        Ok(Response::new(Content::empty()))
    }
}
