//! `GET /project/get`, a GET with a JSON body (AI-07).

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Content, Error, Violation};
use identkit_wire::{AmbiguityPolicy, Decoded, Encoded, Meta, Operation, Params, Received, RetrySafety, json};

use super::{GOOD, REFUSALS, SMALL};
use crate::Dialect;
use crate::messages::{Envelope, Project, ProjectRequest};

/// Reads one project (`[I] project/get`; its text, which speaks of an ident, is a slip: AI-08).
///
/// The body of a GET does not survive every network; [`Identify24::project`](crate::Identify24::project) falls back to
/// the list of all projects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GetProject(pub ProjectRequest);

impl Operation for GetProject {
    const META: &'static Meta = &Meta {
        name: "project/get",
        provider: crate::PROVIDER,
        method: Method::GET,
        path: "/project/get",
        section: "[I] project/get",
        safety: RetrySafety::Safe,
        // A proxy that resets a GET with a body does so every time, and there is the list to fall back to.
        on_ambiguous: AmbiguityPolicy::Retry(2),
        expect: GOOD,
        reply: SMALL,
        refusals: REFUSALS,
    };
    type Output = Envelope<Project>;
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    fn encode(&self, _: &Dialect) -> Result<Encoded, Error> {
        if self.0.project_id.as_ref().is_none_or(|id| id.0.as_str().is_empty()) {
            return Err(Error::invalid(vec![Violation::new("project_id", "is required", "AI-07", Self::META.section)]));
        }
        Ok(Encoded { headers: json::headers(), body: json::write(&self.0)?.into(), warnings: Vec::new() })
    }

    fn decode(&self, _: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<Envelope<Project>>, Error> {
        super::enveloped(Self::META, body)
    }

    fn decode_request(_: &Params, request: &Request<Bytes>) -> Result<Self, Error> {
        super::message(request).map(Self)
    }

    fn encode_response(output: Envelope<Project>) -> Result<Response<Content>, Error> {
        json::response(200, &output)
    }
}
