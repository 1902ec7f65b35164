//! `getIdentData`, [T 3.3]: the result of an identification as JSON, or in an opaque form for reuse in a later order,
//! [T 6].

use bytes::Bytes;
use identkit_core::{Error, Kind, Secret};
use identkit_wire::json::{self, Notes};
use identkit_wire::{Decoded, Received, Warning, debug_as, failure_beside_result};

use super::opaque::{check_order, read_signed};
use super::{check_named_order, check_one_order, check_order_id, read, refuse_no_result, require, unnamed_order};
use crate::OrderId;
use crate::messages::{IdentData, IdentDataAnswer, has_different_times};

/// The signed and encrypted result, as received. Store these bytes unchanged (AT-71).
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIdentData(pub Bytes);

debug_as!(SignedIdentData, |data| "SignedIdentData({} bytes)", data.0.len());

impl SignedIdentData {
    /// Returns the text for `IdentDataSigned` of a new order: the value of a JSON string, otherwise the bytes as UTF-8
    /// (AT-71).
    ///
    /// # Errors
    /// [`Kind::Integrity`] if the bytes are neither, or cannot be the signed form, e.g. an error page. A response with such
    /// bytes is rejected by the same rule.
    pub fn for_reuse(&self) -> Result<Secret, Error> {
        // The vendor would identify the person again without a word (AT-72).
        read_signed(&self.0).map_err(|why| Error::new(Kind::Integrity, format!("the stored identification {why}")))
    }
}

/// Decodes a response and checks it.
fn decode(order_id: &OrderId, body: Received) -> Result<Decoded<IdentDataAnswer>, Error> {
    decode_bytes(order_id, &body.whole()?)
}

/// Decodes the bytes of a response and checks it.
pub(crate) fn decode_bytes(order_id: &OrderId, bytes: &[u8]) -> Result<Decoded<IdentDataAnswer>, Error> {
    let (value, notes) = json::read_answer(bytes).map_err(json::JsonFault::answer)?;
    let mut decoded = check(order_id, value, notes)?;
    let message = "the time of identification has several names with different values; one of them was used";
    let different = decoded.value.identified.is_some() && has_different_times(bytes);
    decoded.warnings.extend(Warning::when(different, message, "AT-01"));
    Ok(decoded)
}

/// Checks that the response is about the requested order (AT-24), and adds warnings.
fn check(order_id: &OrderId, mut value: IdentDataAnswer, mut notes: Notes) -> Result<Decoded<IdentDataAnswer>, Error> {
    notes.require_once(&["IdentData"])?;
    // The Type says whether the data is checked.
    notes.require_spelling(&["IdentData", "Type"])?;
    check_one_order(&notes)?;
    check_order_id(order_id, value.order_id.as_ref())?;
    check_named_order(order_id, &value.extra)?;
    // Without data of a person it counts as absent.
    let present = value.ident_data.as_ref().filter(|data| !data.as_slice().iter().all(IdentData::is_empty));
    let entries = require(present, "IdentData")?.as_slice();
    entries.iter().try_for_each(|data| check_named_order(order_id, &data.extra))?;
    let is_typed = |data: &IdentData| matches!(data.kind, Some(1 | 2)) || (data.kind.is_none() && entries.len() == 1);
    let untyped = !entries.iter().all(is_typed);
    let repeated = [1, 2].iter().any(|kind| entries.iter().filter(|data| data.kind == Some(*kind)).count() > 1);
    let has_empty = entries.iter().any(IdentData::is_empty);
    let misspelled = value.find_identified();
    if misspelled {
        notes.accept_spelling("Identified");
    }
    let unset = |data: &IdentData| {
        data.id_card.as_ref().is_some_and(|card| {
            (card.valid_until.is_some() && data.card_valid_until().is_none())
                || (card.date_of_issue.is_some() && data.card_date_of_issue().is_none())
        })
    };
    let unset = value.initial().is_some_and(unset);
    let unchecked = value.checked().is_none() && !untyped && (!repeated || has_empty);
    let warnings = [
        Warning::when(unchecked, "the response contains no checked data of the person", "AT-23"),
        failure_beside_result(&value.extra),
        Warning::when(untyped, "an entry of IdentData is neither of Type 1 nor 2: it is not the checked data", "AT-23"),
        Warning::when(repeated, "several entries of IdentData have the same Type: compare them", "AT-23"),
        Warning::when(misspelled, "the time of identification has an undocumented element name", "AT-01"),
        Warning::when(unset, "1970-01-01 in the initial data means that the date is unknown", "AT-25"),
        unnamed_order(value.order_id.as_ref()),
    ];
    Ok(Decoded::new(value, notes.warnings().into_iter().chain(warnings.into_iter().flatten()).collect()))
}

order_calls! {
    /// Reads the checked data.
    GetIdentData: read("getIdentData", "/getIdentData/{OrderID}", "[T] 3.3") => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body);

    /// Reads the checked data and the data sent with putOrder.
    GetIdentDataInitial:
        read("getIdentData/IncludeInitialData", "/getIdentData/{OrderID}/IncludeInitialData", "[T] 3.3")
        => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body);

    /// Reads the checked data and how the person was identified.
    GetIdentDataMethod:
        read("getIdentData/IncludeIdentifyMethod", "/getIdentData/{OrderID}/IncludeIdentifyMethod", "[T] 3.3")
        => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body);

    /// Reads the result in the form for later use. The account must be enabled for it.
    GetIdentDataSigned: read("getIdentData/Signed", "/getIdentData/{OrderID}/Signed", "[T] 3.3") => SignedIdentData,
    decode: |this, head, body, _| {
        let bytes = body.whole()?;
        refuse_no_result(head, &bytes, "a result")?;
        super::require_end(head)?;
        check_order(&this.order_id, &bytes)?;
        read_signed(&bytes).map_err(|why| Error::new(Kind::Protocol, format!("the response {why}")))?;
        Ok(SignedIdentData(bytes).into())
    },
    respond: |output| {
        let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
        super::respond::content(identkit_core::Content::from_bytes(output.0), text)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_71_text_that_is_not_a_json_string_is_reused_as_is() {
        let text = " b3BhcXVlLXNpZ25lZA==\n";
        assert_eq!(SignedIdentData(Bytes::from(text)).for_reuse().unwrap().expose(), text);
        let page = "<html>an error page without data</html>";
        let others =
            ["", " \n", r#"" ""#, page, r#"{"Error":"QUJDREVGR0hJSktMTU5P"}"#, "Bad Gateway, try later", r#""abc"#];
        for other in others.map(str::as_bytes).into_iter().chain([&b"\xff"[..]]) {
            assert!(SignedIdentData(Bytes::from(other)).for_reuse().is_err(), "{other:?}");
        }
    }
}
