//! The vendor's calls, grouped by what they are about. Every one is pure: a request out, an answer in; and with the
//! feature `server` the other side of both.

/// Declares calls about one order, whose id is all that they send. Decoding and response are JSON by default.
macro_rules! order_calls {
    ($(
        $(#[$attribute:meta])*
        $name:ident: $meta:expr => $output:ty $(, decode: $decode:expr)? $(, respond: $respond:expr)?
    );+ $(;)?) => {$(
        identkit_wire::operation! {
            $(#[$attribute])*
            pub struct $name {
                /// The order.
                "OrderID" => order_id: crate::OrderId as (crate::OrderId::expose, crate::OrderId::received),
            }
            meta: $meta, output: $output, dialect: crate::Dialect,
            $(decode: $decode,)? respond: identkit_wire::operation!(@or [$($respond)?] super::respond::json),
        }
    )+};
}

mod documents;
mod files;
mod get_all_status;
mod get_ident_data;
mod ident_data_body;
mod misc;
mod order_state;
mod put_order;
mod recordings;
#[cfg(feature = "server")]
mod respond;
mod signing;
mod unread;

pub use documents::*;
pub use files::{FileStream, Streamed};
pub use get_all_status::*;
pub use get_ident_data::*;
pub use ident_data_body::*;
pub use misc::*;
pub use order_state::*;
pub use recordings::*;
pub use signing::*;
pub use unread::{Unread, UnreadList};

use http::Method;
use identkit_core::{Advice, Error, Kind};
use identkit_wire::{AmbiguityPolicy, BodyMode, Meta, Refusal, RetrySafety};

use crate::{OrderId, PROVIDER};

/// The most that a JSON answer may take (AT-79).
const JSON_CAP: u64 = 256 * 1024 * 1024;
const PDF_CAP: u64 = 1024 * 1024 * 1024;

const BAD_REQUEST: Refusal = Refusal::new(400, Kind::Rejected, "the vendor refused the request", Advice::FixInput);
const UNAUTHORIZED: Refusal = Refusal::new(
    401,
    Kind::Authentication,
    "the vendor does not accept customer id and customer code",
    Advice::CheckCredentials,
);
const NOT_FOUND: Refusal =
    Refusal::new(404, Kind::NotFound, "the vendor does not know an order of this id", Advice::DoNotRetry);

const fn wrong_state(status: u16, meaning: &'static str) -> Refusal {
    Refusal::new(status, Kind::InvalidState, meaning, Advice::ReadStatus)
}

const READ: &[Refusal] = &[BAD_REQUEST, UNAUTHORIZED, NOT_FOUND];

/// The description of a call that reads something of an order, in JSON by default.
const fn read(name: &'static str, path: &'static str, section: &'static str) -> Meta {
    Meta::new(PROVIDER, name, Method::GET, path, RetrySafety::Safe, AmbiguityPolicy::Retry(4))
        .section(section)
        .body_mode(BodyMode::Whole { cap: JSON_CAP })
        .refusals(READ)
}

/// Makes sure that an answer which names an order names the one that was asked for (AT-24).
fn about(asked: &OrderId, told: Option<&OrderId>) -> Result<(), Error> {
    match told {
        Some(told) if !told.expose().is_empty() && told != asked => {
            Err(Error::new(Kind::Integrity, "the answer is about another order than the one asked for"))
        }
        _ => Ok(()),
    }
}
