//! `getIdentData`, [T 3.3]: the result of an identification, in its JSON variants; and in an opaque form, to be used
//! again in a later order, [T 6].

use bytes::Bytes;
use identkit_core::{Error, Kind, Secret};
use identkit_wire::{Decoded, Received, Warning, debug_as, json};

use super::{about, read};
use crate::OrderId;
use crate::messages::{IdentData, IdentDataAnswer};

/// The signed and encrypted result, exactly as it came: store these bytes and nothing else (AT-71).
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIdentData(pub Bytes);

debug_as!(SignedIdentData, |data| "SignedIdentData({} bytes)", data.0.len());

impl SignedIdentData {
    /// The text for `IdentDataSigned` of a new order: the string of a JSON literal, else the bytes as UTF-8 (AT-71).
    ///
    /// # Errors
    /// [`Kind::Integrity`] when it is neither.
    pub fn for_reuse(&self) -> Result<Secret, Error> {
        if self.0.first() == Some(&b'"')
            && let Ok(text) = json::read::<Secret>(&self.0)
        {
            return Ok(text);
        }
        let text = std::str::from_utf8(&self.0).map_err(|_| {
            Error::new(Kind::Integrity, "the stored identification is not the text that the vendor sent")
        })?;
        Ok(Secret::new(text))
    }
}

/// Reads the answer and makes sure that it is about the order that was asked for (AT-24).
fn decode(order_id: &OrderId, body: Received) -> Result<Decoded<IdentDataAnswer>, Error> {
    judged(order_id, json::decode(body)?.value)
}

/// What an answer is worth, however its JSON came.
pub(crate) fn judged(order_id: &OrderId, mut value: IdentDataAnswer) -> Result<Decoded<IdentDataAnswer>, Error> {
    about(order_id, value.order_id.as_ref())?;
    let found = value.find_identified();
    let unset = |data: &IdentData| {
        data.id_card.as_ref().is_some_and(|card| {
            (card.valid_until.is_some() && data.card_valid_until().is_none())
                || (card.date_of_issue.is_some() && data.card_date_of_issue().is_none())
        })
    };
    let unset = value.initial().is_some_and(unset);
    let noticed = [
        Warning::when(found, "the time of identification came under a name that is not documented", "AT-01"),
        Warning::when(unset, "1970-01-01 in the initial data stands for a date that was not given", "AT-25"),
    ];
    Ok(Decoded::new(value, noticed.into_iter().flatten().collect()))
}

order_calls! {
    /// The checked data.
    GetIdentData: read("getIdentData", "/getIdentData/{OrderID}", "[T] 3.3") => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body);

    /// The checked data, and the data given to putOrder.
    GetIdentDataInitial:
        read("getIdentData/IncludeInitialData", "/getIdentData/{OrderID}/IncludeInitialData", "[T] 3.3")
        => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body);

    /// The checked data, and how the person was identified.
    GetIdentDataMethod:
        read("getIdentData/IncludeIdentifyMethod", "/getIdentData/{OrderID}/IncludeIdentifyMethod", "[T] 3.3")
        => IdentDataAnswer,
    decode: |this, _, body, _| decode(&this.order_id, body);

    /// The result in the form for later use. The account must be enabled for it.
    GetIdentDataSigned: read("getIdentData/Signed", "/getIdentData/{OrderID}/Signed", "[T] 3.3") => SignedIdentData,
    decode: |_, _, body, _| {
        let bytes = body.whole()?;
        if bytes.is_empty() {
            return Err(Error::new(Kind::Protocol, "the answer is empty"));
        }
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
    fn at_71_the_stored_form_is_used_again_as_it_came() {
        let unfinished = SignedIdentData(Bytes::from(r#""abc"#));
        assert_eq!(unfinished.for_reuse().unwrap().expose(), r#""abc"#);
        assert!(SignedIdentData(Bytes::from_static(&[0xff])).for_reuse().is_err());
    }
}
