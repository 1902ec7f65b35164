//! `POST /ident/create`.

use bytes::Bytes;
use http::{Method, Request, Response, response};
use identkit_core::{Advice, Content, Error, Kind};
use identkit_wire::{AmbiguityPolicy, Decoded, Encoded, Meta, Operation, Params, Received, RetrySafety, json};

use super::{GOOD, REFUSALS, SMALL};
use crate::messages::{CreateIdent, CreateIdentResponse};
use crate::{Dialect, writer};

/// Creates an ident (`[I] ident/create`). Whether the vendor accepted it is for [`CreateIdentResponse::accepted`] to say.
///
/// Nothing makes a repeat harmless and no call lists idents (I-042, AI-16, AI-28): when no complete answer came, the
/// outcome stays unknown.
impl Operation for CreateIdent {
    const META: &'static Meta = &Meta {
        name: "ident/create",
        provider: crate::PROVIDER,
        method: Method::POST,
        path: "/ident/create",
        section: writer::SECTION,
        safety: RetrySafety::Creating,
        on_ambiguous: AmbiguityPolicy::Never,
        expect: GOOD,
        reply: SMALL,
        refusals: REFUSALS,
    };
    type Output = CreateIdentResponse;
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    fn encode(&self, dialect: &Dialect) -> Result<Encoded, Error> {
        let ident = self.normalised(dialect);
        let warnings = writer::check(&ident, self, dialect)?;
        Ok(Encoded { headers: json::headers(), body: writer::body(ident, dialect)?, warnings })
    }

    fn decode(&self, _: &response::Parts, body: Received, _: &Dialect) -> Result<Decoded<CreateIdentResponse>, Error> {
        let body = body.whole()?;
        let answer: CreateIdentResponse = super::read_whole(&body)?;
        // Where the ident may exist, the answer may hold the only copy of its id: it is kept with the error.
        let keep = |error: Error| error.with_vendor_text(super::kept(&body));
        let named = answer.ident_id.as_ref().is_some_and(|id| !id.is_empty());
        match (answer.accepted(), named) {
            (Ok(()), true) => Ok(answer.into()),
            (Ok(()), false) => Err(keep(Error::new(Kind::Protocol, "the vendor's answer has no ident_id"))),
            // A refusal that names an ident contradicts itself: the ident may exist.
            (Err(error), true) => {
                let detail = "the vendor's answer refuses the ident and names its ident_id all the same";
                Err(keep(error.with_kind(Kind::Protocol, detail).with_advice(Advice::Reconcile)))
            }
            // The same, where only its URL or its place in `data` says so: a repeat could make a second ident.
            (Err(error), false) if hints_at_an_ident(&answer) => {
                let detail = "the vendor's answer refuses the ident and holds traces of one all the same";
                Err(keep(error.with_kind(Kind::Protocol, detail).with_advice(Advice::Reconcile)))
            }
            (Err(error), false) => Err(error),
        }
    }

    fn decode_request(_: &Params, request: &Request<Bytes>) -> Result<Self, Error> {
        super::message(request)
    }

    fn encode_response(output: CreateIdentResponse) -> Result<Response<Content>, Error> {
        json::response(200, &output)
    }
}

/// Whether an answer without an `ident_id` in its place still looks as if an ident was made.
fn hints_at_an_ident(answer: &CreateIdentResponse) -> bool {
    let there = |value: &serde_json::Value| !value.is_null() && value.as_str() != Some("");
    let url = answer.conference_url.as_ref().is_some_and(|url| !url.is_empty());
    let data = answer.extra.0.get("data");
    url || data.is_some_and(|data| ["ident_id", "id"].iter().any(|key| data.get(key).is_some_and(there)))
}
