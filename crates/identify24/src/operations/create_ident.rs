//! `POST /ident/create`.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use identkit_core::{Advice, Error, FoundId, Kind, RawResponse, Secret};
use identkit_wire::url::WebUrl;
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Encoded, Operation, RetrySafety, Warning, can_be_new_id, failure_beside_result,
    has_blank_ends, json, operation,
};

use super::refused::{contradicts, has_another_id, hints_at_an_ident, reports_error};
use super::{call, is_url_of};
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
    .id_urls(&[("conference_url", "/apply/")])
    .contradicts(contradicts)
    // The vendor does not repeat this response (AT-79).
    .body_mode(BodyMode::Whole { cap: 256 * 1024 * 1024 }),
    output: CreateIdentResponse, dialect: Dialect,
    encode: |this, dialect| {
        let ident = this.normalized(dialect);
        let warnings = writer::check(&ident, this, dialect)?;
        Ok(Encoded::new(json::headers(), writer::body(ident, dialect)?).with_warnings(warnings))
    },
    decode: |_, _, body, _| {
        let body = body.whole()?;
        let found = find_ids(body.clone());
        for name in Self::META.ids {
            let count = found.iter().filter(|id| id.name == *name).count();
            if count > 1 {
                // Nothing shows which is right. The error contains all of them: `Error::salvaged_ids` (AT-95, AT-97).
                let detail = format!("the response contains {count} different values of {name}");
                return Err(Error::new(Kind::Protocol, detail));
            }
        }
        let (answer, notes) = super::read::<CreateIdentResponse>(&body)?;
        notes.require_once(&["result", "response_status"])?;
        let mut warnings = notes.warnings();
        let url = answer.conference_url.as_ref().map_or("", Secret::expose);
        let invalid = !url.is_empty() && WebUrl::parse(url).is_err();
        warnings.extend(Warning::when(invalid, "conference_url is not a valid URL; it is returned unchanged", "AT-99"));
        let message = "the conference_url does not contain the ident_id: it may belong to another ident";
        warnings.extend(Warning::when(is_url_of_another(&answer), message, "I-041"));
        let has_odd_id = answer.ident_id.as_ref().is_some_and(|id| {
            let id = id.expose();
            has_blank_ends(id) || id.contains(|c: char| c.is_whitespace() || c.is_control())
        });
        let message = "the ident_id has blanks or control characters, which are part of it: use it unchanged";
        warnings.extend(Warning::when(has_odd_id, message, "AI-15"));
        let explained = answer.messages.as_ref().is_some_and(reports_error);
        let failure = Warning::when(explained, "the vendor also reported an error", "AT-94");
        warnings.extend(failure.or_else(|| failure_beside_result(&answer.extra)));
        let message = "the response has another id beside the ident_id: it may belong to another ident";
        warnings.extend(Warning::when(has_another_id(&answer), message, "AT-95"));
        let named = answer.ident_id.as_ref().is_some_and(|id| can_be_new_id(id.expose()));
        let keep = |error: Error| error.with_vendor_text(super::excerpt(&body));
        match answer.accepted() {
            Ok(()) if named => Ok(Decoded::new(answer, warnings)),
            Ok(()) => Err(keep(Error::new(Kind::Protocol, "the response has no ident_id"))),
            // A rejection that names an ident contradicts itself. The driver looks for `Meta::ids`; these are other forms.
            Err(error) if hints_at_an_ident(&body) => {
                let detail = "the response rejects the ident but names one";
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

/// The different ids anywhere in a response.
fn find_ids(body: Bytes) -> Vec<FoundId> {
    RawResponse::new(StatusCode::OK, HeaderMap::new(), body, true).with_id_names(CreateIdent::META.ids).ids()
}

/// Whether the conference_url does not contain the ident_id (I-041).
fn is_url_of_another(answer: &CreateIdentResponse) -> bool {
    let (Some(id), Some(url)) = (&answer.ident_id, &answer.conference_url) else { return false };
    !is_url_of(url.expose(), id.expose())
}
