//! `getIdentData` of an account whose results may be encrypted, [T 3.3]. The document names the option but not the
//! format (AT-70), so a body that is not the documented JSON is returned as received.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use identkit_core::{Error, Pii};
use identkit_wire::{Decoded, Operation, Received, Warning, json, operation};

use super::get_ident_data::decode_bytes;
use super::opaque::check_encrypted;
use super::refuse_no_result;
use crate::messages::IdentDataAnswer;
use crate::{Dialect, OrderId};

/// Decrypts results. The account and the vendor agree on the format.
pub trait Decryptor: Send + Sync {
    /// Decrypts a response body with this Content-Type to JSON.
    ///
    /// # Errors
    /// If the bytes cannot be decrypted. The error must not quote them.
    fn decrypt(&self, bytes: &[u8], content_type: Option<&str>) -> Result<Pii<Vec<u8>>, Error>;
}

/// The result of an identification, possibly encrypted.
#[derive(Clone, PartialEq)]
pub enum IdentDataBody {
    /// JSON as documented.
    Json(Box<IdentDataAnswer>),
    /// Another form, which can be an encrypted result: binary, Base64, PEM, an envelope. Words, `null`, truncated JSON, text
    /// in another encoding than UTF-8, and files such as videos are errors.
    Opaque {
        /// Body as received.
        bytes: Bytes,
        /// Content-Type of the response.
        content_type: Option<String>,
    },
}

impl fmt::Debug for IdentDataBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(answer) => f.debug_tuple("Json").field(answer).finish(),
            // The Content-Type is left out: its parameters are arbitrary.
            Self::Opaque { bytes, .. } => write!(f, "Opaque({} bytes)", bytes.len()),
        }
    }
}

impl IdentDataBody {
    /// Returns the result, decrypted if necessary, with the same checks and warnings as a response in JSON.
    ///
    /// # Errors
    /// The decryptor's; [`Kind::Protocol`](identkit_core::Kind::Protocol) if the decrypted bytes are not the documented
    /// JSON; [`Kind::Integrity`](identkit_core::Kind::Integrity) if they are about another order.
    pub fn open(self, order: &OrderId, decryptor: &dyn Decryptor) -> Result<(IdentDataAnswer, Vec<Warning>), Error> {
        let (bytes, content_type) = match self {
            Self::Json(answer) => return Ok((*answer, Vec::new())),
            Self::Opaque { bytes, content_type } => (bytes, content_type),
        };
        let decrypted = decryptor.decrypt(&bytes, content_type.as_deref())?;
        read_decrypted(decrypted.expose(), order).map(|decoded| (decoded.value, decoded.warnings))
    }

    /// Returns the bytes of the result, decrypted if necessary, after the checks of [`open`](Self::open). `received` are
    /// those of the response.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_bytes(
        self,
        received: Bytes,
        order: &OrderId,
        decryptor: &dyn Decryptor,
    ) -> Result<Bytes, Error> {
        let Self::Opaque { bytes, content_type } = self else { return Ok(received) };
        let decrypted = decryptor.decrypt(&bytes, content_type.as_deref())?;
        read_decrypted(decrypted.expose(), order)?;
        Ok(Bytes::copy_from_slice(decrypted.expose()))
    }
}

fn read_decrypted(bytes: &[u8], order: &OrderId) -> Result<Decoded<IdentDataAnswer>, Error> {
    decode_bytes(order, bytes)
}

/// Makes a call and returns its body beside the result. What is archived must be the vendor's bytes: JSON that is read and
/// written again loses digits of large numbers, repeated members and the sequence of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AsReceived<Op>(pub(crate) Op);

operation! {
    impl AsReceived<Op> where [Op: Operation<Dialect = Dialect>];
    meta: *Op::META, output: (Op::Output, Bytes), dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |this, head, body, dialect| {
        let bytes = body.whole()?;
        let Decoded { value, warnings, .. } = this.0.decode(head, Received::Whole(bytes.clone()), dialect)?;
        Ok(Decoded::new((value, bytes), warnings))
    },
}

/// Reads any form of `getIdentData` as [`IdentDataBody`]. Example: `MaybeEncrypted(GetIdentData::new(id))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaybeEncrypted<Op>(pub Op);

operation! {
    impl MaybeEncrypted<Op> where [Op: Operation<Output = IdentDataAnswer, Dialect = Dialect>];
    meta: *Op::META, output: IdentDataBody, dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |this, head, body, dialect| {
        let bytes = body.whole()?;
        if !is_documented(&bytes) {
            refuse_no_result(head, &bytes, "a result")?;
            super::require_end(head)?;
            let order_id = this.0.path_params().into_iter().find(|(name, _)| *name == "OrderID");
            let order_id = OrderId::new(order_id.map_or("", |(_, id)| id));
            let detail = "the response is neither the documented result nor an encrypted one";
            check_encrypted(&order_id, &bytes, detail)?;
            let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
            return Ok(IdentDataBody::Opaque { bytes, content_type }.into());
        }
        let Decoded { value, warnings, .. } = this.0.decode(head, Received::Whole(bytes), dialect)?;
        Ok(Decoded::new(IdentDataBody::Json(Box::new(value)), warnings))
    },
    request[Op: identkit_wire::ServedOperation<Output = IdentDataAnswer, Dialect = Dialect>]:
        |params, request| Op::decode_request(params, request).map(Self),
    respond: |output| match output {
        IdentDataBody::Json(answer) => Op::encode_response(*answer),
        IdentDataBody::Opaque { bytes, content_type } => {
            let mut response = http::Response::new(identkit_core::Content::from_bytes(bytes));
            if let Some(value) = content_type.and_then(|text| text.parse().ok()) {
                response.headers_mut().insert(CONTENT_TYPE, value);
            }
            Ok(response)
        }
    },
}

/// Whether the bytes are JSON with at least one documented element, or `{}`. Other objects are envelopes, e.g. JWE, which
/// would otherwise be read as a result without data.
fn is_documented(bytes: &[u8]) -> bool {
    json::read_answer::<IdentDataAnswer>(bytes).is_ok_and(|(mut answer, _)| {
        let extra = std::mem::take(&mut answer.extra);
        if answer != IdentDataAnswer::default() || extra.is_empty() {
            return true;
        }
        answer.extra = extra;
        answer.find_identified()
    })
}
