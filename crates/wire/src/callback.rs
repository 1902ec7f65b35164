//! Inbound webhooks as data.
//!
//! Neither vendor signs its webhooks, so the URL carries an unguessable token. Its form is one convention for all
//! providers: `<base>/<provider>/<token>/<event>`, then whatever query the provider needs.

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Uri, request};
use identkit_core::{Error, Event, Kind, Secret};

/// One webhook of a vendor: recognise it, read it, and (for the sandbox) make it.
pub trait Callback: Send + Sync + fmt::Debug {
    /// Name of the provider, e.g. `identity-tm`; the path segment before the token.
    fn provider(&self) -> &'static str;

    /// The vendor's name for the event, e.g. `OnFinal`; the path segment after the token.
    fn name(&self) -> &'static str;

    /// The URL to give to the vendor, with the vendor's own placeholders.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when it breaks a rule of the vendor, its length for one.
    fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error>;

    /// Whether a request under this callback's path has the method and form of it.
    fn recognize(&self, head: &request::Parts) -> bool;

    /// Reads the request.
    ///
    /// # Errors
    /// [`Kind::Protocol`] when it is not what the document describes, in any of its readings.
    fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error>;

    /// The vendor's side: the request that delivers the event to a URL made by [`url_template`](Self::url_template).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the template is no URL once its placeholders are filled in.
    fn emit(&self, template: &str, method: &Method, event: &Event) -> Result<Request<Bytes>, Error>;
}

/// The parts of a webhook's path.
#[derive(Debug, PartialEq, Eq)]
pub struct CallbackPath<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// The unguessable token.
    pub token: Secret,
    /// The vendor's name for the event.
    pub event: &'a str,
}

impl<'a> CallbackPath<'a> {
    /// The last three segments of the path.
    pub fn of(path: &'a str) -> Option<Self> {
        let mut from_the_end = path.trim_end_matches('/').rsplit('/');
        let (event, token, provider) = (from_the_end.next()?, from_the_end.next()?, from_the_end.next()?);
        if event.is_empty() || token.is_empty() || provider.is_empty() {
            return None;
        }
        Some(Self { provider, token: Secret::new(token), event })
    }

    /// The URL for these parts below a base.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the base has no scheme or host, or the token is not made of unreserved characters.
    pub fn url(base: &Uri, provider: &str, token: &Secret, event: &str) -> Result<String, Error> {
        let (Some(scheme), Some(authority)) = (base.scheme_str(), base.authority()) else {
            return Err(Error::new(
                Kind::InvalidInput,
                "the base URL of the webhook receiver needs a scheme and a host",
            ));
        };
        let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        if token.is_empty() || !token.expose().chars().all(unreserved) {
            return Err(Error::new(
                Kind::InvalidInput,
                "the token of a webhook may hold letters, digits and -_.~ only",
            ));
        }
        let prefix = base.path().trim_end_matches('/');
        Ok(format!("{scheme}://{authority}{prefix}/{provider}/{}/{event}", token.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_from_the_url_it_made() {
        let base = Uri::from_static("https://example.com/hooks/");
        let url = CallbackPath::url(&base, "identity-tm", &Secret::new("t0k-en_"), "OnFinal").unwrap();
        assert_eq!(url, "https://example.com/hooks/identity-tm/t0k-en_/OnFinal");
        let uri: Uri = url.parse().unwrap();
        let path = CallbackPath::of(uri.path()).unwrap();
        assert_eq!((path.provider, path.token.expose(), path.event), ("identity-tm", "t0k-en_", "OnFinal"));
        assert!(!format!("{path:?}").contains("t0k-en_"));
    }

    #[test]
    fn a_token_that_would_change_the_path_is_refused() {
        let base = Uri::from_static("https://example.com");
        for token in ["", "a/b", "a?b", "a b", "ä"] {
            assert!(CallbackPath::url(&base, "p", &Secret::new(token), "e").is_err(), "{token}");
        }
        assert!(CallbackPath::url(&Uri::from_static("/x"), "p", &Secret::new("t"), "e").is_err());
        assert!(CallbackPath::of("/a/b").is_none());
        assert!(CallbackPath::of("/a//b").is_none());
    }
}
