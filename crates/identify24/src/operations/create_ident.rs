//! `POST /ident/create`.

use http::Method;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::url::WebUrl;
use identkit_wire::{AmbiguityPolicy, Decoded, Encoded, RetrySafety, Warning, json, operation};

use super::call;
use super::refused::{contradicts, hints_at_an_ident};
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
    )
    .ids(&["ident_id", "conference_url"])
    .contradicts(contradicts),
    output: CreateIdentResponse, dialect: Dialect,
    encode: |this, dialect| {
        let ident = this.normalized(dialect);
        let warnings = writer::check(&ident, this, dialect)?;
        Ok(Encoded::new(json::headers(), writer::body(ident, dialect)?).with_warnings(warnings))
    },
    decode: |_, _, body, _| {
        let body = body.whole()?;
        let Decoded { value: answer, mut warnings, .. } = super::read::<CreateIdentResponse>(&body)?;
        let url = answer.conference_url.as_ref().map_or("", identkit_core::Secret::expose);
        let invalid = !url.is_empty() && WebUrl::parse(url).is_err();
        warnings.extend(Warning::when(invalid, "conference_url is not a valid URL; it is returned unchanged", "AT-99"));
        let named = answer.ident_id.as_ref().is_some_and(|id| !id.is_empty());
        let keep = |error: Error| error.with_vendor_text(super::excerpt(&body));
        match answer.accepted() {
            Ok(()) if named => Ok(Decoded::new(answer, warnings)),
            Ok(()) => Err(keep(Error::new(Kind::Protocol, "the response has no ident_id"))),
            // A rejection that names an ident contradicts itself. The driver looks for `Meta::ids`; this is the one that
            // the vendor might nest under another name.
            Err(error) if hints_at_an_ident(&answer) => {
                let detail = "the response rejects the ident but contains an id in data";
                Err(keep(error.with_kind(Kind::Protocol, detail).with_advice(Advice::Reconcile)))
            }
            // The worse of both is that the ident may exist (AI-30).
            Err(error) if answer.result == Some(true) => {
                let detail = "the response_status in the response contradicts its result";
                Err(keep(error.with_kind(Kind::Protocol, detail).with_advice(Advice::Reconcile)))
            }
            Err(error) => Err(error),
        }
    },
    request: |_, request| json::decode_request(request),
    respond: |output| json::response(200, &output),
}
