//! Where a vendor's API is.

use ::http::Uri;
use ::http::uri::{Authority, Parts, Scheme};
use identkit_core::{Error, Kind};

/// The base URL of a vendor's API: `https`, or `http` to this machine only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    path: String,
}

impl BaseUrl {
    /// Reads a base URL; a slash at its end does not matter.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when it is not absolute, is plain `http` to another machine, or holds credentials or a
    /// query: they would end up in places where URLs are written down.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |detail: &'static str| Err(Error::new(Kind::InvalidInput, detail));
        let Ok(uri) = text.trim().parse::<Uri>() else { return refuse("the base URL is no URL") };
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return refuse("the base URL needs a scheme and a host, e.g. https://127.0.0.1:8443");
        };
        if authority.as_str().contains('@') {
            return refuse("the base URL must not hold credentials");
        }
        if authority.host().is_empty() {
            return refuse("the base URL needs a host");
        }
        if scheme == Scheme::HTTP {
            if !is_loopback(authority.host()) {
                return refuse(
                    "the base URL must begin with https://; plain http:// is accepted for this machine (127.0.0.1, [::1], localhost) only",
                );
            }
        } else if scheme != Scheme::HTTPS {
            return refuse("the base URL must begin with https://");
        }
        let path = match parts.path_and_query {
            Some(path) if path.query().is_some() => return refuse("the base URL must not hold a query"),
            Some(path) => path.path().trim_end_matches('/').to_owned(),
            None => String::new(),
        };
        Ok(Self { scheme, authority, path })
    }

    /// The URI of a path below this base; `path` begins with a slash and is percent-encoded.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the path is none.
    pub fn join(&self, path: &str) -> Result<Uri, Error> {
        // As long as it must be, so that it becomes the URI's without a copy.
        let mut whole = String::with_capacity(self.path.len() + path.len());
        whole.push_str(&self.path);
        whole.push_str(path);
        let refused = || Error::new(Kind::InvalidInput, "the path of the call is no URL path");
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(whole.try_into().map_err(|_| refused())?);
        Uri::from_parts(parts).map_err(|_| refused())
    }
}

/// Whether a host names this machine: its names and addresses that never leave it.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_at_home() {
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
            "https:///path",
        ] {
            assert_eq!(BaseUrl::parse(bad).unwrap_err().kind(), Kind::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn paths_are_appended_whole() {
        let base = BaseUrl::parse("https://customer.identity.tm/api/2.10/").unwrap();
        let uri = base.join("/getStatus/99921269855041").unwrap();
        assert_eq!(uri, "https://customer.identity.tm/api/2.10/getStatus/99921269855041");
    }
}
