//! `POST /ident/create`.

use http::Method;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::{AmbiguityPolicy, Encoded, RetrySafety, json, operation};

use super::call;
use crate::messages::{CreateIdent, CreateIdentResponse};
use crate::{Dialect, writer};

// Creates an ident (`[I] ident/create`). Whether the vendor accepted it is for `CreateIdentResponse::accepted` to say.
//
// Nothing makes a repeat harmless and no call lists idents (I-042, AI-16, AI-28): when no complete answer came, the
// outcome stays unknown.
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
        let ident = this.normalised(dialect);
        let warnings = writer::check(&ident, this, dialect)?;
        Ok(Encoded::new(json::headers(), writer::body(ident, dialect)?).with_warnings(warnings))
    },
    decode: |_, _, body, _| {
        let body = body.whole()?;
        let answer: CreateIdentResponse = super::read(&body)?;
        // Where the ident may exist, the answer may hold the only copy of its id: it is kept with the error.
        let keep = |error: Error| error.with_vendor_text(super::kept(&body));
        let named = answer.ident_id.as_ref().is_some_and(|id| !id.is_empty());
        match (answer.accepted(), named) {
            (Ok(()), true) => Ok(answer.into()),
            (Ok(()), false) => Err(keep(Error::new(Kind::Protocol, "the vendor's answer has no ident_id"))),
            // A refusal that names an ident contradicts itself: the ident may exist. So it may where only its URL or its
            // place in `data` says so: a repeat could make a second ident.
            (Err(error), named) if named || hints_at_an_ident(&answer) => {
                let detail = match named {
                    true => "the vendor's answer refuses the ident and names its ident_id all the same",
                    false => "the vendor's answer refuses the ident and holds traces of one all the same",
                };
                Err(keep(error.with_kind(Kind::Protocol, detail).with_advice(Advice::Reconcile)))
            }
            (Err(error), _) => Err(error),
        }
    },
    request: |_, request| json::decode_request(request),
    respond: |output| json::response(200, &output),
}

/// Whether an answer without an `ident_id` in its place still looks as if an ident was made.
fn hints_at_an_ident(answer: &CreateIdentResponse) -> bool {
    let there = |value: &serde_json::Value| !value.is_null() && value.as_str() != Some("");
    let url = answer.conference_url.as_ref().is_some_and(|url| !url.is_empty());
    let data = answer.extra.get("data");
    url || data.is_some_and(|data| ["ident_id", "id"].iter().any(|key| data.get(key).is_some_and(there)))
}
