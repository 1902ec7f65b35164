//! The vendor's calls, one file each. Every one is pure: a request out, an answer in, and the sandbox's twin of both.

mod cancel_order;
mod del_ident_data;
mod files;
mod get_all_status;
mod get_e_sign_hash;
mod get_e_sign_pdf;
mod get_ident_data;
mod get_ident_data_pdf;
mod get_ident_data_signed;
mod get_status;
mod get_voice_files;
mod ident_data_body;
mod misc;
mod put_order;
mod server_status;
mod signing;
mod unread;
mod video;

pub use cancel_order::CancelOrder;
pub use del_ident_data::DelIdentData;
pub use files::{FileStream, Streamed};
pub use get_all_status::{DrainUnreported, DrainUnreportedExtended, GetAllStatus, GetAllStatusExtended};
pub use get_e_sign_hash::GetESignHash;
pub use get_e_sign_pdf::{GetESignPdf, SignedPdfs};
pub use get_ident_data::{GetIdentData, GetIdentDataInitial, GetIdentDataMethod};
pub use get_ident_data_pdf::GetIdentDataPdf;
pub use get_ident_data_signed::{GetIdentDataSigned, SignedIdentData};
pub use get_status::{GetStatus, GetStatusExtended};
pub use get_voice_files::GetVoiceFiles;
pub use ident_data_body::{Decryptor, IdentDataBody, MaybeEncrypted};
pub use misc::{CheckSignmeUser, GetBankList};
pub use server_status::ServerStatus;
pub use signing::{ConfirmSign, RequestResendSignTan, RequestSign};
pub use unread::{Unread, UnreadList};
pub use video::{GetVideo, RequestVideo, Video};

use http::response;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::{Body, Encoded, Params, Received, Refusal, json};
use serde::de::DeserializeOwned;

use crate::OrderId;

/// The most that a JSON answer may take (AT-79).
pub(crate) const JSON_CAP: u64 = 256 * 1024 * 1024;
/// The most that a PDF may take.
pub(crate) const PDF_CAP: u64 = 1024 * 1024 * 1024;

pub(crate) const BAD_REQUEST: Refusal =
    Refusal { status: 400, kind: Kind::Rejected, meaning: "the vendor refused the request", advice: Advice::FixInput };
pub(crate) const UNAUTHORIZED: Refusal = Refusal {
    status: 401,
    kind: Kind::Authentication,
    meaning: "the vendor does not accept customer id and customer code",
    advice: Advice::CheckCredentials,
};
pub(crate) const NOT_FOUND: Refusal = Refusal {
    status: 404,
    kind: Kind::NotFound,
    meaning: "the vendor does not know an order of this id",
    advice: Advice::DoNotRetry,
};

/// The documented refusals of nearly every read.
pub(crate) const READ: &[Refusal] = &[BAD_REQUEST, UNAUTHORIZED, NOT_FOUND];

/// A request without a body.
pub(crate) fn bodyless() -> Encoded {
    Encoded { headers: json::headers(), body: Body::empty(), warnings: Vec::new() }
}

/// Reads a whole JSON answer.
pub(crate) fn read_json<T: DeserializeOwned>(_: &response::Parts, body: Received) -> Result<T, Error> {
    json::read(&body.whole()?).map_err(json::JsonFault::answer)
}

/// Makes sure that an answer which names an order names the one that was asked for (AT-24).
pub(crate) fn about(asked: &OrderId, told: Option<&OrderId>) -> Result<(), Error> {
    match told {
        Some(told) if !told.expose().is_empty() && told != asked => {
            Err(Error::new(Kind::Integrity, "the answer is about another order than the one asked for"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn order_id(params: &Params) -> OrderId {
    OrderId::received(params.get("OrderID"))
}

/// Declares an operation that names an order in its path and has no request body.
macro_rules! order_operation {
    (
        $(#[$meta:meta])*
        $name:ident, $method:ident $path:literal, name: $vendor:literal, section: $section:literal,
        safety: $safety:expr, ambiguous: $ambiguous:expr, expect: $expect:expr, reply: $reply:expr,
        refusals: $refusals:expr, output: $output:ty,
        decode: $decode:expr, encode: $encode:expr
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The order.
            pub order_id: $crate::OrderId,
        }

        impl $name {
            /// The call for this order.
            pub fn new(order_id: $crate::OrderId) -> Self {
                Self { order_id }
            }
        }

        impl identkit_wire::Operation for $name {
            const META: &'static identkit_wire::Meta = &identkit_wire::Meta {
                name: $vendor,
                provider: $crate::PROVIDER,
                method: http::Method::$method,
                path: $path,
                section: $section,
                safety: $safety,
                on_ambiguous: $ambiguous,
                expect: $expect,
                reply: $reply,
                refusals: $refusals,
            };
            type Output = $output;
            type Dialect = $crate::Dialect;

            fn path_params(&self) -> Vec<(&'static str, &str)> {
                vec![("OrderID", self.order_id.expose())]
            }

            fn encode(&self, _: &$crate::Dialect) -> Result<identkit_wire::Encoded, identkit_core::Error> {
                Ok($crate::operations::bodyless())
            }

            fn decode(
                &self,
                head: &http::response::Parts,
                body: identkit_wire::Received,
                _: &$crate::Dialect,
            ) -> Result<identkit_wire::Decoded<$output>, identkit_core::Error> {
                #[allow(clippy::redundant_closure_call)]
                ($decode)(self, head, body)
            }

            fn decode_request(
                params: &identkit_wire::Params,
                _: &http::Request<bytes::Bytes>,
            ) -> Result<Self, identkit_core::Error> {
                Ok(Self { order_id: $crate::operations::order_id(params) })
            }

            fn encode_response(output: $output) -> Result<http::Response<identkit_core::Content>, identkit_core::Error> {
                #[allow(clippy::redundant_closure_call)]
                ($encode)(output)
            }
        }
    };
}
pub(crate) use order_operation;
