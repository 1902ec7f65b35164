//! The base URL of a vendor's API.

use ::http::Uri;
use ::http::uri::{Authority, Parts, Scheme};
use identkit_core::{Error, Kind};
use identkit_wire::url::{UrlFault, WebUrl};

/// The base URL of a vendor's API: `https`, or `http` for loopback hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    path: String,
}

impl BaseUrl {
    /// Parses a base URL. A trailing slash is ignored.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the URL is not absolute, has a port that is not from 1 to 65535, uses `http` for
    /// another machine, or contains credentials, a query or a fragment, which could get into logs.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |rule: &dyn std::fmt::Display| Err(Error::new(Kind::InvalidInput, format!("the base URL {rule}")));
        let url = match WebUrl::parse(text.trim()) {
            Ok(url) => url,
            Err(fault) => return refuse(&format!("{fault}, e.g. https://127.0.0.1:8443")),
        };
        if url.credentials().is_some() {
            return refuse(&"must not contain credentials");
        }
        if url.has_fragment() || url.uri().query().is_some() {
            return refuse(&"must not contain a query or a fragment");
        }
        let parts = url.uri().clone().into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return refuse(&UrlFault::Host);
        };
        if scheme == Scheme::HTTP && !is_loopback(authority.host()) {
            return refuse(
                &"must begin with https://; http:// is allowed for this machine only (127.0.0.1, [::1], localhost)",
            );
        }
        let path = url.uri().path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, authority, path })
    }

    /// Appends a path. `path` must begin with a slash and be percent-encoded.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the result is not a valid URI.
    pub fn join(&self, path: &str) -> Result<Uri, Error> {
        // With the exact capacity, the text becomes the URI's without a copy.
        let mut whole = String::with_capacity(self.path.len() + path.len());
        whole.push_str(&self.path);
        whole.push_str(path);
        let refused = || Error::new(Kind::InvalidInput, "the path of the call is not a valid URL path");
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(whole.try_into().map_err(|_| refused())?);
        Uri::from_parts(parts).map_err(|_| refused())
    }
}

/// Whether a host is a loopback address or `localhost`.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_accepted_for_loopback_only() {
        for good in [
            "https://api.identify24.de",
            "https://customer.identity.tm/api/2.10/",
            "http://127.0.0.1:8080",
            "http://127.9.9.9/api",
            "http://[::1]:1",
            "http://localhost:1/",
        ] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/api",
            "api.identify24.de",
            "ftp://127.0.0.1",
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "https://user:secret@example.com",
            "https://example.com/?x=1",
            "https://example.com/#x",
            "https:///path",
            "https://example.com/ä",
            "https://example.com/%zz",
            "https://999.1.1.1",
            "https://*.example.com",
        ] {
            assert_eq!(BaseUrl::parse(bad).unwrap_err().kind(), Kind::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn at_99_a_base_url_with_an_invalid_port_is_rejected() {
        for port in ["99999", "65536", "0", "-1", "+443", "https", ""] {
            let error = BaseUrl::parse(&format!("https://example.com:{port}/api")).unwrap_err();
            let expected = "the base URL must have a port from 1 to 65535, or none, e.g. https://127.0.0.1:8443";
            assert_eq!((error.kind(), error.detail()), (Kind::InvalidInput, expected), "{port}");
        }
        assert_eq!(BaseUrl::parse("https://[::1]:65535").unwrap().join("/x").unwrap(), "https://[::1]:65535/x");
    }

    #[test]
    fn join_appends_the_path() {
        let base = BaseUrl::parse("https://customer.identity.tm/api/2.10/").unwrap();
        let uri = base.join("/getStatus/99921269855041").unwrap();
        assert_eq!(uri, "https://customer.identity.tm/api/2.10/getStatus/99921269855041");
    }
}
