//! The calls that read: `GET /ident/get/{ident_id}`, `GET /project/getAll`, and `GET /project/get`, which has a JSON
//! body (AI-07).

use http::Method;
use identkit_core::{Error, Kind, Violation};
#[cfg(feature = "server")]
use identkit_wire::json;
use identkit_wire::{AmbiguityPolicy, BodyMode, Encoded, Meta, OneOrMany, RetrySafety, is_same_name, operation};
use serde_json::Value;

use super::{call, enveloped, is_url_of, refuse_another, unnamed};
use crate::Dialect;
use crate::messages::{Envelope, Ident, IdentId, IdentStatus, Project, ProjectId, ProjectRequest};

const fn read(name: &'static str, path: &'static str, section: &'static str, attempts: u32) -> Meta {
    // The document does not describe the element: without a result it is a refusal (AT-94).
    call(name, Method::GET, path, section, RetrySafety::Safe, AmbiguityPolicy::Retry(attempts)).error_member("Error")
}

/// Checks that nothing beside the ident contradicts it: neither a status of the response, nor the URL of another ident
/// (AT-93, I-041).
fn refuse_contradiction(answer: &Envelope<Ident>, wanted: &str) -> Result<(), Error> {
    let fault = |detail| Err(Error::new(Kind::Protocol, detail));
    let Some([ident]) = answer.data.as_ref().map(OneOrMany::as_slice) else { return Ok(()) };
    let own = ident.status.as_ref().map(IdentStatus::as_str);
    let contradicts = |(name, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        is_same_name(name, "status") && !value.is_null() && own != Some(&*text) && !is_success(&text)
    };
    if answer.extra.iter().any(contradicts) {
        return fault("the response has a status beside data, which contradicts the one of the ident");
    }
    let is_of_another = |(name, value): (&String, &Value)| {
        is_same_name(name, "conference_url") && value.as_str().is_some_and(|url| !is_url_of(url, wanted))
    };
    if ident.id.is_none() && ident.extra.iter().chain(answer.extra.iter()).any(is_of_another) {
        return fault("the response has no id, and the conference_url of another ident than the requested one");
    }
    Ok(())
}

/// Whether a status can say that the call succeeded, so that it is not one of the ident.
fn is_success(status: &str) -> bool {
    let is_word = |word: &&str| status.trim().eq_ignore_ascii_case(word);
    ["ok", "success", "successful", "true"].iter().any(is_word)
        || status.trim().parse().is_ok_and(|code: u16| (200..300).contains(&code))
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
        refuse_contradiction(&decoded.value, this.ident_id.expose())?;
        decoded.warnings.extend(unnamed(&decoded.value, |ident: &Ident| ident.id.as_ref().map(IdentId::expose)));
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
        decoded.warnings.extend(unnamed(&decoded.value, |project: &Project| project.id.as_ref().map(ProjectId::as_str)));
        Ok(decoded)
    },
    request: |_, request| json::decode_request(request).map(Self),
    respond: |output| json::response(200, &output),
}
