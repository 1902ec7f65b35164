//! `getIdentData` of an account whose results may come encrypted, [T 3.3]: the document names the option and no format
//! (AT-70), so that what is no JSON of ours is handed on as it came.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use identkit_core::{Error, Kind, Pii};
use identkit_wire::{Decoded, Operation, Received, Warning, json, operation};

use super::get_ident_data::judged;
use crate::messages::IdentDataAnswer;
use crate::{Dialect, OrderId};

/// Opens results that come encrypted. The format is agreed upon between the account and the vendor.
pub trait Decryptor: Send + Sync {
    /// The JSON inside of the bytes, which came under this Content-Type.
    ///
    /// # Errors
    /// When they cannot be opened; the error must quote nothing of them.
    fn decrypt(&self, bytes: &[u8], content_type: Option<&str>) -> Result<Pii<Vec<u8>>, Error>;
}

/// The result of an identification as it came.
#[derive(Clone, PartialEq)]
pub enum IdentDataBody {
    /// JSON as the document describes it.
    Json(Box<IdentDataAnswer>),
    /// Something else: most likely encrypted.
    Opaque {
        /// Exactly what came.
        bytes: Bytes,
        /// Its Content-Type.
        content_type: Option<String>,
    },
}

impl fmt::Debug for IdentDataBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(answer) => f.debug_tuple("Json").field(answer).finish(),
            // A Content-Type may carry parameters of any kind.
            Self::Opaque { bytes, .. } => write!(f, "Opaque({} bytes)", bytes.len()),
        }
    }
}

impl IdentDataBody {
    /// The result itself; opened first, if need be. What an answer in JSON is checked for, this is checked for too.
    ///
    /// # Errors
    /// The decryptor's; [`Kind::Protocol`] when what it made is no answer of the vendor's; [`Kind::Integrity`] when it
    /// is about another order.
    pub fn open(self, order: &OrderId, decryptor: &dyn Decryptor) -> Result<(IdentDataAnswer, Vec<Warning>), Error> {
        let (bytes, content_type) = match self {
            Self::Json(answer) => return Ok((*answer, Vec::new())),
            Self::Opaque { bytes, content_type } => (bytes, content_type),
        };
        let opened = decryptor.decrypt(&bytes, content_type.as_deref())?;
        let answer = json::read(opened.expose()).map_err(json::JsonFault::answer)?;
        judged(order, answer).map(|decoded| (decoded.value, decoded.warnings))
    }
}

/// Any form of `getIdentData`, read as [`IdentDataBody`]: `MaybeEncrypted(GetIdentData::new(id))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaybeEncrypted<Op>(pub Op);

operation! {
    impl MaybeEncrypted<Op> where [Op: Operation<Output = IdentDataAnswer, Dialect = Dialect>];
    meta: *Op::META, output: IdentDataBody, dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |this, head, body, dialect| {
        let bytes = body.whole()?;
        if bytes.is_empty() {
            return Err(Error::new(Kind::Protocol, "the answer is empty"));
        }
        if !is_ours(&bytes) {
            let content_type = head.headers.get(CONTENT_TYPE).and_then(|told| told.to_str().ok()).map(str::to_owned);
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
            if let Some(told) = content_type.and_then(|told| told.parse().ok()) {
                response.headers_mut().insert(CONTENT_TYPE, told);
            }
            Ok(response)
        }
    },
}

/// Whether the bytes read as an answer that holds an element of ours. An object without any is an envelope of somebody
/// else's, JWE for one, and would otherwise pass for a result without data.
fn is_ours(bytes: &[u8]) -> bool {
    json::read::<IdentDataAnswer>(bytes).is_ok_and(|mut answer| {
        let extra = std::mem::take(&mut answer.extra);
        if answer != IdentDataAnswer::default() || extra.is_empty() {
            return true;
        }
        answer.extra = extra;
        answer.find_identified()
    })
}
