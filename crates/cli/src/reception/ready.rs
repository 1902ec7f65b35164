//! The ready line: the address, and the URLs to set at the vendors.

use std::net::SocketAddr;

use http::Uri;
use identkit_core::Secret;
use serde_json::{Map, Value, json};

use super::tokens::Tokens;
use crate::exit::Failure;
use crate::providers::WEBHOOKS;

/// The URL at which vendors reach a receiver, and the option that sets it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicUrl<'a> {
    /// The option.
    pub(crate) option: &'static str,
    /// The URL. `None`: that of the address.
    pub(crate) url: Option<&'a str>,
}

/// The addresses of the receiver.
pub(crate) struct Addresses {
    /// URL of the local address.
    local: String,
    /// URL at which the vendors reach it.
    base: Uri,
    /// The option from which that URL comes.
    option: &'static str,
}

impl Addresses {
    /// The addresses of a receiver, with the option for its public URL.
    pub(crate) fn new(address: SocketAddr, is_tls: bool, public: PublicUrl<'_>) -> Result<Self, Failure> {
        let local = format!("{}://{address}", if is_tls { "https" } else { "http" });
        let PublicUrl { option, url } = public;
        let base = parse(url.unwrap_or(&local), option)?;
        Ok(Self { local, base, option: if url.is_some() { option } else { "--listen" } })
    }

    /// URL of the local address.
    pub(crate) fn local(&self) -> &str {
        &self.local
    }

    /// URL at which the vendors reach the receiver.
    pub(crate) fn base(&self) -> &Uri {
        &self.base
    }

    /// Fails if no URL of a token can be made, e.g. because it would be longer than a vendor allows.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let token = Secret::new("x".repeat(TOKEN_LENGTH));
        self.urls(|_, _| Some(&token)).map(drop)
    }

    /// The ready line.
    pub(crate) fn line(&self, tokens: &Tokens) -> Result<Value, Failure> {
        let mut line = self.urls(|provider, event| tokens.get(provider, event))?;
        line.insert("listen".to_owned(), self.local.clone().into());
        Ok(line.into())
    }

    /// The member of each vendor with its webhook URLs.
    pub(crate) fn urls<'a>(
        &self,
        token: impl Fn(&str, &str) -> Option<&'a Secret>,
    ) -> Result<Map<String, Value>, Failure> {
        let mut members = Map::new();
        for webhooks in WEBHOOKS {
            let mut urls = json!({});
            for callback in (webhooks.callbacks)() {
                let Some(token) = token(callback.provider(), callback.name()) else { continue };
                let url = callback
                    .url_template(&self.base, token)
                    .map_err(|error| Failure::usage(format!("{} cannot be used: {}", self.option, error.detail())))?;
                match (webhooks.is_single, &mut urls) {
                    (false, Value::Object(urls)) => drop(urls.insert(callback.name().into(), url.expose().into())),
                    _ => urls = url.expose().into(),
                }
            }
            members.insert(webhooks.member.to_owned(), urls);
        }
        Ok(members)
    }
}

/// Parses a URL at which vendors reach a receiver, and checks that URLs with tokens can be made from it. `option` is where it
/// comes from.
pub(crate) fn check_base(url: &str, option: &'static str) -> Result<Uri, Failure> {
    let base = parse(url, option)?;
    Addresses { local: String::new(), base: base.clone(), option }.check()?;
    Ok(base)
}

fn parse(url: &str, option: &'static str) -> Result<Uri, Failure> {
    // A `Uri` is parsed without it.
    if url.contains('#') {
        return Err(Failure::usage(format!("{option} must not contain a fragment")));
    }
    url.parse().map_err(|error| Failure::usage(format!("{option} is not a valid URL: {error}")))
}

/// Length of the store's tokens.
const TOKEN_LENGTH: usize = 43;
