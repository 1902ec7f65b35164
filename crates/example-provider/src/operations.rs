//! One operation per call of the API, pure and synchronous. The feature `server` adds the server side.

use bytes::Bytes;
#[cfg(feature = "server")]
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use identkit_core::{Advice, Content, Error, Kind};
use identkit_wire::{
    AmbiguityPolicy, Answer, BodyMode, Decoded, Encoded, Meta, Operation, Received, Refusal, RetrySafety, debug_as,
    json, operation,
};

use crate::auth;
use crate::messages::{Case, CaseId, CreateCase, CreatedCase};
use crate::{Dialect, PROVIDER, writer};

/// Returns all operations of the provider.
pub fn all() -> Vec<&'static Meta> {
    let calls = [CreateCase::META, GetCase::META, GetReport::META, DeleteCase::META];
    auth::OPERATIONS.iter().copied().chain(calls).collect()
}

/// Maximum size of a report in bytes.
const MAX_REPORT: u64 = 256 * 1024 * 1024;

const INVALID: Refusal =
    Refusal::new(400, Kind::Rejected, "the vendor rejected the request as invalid", Advice::FixInput);
const UNAUTHORIZED: Refusal =
    Refusal::new(401, Kind::Authentication, "the vendor does not accept the credentials", Advice::CheckCredentials);
const UNKNOWN: Refusal =
    Refusal::new(404, Kind::NotFound, "the vendor does not know the case, or has deleted it", Advice::ReadStatus);
const NOT_FINISHED: Refusal = Refusal::new(409, Kind::InvalidState, "the case is not finished", Advice::ReadStatus);
const SLOW_DOWN: Refusal = Refusal::new(429, Kind::RateLimited, "too many requests", Advice::RetryLater);

// Creates a case. It is not idempotent, and no call lists cases: without a complete response, the outcome stays unknown
// (ACME-04, ACME-T2).
operation! {
    impl CreateCase;
    meta: Meta::new(
        PROVIDER,
        "createCase",
        Method::POST,
        "/v2/cases",
        RetrySafety::Creating,
        AmbiguityPolicy::Never,
    )
    .section("createCase")
    .expect(&[201])
    .ids(&["caseId", "startUrl"])
    .refusals(&[INVALID, UNAUTHORIZED, SLOW_DOWN]),
    output: CreatedCase, dialect: Dialect,
    encode: |this, _| {
        writer::check(this)?;
        Encoded::json(this)
    },
    decode: |_, _, body, _| {
        let created: Decoded<CreatedCase> = json::decode_once(body, &["caseId"])?;
        match created.value.case_id.as_ref().is_some_and(|id| !id.expose().is_empty()) {
            true => Ok(created),
            false => Err(Error::new(Kind::Protocol, "the response has no caseId")),
        }
    },
    request: |_, request| json::decode_request(request),
    respond: |output| json::response(201, &output),
}

/// The response of [`GetCase`].
#[non_exhaustive]
#[derive(Clone, PartialEq)]
pub struct CaseResponse {
    /// The case.
    pub case: Case,
    /// The body as the vendor sent it: the evidence.
    pub body: Bytes,
}

debug_as!(CaseResponse, |response| "CaseResponse({:?}, {} bytes)", response.case, response.body.len());

impl CaseResponse {
    /// Creates the response with this case.
    pub fn new(case: Case, body: Bytes) -> Self {
        Self { case, body }
    }
}

operation! {
    /// Reads a case.
    pub struct GetCase {
        /// Id of the case.
        "caseId" => case_id: CaseId as (CaseId::expose, CaseId::new),
    }
    meta: Meta::new(
        PROVIDER,
        "getCase",
        Method::GET,
        "/v2/cases/{caseId}",
        RetrySafety::Safe,
        AmbiguityPolicy::Retry(4),
    )
    .section("getCase")
    .refusals(&[UNAUTHORIZED, UNKNOWN, SLOW_DOWN]),
    output: CaseResponse, dialect: Dialect,
    decode: |this, _, body, _| {
        let body = body.whole()?;
        let Decoded { value: case, warnings, .. } =
            json::decode_once::<Case>(Received::Whole(body.clone()), &["caseId", "status"])?;
        // What decides the outcome must be there, and must be about this case.
        match (&case.case_id, &case.status) {
            (Some(id), Some(_)) if *id == this.case_id => {
                Ok(Decoded::new(CaseResponse { case, body }, warnings))
            }
            (Some(id), Some(_)) if !id.expose().is_empty() => {
                Err(Error::new(Kind::Integrity, "the response is about another case"))
            }
            _ => Err(Error::new(Kind::Protocol, "the response has no caseId or no status")),
        }
    },
    respond: |output| json::response(200, &output.case),
}

operation! {
    /// Reads the report of a finished case: a PDF.
    pub struct GetReport {
        /// Id of the case.
        "caseId" => case_id: CaseId as (CaseId::expose, CaseId::new),
    }
    meta: Meta::new(
        PROVIDER,
        "getReport",
        Method::GET,
        "/v2/cases/{caseId}/report.pdf",
        RetrySafety::Safe,
        AmbiguityPolicy::Retry(4),
    )
    .section("getReport")
    .body_mode(BodyMode::Sniff { cap: MAX_REPORT, stream: is_pdf })
    .refusals(&[UNAUTHORIZED, UNKNOWN, NOT_FINISHED, SLOW_DOWN]),
    output: Content, dialect: Dialect,
    decode: |_, _, body, _| {
        let (head, content) = body.into_content();
        match is_pdf(&HeaderMap::new(), &head) {
            true => Ok(content.into()),
            false => Err(Error::new(Kind::Protocol, "the response is not a PDF")),
        }
    },
    respond: |content| {
        let mut response = http::Response::new(content);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
        Ok(response)
    },
}

/// Whether a body is a PDF by its first bytes.
fn is_pdf(_: &HeaderMap, head: &[u8]) -> bool {
    head.starts_with(b"%PDF-")
}

operation! {
    /// Deletes all data of a finished case.
    pub struct DeleteCase {
        /// Id of the case.
        "caseId" => case_id: CaseId as (CaseId::expose, CaseId::new),
    }
    meta: Meta::new(
        PROVIDER,
        "deleteCase",
        Method::DELETE,
        "/v2/cases/{caseId}",
        RetrySafety::IdempotentByEffect,
        AmbiguityPolicy::Retry(4),
    )
    .section("deleteCase")
    .expect(&[204])
    .answer(Answer::Empty)
    .listed_only()
    .refusals(&[UNAUTHORIZED, UNKNOWN, NOT_FINISHED, SLOW_DOWN]),
    output: (), dialect: Dialect,
    decode: |_, _, _, _| Ok(().into()),
    respond: |()| {
        let mut response = http::Response::new(Content::empty());
        *response.status_mut() = http::StatusCode::NO_CONTENT;
        Ok(response)
    },
}
