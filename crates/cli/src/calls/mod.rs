//! The calls of a provider as commands, made from their metadata: a provider in a crate of its own needs no code for its
//! commands.

mod arguments;
mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use identkit_core::{BoxFuture, CallOptions, Content, Error, Secret};
use identkit_mock_server::MockVendor;
use identkit_transport::{Observer, Response, Transport};
use identkit_wire::{Meta, Params};

pub(crate) use self::arguments::Arguments;
pub(crate) use self::run::run;

/// A provider whose calls are commands. Declared by [`calls!`].
#[derive(Debug)]
pub(crate) struct Provider {
    /// Name of the provider and of its command.
    pub(crate) name: &'static str,
    /// What the command does, for `--help`.
    pub(crate) about: &'static str,
    pub(crate) base_url: &'static str,
    /// Names of the credentials in options, e.g. `api-key`.
    pub(crate) credentials: &'static [&'static str],
    pub(crate) calls: &'static [Call],
    pub(crate) mock_vendor: fn() -> Box<dyn MockVendor>,
}

/// A response whose value is the result as the vendor would send it.
pub(crate) type Shown = Response<http::Response<Content>>;

/// A call of a provider.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) meta: &'static Meta,
    pub(crate) send: fn(Given) -> BoxFuture<'static, Result<Shown, Error>>,
}

/// What a command gives to its call.
#[cfg_attr(not(test), allow(dead_code, reason = "a call reads it, and a provider of this repository may have none"))]
pub(crate) struct Given {
    pub(crate) base_url: String,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// Each with its name.
    pub(crate) credentials: Vec<(&'static str, Secret)>,
    pub(crate) params: Params,
    /// The request as the vendor would receive it.
    pub(crate) request: Request<Bytes>,
    pub(crate) options: CallOptions,
}

#[cfg_attr(not(test), allow(dead_code, reason = "a provider in a crate of its own uses it"))]
impl Given {
    /// The credential with this name.
    pub(crate) fn credential(&self, name: &str) -> Secret {
        let found = self.credentials.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| Secret::new(""), |(_, value)| value.clone())
    }
}

/// Declares a [`Provider`]: its name, its description and base URL, its credentials, its client and the builder made of
/// them, its operations, and its mock vendor.
#[cfg_attr(not(test), allow(unused_macros, reason = "only providers in crates of their own use it"))]
macro_rules! calls {
    (
        $(#[$attribute:meta])*
        $visibility:vis static $provider:ident: $name:expr, $about:expr, $base_url:expr;
        credentials: [$($credential:ident = $option:literal),+];
        client: $client:ty = $builder:expr;
        operations: [$($operation:ty),+ $(,)?];
        mock_vendor: $vendor:expr;
    ) => {
        fn client(given: &$crate::calls::Given) -> ::std::result::Result<$client, ::identkit_core::Error> {
            $(let $credential = given.credential($option);)+
            let mut builder = $builder.base_url(given.base_url.as_str()).transport(given.transport.clone());
            if let ::std::option::Option::Some(observer) = given.observer.clone() {
                builder = builder.observer(observer);
            }
            builder.build()
        }

        $(#[$attribute])*
        $visibility static $provider: $crate::calls::Provider = $crate::calls::Provider {
            name: $name,
            about: $about,
            base_url: $base_url,
            credentials: &[$($option),+],
            calls: &[$($crate::calls::Call {
                meta: <$operation as ::identkit_wire::Operation>::META,
                send: |given| ::std::boxed::Box::pin(async move {
                    let client = client(&given)?;
                    let operation = <$operation as ::identkit_wire::ServedOperation>::decode_request(
                        &given.params,
                        &given.request,
                    )?;
                    let response = client.call(&operation, &given.options).await?;
                    response.try_map(<$operation as ::identkit_wire::ServedOperation>::encode_response)
                }),
            }),+],
            mock_vendor: $vendor,
        };
    };
}
#[cfg_attr(not(test), allow(unused_imports, reason = "only providers in crates of their own use it"))]
pub(crate) use calls;
