//! The codec of identkit: what a vendor call is, without any input or output.
//!
//! An [`Operation`] turns a value into an HTTP request and an HTTP response into a value, and does the same from the
//! vendor's side for the sandbox. A [`Callback`] does it for inbound webhooks. Everything here is pure and synchronous.
//!
//! Invariants:
//! - Building an invalid request is an error that names field, rule and section before a byte exists.
//! - Reading accepts unknown fields and other shapes of the same thing.
//! - serde's own error text never leaves this crate: it quotes values. [`json`] keeps path, line, column and the
//!   expected type.

/// Implements `Debug` as this text, for a type whose content is not to be printed.
///
/// ```
/// struct Body(Vec<u8>);
/// identkit_wire::debug_as!(Body, |body| "Body({} bytes)", body.0.len());
/// assert_eq!(format!("{:?}", Body(vec![1, 2])), "Body(2 bytes)");
/// ```
#[macro_export]
macro_rules! debug_as {
    ($type:ty, |$this:ident| $($text:tt)+) => {
        impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let $this = self;
                ::std::write!(f, $($text)+)
            }
        }
    };
}

mod ascii;
mod body;
mod callback;
mod dates;
pub mod json;
mod message;
mod meta;
mod operation;
mod refusal;
mod response;
mod tolerant;

pub use ascii::holds_control;
pub use body::{Body, BodyReader, FileSource, MemorySource, Part, Source};
pub use callback::{Callback, CallbackPath};
pub use dates::Dts;
pub use message::{Extra, FieldPlace, FieldReader, Fill, Message};
#[cfg(feature = "server")]
pub use meta::Params;
pub use meta::{AmbiguityPolicy, BodyMode, Meta, Refusal, RetrySafety};
#[cfg(feature = "server")]
pub use operation::ServedOperation;
pub use operation::{Encoded, Operation};
pub use refusal::refusal;
pub use response::{Decoded, Received, Warning};
pub use tolerant::{
    Base64Error, Loose, OneOrMany, TextOrNumber, Tolerant, decode_base64, decode_base64_lenient, encode_base64,
    read_text,
};

/// What [`message!`] and [`operation!`] need of other crates; not for use by hand.
#[doc(hidden)]
pub mod private {
    pub use bytes::Bytes;
    pub use http::{Request, Response, response};
    pub use identkit_core::{Content, Error as CoreError};

    use crate::{Decoded, Operation, Received};

    type Dialect<Op> = <Op as Operation>::Dialect;
    type Output<Op> = <Op as Operation>::Output;

    pub type Decode<Op> = fn(&Op, &response::Parts, Received, &Dialect<Op>) -> Result<Decoded<Output<Op>>, CoreError>;
    #[cfg(feature = "server")]
    pub type DecodeRequest<Op> = fn(&crate::Params, &Request<Bytes>) -> Result<Op, CoreError>;
    #[cfg(feature = "server")]
    pub type EncodeResponse<T> = fn(T) -> Result<Response<Content>, CoreError>;

    pub use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess};
    pub use serde::ser::SerializeMap;
    pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
}
