//! Who is calling: the seam, and HTTP Basic authentication.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::HeaderMap;
use ::http::header::{AUTHORIZATION, HeaderValue};
use async_trait::async_trait;
use identkit_core::{Advice, Error, Kind, Secret};
use identkit_wire::encode_base64;

/// Which of the credentials made one after another a request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// Puts credentials on requests and knows what a 401 means.
#[async_trait]
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// Puts the credentials on the request at once; `None` when [`renew`](Self::renew) must be called first.
    fn apply(&self, headers: &mut HeaderMap) -> Option<Generation>;

    /// Hears that the vendor answered 401 to this generation; says whether [`renew`](Self::renew) can help.
    fn rejected(&self, generation: Generation) -> bool;

    /// Makes credentials newer than `seen`, together with everyone who waits for the same.
    ///
    /// # Errors
    /// [`Kind::Authentication`] when the vendor does not accept what they are made from.
    async fn renew(&self, seen: Option<Generation>) -> Result<Generation, Error>;
}

/// No credentials: for calls that obtain them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAuth;

#[async_trait]
impl Authenticator for NoAuth {
    fn apply(&self, _: &mut HeaderMap) -> Option<Generation> {
        Some(Generation(0))
    }

    fn rejected(&self, _: Generation) -> bool {
        false
    }

    async fn renew(&self, _: Option<Generation>) -> Result<Generation, Error> {
        Ok(Generation(0))
    }
}

/// HTTP Basic authentication (UTF-8). The first 401 is final: no further request is sent with these credentials,
/// since the vendor may lock an account.
pub struct Basic {
    header: HeaderValue,
    latched: AtomicBool,
}

impl Basic {
    /// Credentials of one account.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the user name is empty or holds a colon, or either holds a control character
    /// (RFC 7617; AT-88).
    pub fn new(user: &str, password: &Secret) -> Result<Self, Error> {
        let refuse = |detail: &'static str| Err(Error::new(Kind::InvalidInput, detail));
        if user.is_empty() || user.contains(':') {
            return refuse("the user name of HTTP Basic authentication must not be empty or hold a colon");
        }
        if user.chars().chain(password.expose().chars()).any(char::is_control) {
            return refuse("user name and password must not hold control characters");
        }
        let joined = Secret::new(format!("{user}:{}", password.expose()));
        let value = Secret::new(format!("Basic {}", encode_base64(joined.expose().as_bytes())));
        let Ok(mut header) = HeaderValue::from_str(value.expose()) else {
            return refuse("the credentials cannot be written into a header");
        };
        header.set_sensitive(true);
        Ok(Self { header, latched: AtomicBool::new(false) })
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").field("latched", &self.latched).finish_non_exhaustive()
    }
}

#[async_trait]
impl Authenticator for Basic {
    fn apply(&self, headers: &mut HeaderMap) -> Option<Generation> {
        if self.latched.load(Ordering::SeqCst) {
            return None;
        }
        headers.insert(AUTHORIZATION, self.header.clone());
        Some(Generation(0))
    }

    fn rejected(&self, _: Generation) -> bool {
        self.latched.store(true, Ordering::SeqCst);
        false
    }

    async fn renew(&self, _: Option<Generation>) -> Result<Generation, Error> {
        Err(Error::new(Kind::Authentication, "the vendor has refused these credentials before; nothing was sent")
            .with_advice(Advice::CheckCredentials))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_88_the_header_is_basic_and_never_printed() {
        let basic = Basic::new("Aladdin", &Secret::new("open sesame")).unwrap();
        let mut headers = HeaderMap::new();
        basic.apply(&mut headers).unwrap();
        assert_eq!(headers[AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{headers:?} {basic:?}").contains("QWxh"));
        for (user, password) in [("", "x"), ("a:b", "x"), ("a\n", "x"), ("a", "x\r")] {
            assert_eq!(Basic::new(user, &Secret::new(password)).unwrap_err().kind(), Kind::InvalidInput);
        }
    }

    #[tokio::test]
    async fn the_first_401_latches() {
        let basic = Basic::new("user", &Secret::new("wrong")).unwrap();
        assert!(!basic.rejected(Generation(0)));
        let mut headers = HeaderMap::new();
        assert!(basic.apply(&mut headers).is_none() && headers.is_empty());
        assert_eq!(basic.renew(None).await.unwrap_err().kind(), Kind::Authentication);
    }
}
