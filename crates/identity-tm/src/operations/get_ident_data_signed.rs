//! `getIdentData/…/Signed`, [T 3.3] and [T 6]: an opaque form of the result, to be used again in a later order.

use bytes::Bytes;
#[cfg(feature = "server")]
use http::HeaderValue;
#[cfg(feature = "server")]
use identkit_core::Content;
use identkit_core::{Error, Kind, Secret};
use identkit_wire::{debug_as, json};

use super::read;

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

order_calls! {
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
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        super::respond::content(Content::from_bytes(output.0), text)
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
