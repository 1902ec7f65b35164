//! The calls that read: `GET /ident/get/{ident_id}`, `GET /project/getAll`, and `GET /project/get`, which has a JSON
//! body (AI-07).

use http::Method;
use identkit_core::{Error, Kind, Violation};
#[cfg(feature = "server")]
use identkit_wire::json;
use identkit_wire::{AmbiguityPolicy, BodyMode, Encoded, Meta, OneOrMany, RetrySafety, operation};
use serde_json::Value;

use super::{call, enveloped, refuse_another};
use crate::Dialect;
use crate::messages::{Envelope, Ident, IdentId, IdentStatus, Project, ProjectRequest};

const fn read(name: &'static str, path: &'static str, section: &'static str, attempts: u32) -> Meta {
    call(name, Method::GET, path, section, RetrySafety::Safe, AmbiguityPolicy::Retry(attempts))
}

/// Whether an ident has another status under another spelling of the name (AT-93).
fn has_two_statuses(ident: &Ident) -> bool {
    let status = ident.status.as_ref().map(IdentStatus::as_str);
    let is_other = |(name, value): (&String, &Value)| {
        name.eq_ignore_ascii_case("status") && !value.is_null() && value.as_str() != status
    };
    status.is_some() && ident.extra.iter().any(is_other)
}

operation! {
    /// Reads an ident (`[I] ident/get`).
    pub struct GetIdent {
        /// Id of the ident, sent as one segment of the path.
        "ident_id" => ident_id: IdentId as (IdentId::expose, IdentId::new),
    }
    meta: read("ident/get", "/ident/get/{ident_id}", "[I] ident/get", 4),
    output: Envelope<Ident>, dialect: Dialect,
    decode: |this, _, body, _| {
        let mut decoded = enveloped(Self::META, body, &["id", "status"])?;
        refuse_another(&mut decoded.value, "ident_id", this.ident_id.expose())?;
        let idents = decoded.value.data.as_ref().map_or(&[][..], OneOrMany::as_slice);
        if idents.iter().any(has_two_statuses) {
            let detail = "the response has the element status in two spellings, with different values";
            return Err(Error::new(Kind::Protocol, detail));
        }
        Ok(decoded)
    },
    respond: |output| json::response(200, &output),
}

operation! {
    /// Reads all projects of the account (`[I] project/getAll`).
    pub struct GetAllProjects;
    meta: read("project/getAll", "/project/getAll", "[I] project/getAll", 4)
        .body_mode(BodyMode::Whole { cap: 8 * 1024 * 1024 }),
    output: Envelope<Project>, dialect: Dialect,
    decode: |_, _, body, _| {
        let decoded = enveloped::<Project>(Self::META, body, &[])?;
        match &decoded.value.data {
            // E.g. an object with the ids as names.
            Some(OneOrMany::One(Project { id: None, .. })) => {
                Err(Error::new(Kind::Protocol, "data is neither a list of projects nor a project with an id"))
            }
            _ => Ok(decoded),
        }
    },
    respond: |output| json::response(200, &output),
}

/// Reads one project (`[I] project/get`; the document's text mentions an ident by mistake: AI-08).
///
/// Some networks drop the body of a GET. [`Identify24::project`](crate::Identify24::project) then reads the list of all
/// projects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GetProject(pub ProjectRequest);

operation! {
    impl GetProject;
    // A proxy that resets a GET with a body always does so, and the client can read the list instead.
    meta: read("project/get", "/project/get", "[I] project/get", 2),
    output: Envelope<Project>, dialect: Dialect,
    encode: |this, _| {
        if this.0.project_id.as_ref().is_none_or(|id| id.0.as_str().is_empty()) {
            return Err(Error::invalid(vec![Violation::new("project_id", "is required", "AI-07", Self::META.section)]));
        }
        Encoded::json(&this.0)
    },
    decode: |this, _, body, _| {
        let mut decoded = enveloped(Self::META, body, &["id"])?;
        let wanted = this.0.project_id.as_ref().map_or("", |id| id.0.as_str());
        refuse_another(&mut decoded.value, "project_id", wanted)?;
        Ok(decoded)
    },
    request: |_, request| json::decode_request(request).map(Self),
    respond: |output| json::response(200, &output),
}
