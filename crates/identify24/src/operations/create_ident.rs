//! `POST /ident/create`.

use http::Method;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::{AmbiguityPolicy, Encoded, RetrySafety, json, operation};

use super::call;
use crate::messages::{CreateIdent, CreateIdentResponse};
use crate::{Dialect, writer};

// Creates an ident (`[I] ident/create`). `CreateIdentResponse::accepted` checks whether the vendor accepted it.
//
// There is no idempotency key, and no call lists idents (I-042, AI-16, AI-28): without a complete response, the outcome
// stays unknown.
operation! {
    impl CreateIdent;
    meta: call(
        "ident/create",
        Method::POST,
        "/ident/create",
        writer::SECTION,
        RetrySafety::Creating,
        AmbiguityPolicy::Never,
    ),
    output: CreateIdentResponse, dialect: Dialect,
    encode: |this, dialect| {
        let ident = this.normalized(dialect);
        let warnings = writer::check(&ident, this, dialect)?;
        Ok(Encoded::new(json::headers(), writer::body(ident, dialect)?).with_warnings(warnings))
    },
    decode: |_, _, body, _| {
        let body = body.whole()?;
        let answer: CreateIdentResponse = super::read(&body)?;
        // If the ident may exist, the response may hold the only copy of its id: the error retains it.
        let keep = |error: Error| error.with_vendor_text(super::excerpt(&body));
        let named = answer.ident_id.as_ref().is_some_and(|id| !id.is_empty());
        match (answer.accepted(), named) {
            (Ok(()), true) => Ok(answer.into()),
            (Ok(()), false) => Err(keep(Error::new(Kind::Protocol, "the response has no ident_id"))),
            // A rejection that names an ident contradicts itself: the ident may exist, and a repeat could create a
            // second one. The same applies if the response holds only its URL, or an id in `data`.
            (Err(error), named) if named || hints_at_an_ident(&answer) => {
                let detail = match named {
                    true => "the response rejects the ident but contains an ident_id",
                    false => "the response rejects the ident but contains its URL or an id in data",
                };
                Err(keep(error.with_kind(Kind::Protocol, detail).with_advice(Advice::Reconcile)))
            }
            (Err(error), _) => Err(error),
        }
    },
    request: |_, request| json::decode_request(request),
    respond: |output| json::response(200, &output),
}

/// Whether a response without `ident_id` still suggests that an ident was created.
fn hints_at_an_ident(answer: &CreateIdentResponse) -> bool {
    let there = |value: &serde_json::Value| !value.is_null() && value.as_str() != Some("");
    let url = answer.conference_url.as_ref().is_some_and(|url| !url.is_empty());
    let data = answer.extra.get("data");
    url || data.is_some_and(|data| ["ident_id", "id"].iter().any(|key| data.get(key).is_some_and(there)))
}
