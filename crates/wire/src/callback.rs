//! Inbound webhooks as data.
//!
//! No vendor signs its webhooks, so the URL contains an unguessable token. All providers use one form of URL:
//! `<base>/<provider>/<token>/<event>`, followed by the query that the provider needs.

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Uri, request};
use identkit_core::{Error, Event, Kind, Secret};

use crate::url::WebUrl;

/// A webhook of a vendor: recognizes and parses its requests and, for the sandbox, creates them.
pub trait Callback: Send + Sync + fmt::Debug {
    /// Name of the provider, e.g. `identity-tm`: the path segment before the token.
    fn provider(&self) -> &'static str;

    /// The vendor's name of the event, e.g. `OnFinal`: the path segment after the token.
    fn name(&self) -> &'static str;

    /// Returns the URL to configure at the vendor, with the vendor's placeholders.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if `base` or `token` is unusable, or the URL breaks a rule of the vendor (its length).
    fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error>;

    /// Whether a request to this callback's path has its method and form.
    fn recognize(&self, head: &request::Parts) -> bool;

    /// Parses the request.
    ///
    /// # Errors
    /// [`Kind::Protocol`] if the request does not match the document in any of its interpretations.
    fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error>;

    /// Creates the vendor's request that delivers the event to a URL of [`url_template`](Self::url_template).
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the template with its placeholders replaced is not a valid URL.
    fn emit(&self, template: &str, method: &Method, event: &Event) -> Result<Request<Bytes>, Error>;
}

/// Parsed path of a webhook.
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub struct CallbackPath<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// The unguessable token.
    pub token: Secret,
    /// The vendor's name of the event.
    pub event: &'a str,
}

impl<'a> CallbackPath<'a> {
    /// Parses the last three segments of a path; `None` if one is missing or empty.
    pub fn parse(path: &'a str) -> Option<Self> {
        let mut reversed = path.trim_end_matches('/').rsplit('/');
        let (event, token, provider) = (reversed.next()?, reversed.next()?, reversed.next()?);
        if event.is_empty() || token.is_empty() || provider.is_empty() {
            return None;
        }
        Some(Self { provider, token: Secret::new(token), event })
    }

    /// Returns the URL of these parts below `base`.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the base is not an http or https URL, or has a query, or if the token is empty or has
    /// reserved characters.
    pub fn url(base: &Uri, provider: &str, token: &Secret, event: &str) -> Result<String, Error> {
        let refuse = |rule: &dyn std::fmt::Display| {
            Error::new(Kind::InvalidInput, format!("the base URL of the webhook receiver {rule}"))
        };
        let root = base.to_string();
        WebUrl::parse(&root).map_err(|fault| refuse(&fault))?;
        if base.query().is_some() {
            return Err(refuse(&"must not have a query"));
        }
        let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        if token.is_empty() || !token.expose().chars().all(unreserved) {
            return Err(Error::new(
                Kind::InvalidInput,
                "the token of a webhook must consist of letters, digits and -_.~",
            ));
        }
        Ok(format!("{}/{provider}/{}/{event}", root.trim_end_matches('/'), token.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_parses_back_to_its_parts() {
        let base = Uri::from_static("https://example.com/hooks/");
        let url = CallbackPath::url(&base, "identity-tm", &Secret::new("t0k-en_"), "OnFinal").unwrap();
        assert_eq!(url, "https://example.com/hooks/identity-tm/t0k-en_/OnFinal");
        let uri: Uri = url.parse().unwrap();
        let path = CallbackPath::parse(uri.path()).unwrap();
        assert_eq!((path.provider, path.token.expose(), path.event), ("identity-tm", "t0k-en_", "OnFinal"));
        assert!(!format!("{path:?}").contains("t0k-en_"));
    }

    #[test]
    fn at_99_the_port_of_the_receiver_is_checked() {
        let url = |base| CallbackPath::url(&Uri::from_static(base), "p", &Secret::new("t"), "e");
        assert_eq!(url("https://user:x@example.com:8443/").unwrap(), "https://user:x@example.com:8443/p/t/e");
        let error = url("https://example.com:99999").unwrap_err();
        assert!(error.detail().contains("must have a port from 1 to 65535"), "{error}");
    }

    #[test]
    fn a_token_that_would_change_the_path_is_rejected() {
        let base = Uri::from_static("https://example.com");
        for token in ["", "a/b", "a?b", "a b", "ä"] {
            assert!(CallbackPath::url(&base, "p", &Secret::new(token), "e").is_err(), "{token}");
        }
        for base in ["/x", "ftp://example.com", "https://example.com/?x=1"] {
            assert!(CallbackPath::url(&Uri::from_static(base), "p", &Secret::new("t"), "e").is_err(), "{base}");
        }
        assert!(CallbackPath::parse("/a/b").is_none());
        assert!(CallbackPath::parse("/a//b").is_none());
    }
}
