//! A vendor call: its client side, and its server side behind the feature `server`.

#[cfg(feature = "server")]
use bytes::Bytes;
use http::{HeaderMap, response};
#[cfg(feature = "server")]
use http::{Request, Response};
#[cfg(feature = "server")]
use identkit_core::Content;
use identkit_core::Error;
use serde::Serialize;

#[cfg(feature = "server")]
use crate::Params;
use crate::{Body, Decoded, Meta, Received, Warning, json};

/// An encoded request. The driver adds authentication, host and length.
#[non_exhaustive]
#[derive(Debug)]
pub struct Encoded {
    /// Headers.
    pub headers: HeaderMap,
    /// Body of known length.
    pub body: Body,
    /// Warnings of the encoder.
    pub warnings: Vec<Warning>,
}

impl Encoded {
    /// Creates a request.
    pub fn new(headers: HeaderMap, body: impl Into<Body>) -> Self {
        Self { headers, body: body.into(), warnings: Vec::new() }
    }

    /// Creates a request without a body. It has the Content-Type of JSON nevertheless.
    pub fn without_body() -> Self {
        Self::new(json::headers(), Body::empty())
    }

    /// Creates a request with a JSON body.
    ///
    /// # Errors
    /// Like [`json::write`].
    pub fn json<T: Serialize>(value: &T) -> Result<Self, Error> {
        Ok(Self::new(json::headers(), json::write(value)?))
    }

    /// Sets the warnings.
    #[must_use]
    pub fn with_warnings(mut self, warnings: Vec<Warning>) -> Self {
        self.warnings = warnings;
        self
    }
}

/// The client side of a vendor call, declared by [`operation!`](crate::operation): encodes requests, decodes responses.
///
/// No method has a default body, so that a hand-written implementation decides everything; `operation!` has defaults.
pub trait Operation: Send + Sync + Sized + 'static {
    /// Static description of the call.
    const META: &'static Meta;
    /// The decoded value.
    type Output: Send;
    /// Selects how the provider resolves ambiguities in the vendor's document.
    type Dialect: Send + Sync;

    /// Parameters of the path, by name.
    fn path_params(&self) -> Vec<(&'static str, &str)>;

    /// Validates and encodes the request.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) with all violations.
    fn encode(&self, dialect: &Self::Dialect) -> Result<Encoded, Error>;

    /// Decodes a response whose status is in [`Meta::expect`].
    ///
    /// # Errors
    /// [`Kind::Protocol`](identkit_core::Kind::Protocol) if the response does not match the document.
    fn decode(
        &self,
        head: &response::Parts,
        body: Received,
        dialect: &Self::Dialect,
    ) -> Result<Decoded<Self::Output>, Error>;
}

/// The server side of an operation, for a sandbox: decodes its requests and encodes its responses.
#[cfg(feature = "server")]
pub trait ServedOperation: Operation {
    /// Decodes a request whose path matches.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) if the request cannot be read; it names the field.
    fn decode_request(params: &Params, request: &Request<Bytes>) -> Result<Self, Error>;

    /// Encodes a successful response.
    ///
    /// # Errors
    /// If the value cannot be encoded.
    fn encode_response(output: Self::Output) -> Result<Response<Content>, Error>;
}

/// Declares an [`Operation`], and with `respond` its server side ([`ServedOperation`]), which is compiled with the
/// declaring crate's feature `server`.
///
/// The first form declares the type: a unit struct, or a struct whose fields are the parameters of the path, each with
/// the functions that write and read it. The second form is for an existing type. Its generics are in brackets after
/// `where`, and those of its server side after `request`. By default, `encode` sends no body, `decode` reads JSON, and
/// the path has no parameters (second form).
///
/// ```
/// use http::Method;
/// use identkit_wire::{AmbiguityPolicy, Encoded, Meta, Operation, RetrySafety, operation};
///
/// operation! {
///     /// Reads the name of a person.
///     pub struct GetName {
///         /// Its id.
///         "id" => id: String as (String::as_str, String::from),
///     }
///     meta: Meta::new(
///         "example", "getName", Method::GET, "/names/{id}", RetrySafety::Safe, AmbiguityPolicy::Retry(3),
///     ),
///     output: String, dialect: (),
/// }
///
/// #[derive(Debug)]
/// pub struct PutName(String);
///
/// operation! {
///     impl PutName;
///     meta: Meta::new(
///         "example", "putName", Method::PUT, "/names", RetrySafety::Creating, AmbiguityPolicy::Never,
///     ),
///     output: (), dialect: (),
///     encode: |this, _| Encoded::json(&this.0),
///     decode: |_, _, _, _| Ok(().into()),
/// }
///
/// assert_eq!(GetName::META.path(&GetName::new("7".to_owned()).path_params())?, "/names/7");
/// # Ok::<(), identkit_core::Error>(())
/// ```
#[macro_export]
macro_rules! operation {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $( $(#[$field_attribute:meta])* $key:literal => $field:ident: $type:ty as ($write:expr, $read:expr) ),+ $(,)?
        }
        meta: $meta:expr, output: $output:ty, dialect: $dialect:ty,
        $(encode: $encode:expr,)? $(decode: $decode:expr,)? $(respond: $respond:expr,)?
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $( $(#[$field_attribute])* pub $field: $type, )+
        }

        impl $name {
            /// Creates the call with these parameters.
            pub fn new($($field: $type),+) -> Self {
                Self { $($field),+ }
            }
        }

        $crate::operation! {
            impl $name;
            meta: $meta, output: $output, dialect: $dialect,
            params: |this| vec![$(($key, $write(&this.$field))),+],
            $(encode: $encode,)? $(decode: $decode,)?
        }

        $crate::operation! {
            @served $name, $output, [$($respond)?]
            |params, _| Ok(Self { $($field: $read(params.get($key).to_owned())),+ })
        }
    };
    (
        $(#[$attribute:meta])*
        pub struct $name:ident;
        meta: $meta:expr, output: $output:ty, dialect: $dialect:ty,
        $(encode: $encode:expr,)? $(decode: $decode:expr,)? $(respond: $respond:expr,)?
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        $crate::operation! {
            impl $name;
            meta: $meta, output: $output, dialect: $dialect,
            $(encode: $encode,)? $(decode: $decode,)?
        }

        $crate::operation! { @served $name, $output, [$($respond)?] |_, _| Ok(Self) }
    };
    (
        impl $name:ty $(where [$($generics:tt)+])?;
        meta: $meta:expr, output: $output:ty, dialect: $dialect:ty,
        $(params: $params:expr,)? $(encode: $encode:expr,)? $(decode: $decode:expr,)?
        $(request $([$($served:tt)+])?: $request:expr, respond: $respond:expr,)?
    ) => {
        impl $(<$($generics)+>)? $crate::Operation for $name {
            const META: &'static $crate::Meta = &$meta;
            type Output = $output;
            type Dialect = $dialect;

            fn path_params(&self) -> Vec<(&'static str, &str)> {
                let params: fn(&Self) -> Vec<(&'static str, &str)> = $crate::operation!(@or [$($params)?] |_| Vec::new());
                params(self)
            }

            fn encode(&self, dialect: &$dialect) -> Result<$crate::Encoded, $crate::private::CoreError> {
                let encode: fn(&Self, &$dialect) -> Result<$crate::Encoded, $crate::private::CoreError> =
                    $crate::operation!(@or [$($encode)?] |_, _| Ok($crate::Encoded::without_body()));
                encode(self, dialect)
            }

            fn decode(
                &self,
                head: &$crate::private::response::Parts,
                body: $crate::Received,
                dialect: &$dialect,
            ) -> Result<$crate::Decoded<$output>, $crate::private::CoreError> {
                let decode: $crate::private::Decode<Self> =
                    $crate::operation!(@or [$($decode)?] |_, _, body, _| $crate::json::decode(body));
                decode(self, head, body, dialect)
            }
        }

        $( $crate::operation! { @served $name, $output, [$respond $(, $($served)+)?] $request } )?
    };
    (@served $name:ty, $output:ty, [] $request:expr) => {};
    (@served $name:ty, $output:ty, [$respond:expr $(, $($served:tt)+)?] $request:expr) => {
        #[cfg(feature = "server")]
        impl $(<$($served)+>)? $crate::ServedOperation for $name {
            fn decode_request(
                params: &$crate::Params,
                request: &$crate::private::Request<$crate::private::Bytes>,
            ) -> Result<Self, $crate::private::CoreError> {
                let read: $crate::private::DecodeRequest<Self> = $request;
                read(params, request)
            }

            fn encode_response(
                output: $output,
            ) -> Result<$crate::private::Response<$crate::private::Content>, $crate::private::CoreError> {
                let write: $crate::private::EncodeResponse<$output> = $respond;
                write(output)
            }
        }
    };
    (@or [$given:expr] $default:expr) => { $given };
    (@or [] $default:expr) => { $default };
}
