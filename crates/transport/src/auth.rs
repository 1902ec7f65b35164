//! The trait for credentials, and HTTP Basic authentication.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use ::http::HeaderMap;
use ::http::header::{AUTHORIZATION, HeaderValue};
use async_trait::async_trait;
use identkit_core::{Delivery, Error, Kind, Secret};
use identkit_wire::url::basic_header;

/// The number of the credentials that a request was sent with. Renewed credentials have a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// Adds credentials to requests and reacts to a 401.
#[async_trait]
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// Adds the credentials to the headers. Returns `None` if [`renew`](Self::renew) must be called first.
    fn apply(&self, headers: &mut HeaderMap) -> Option<Generation>;

    /// Called after the vendor answered 401 to this generation. Returns whether [`renew`](Self::renew) can help.
    fn rejected(&self, generation: Generation) -> bool;

    /// Obtains credentials newer than `former`. Concurrent callers share one renewal.
    ///
    /// # Errors
    /// [`Kind::Authentication`] if the vendor refuses the credentials; otherwise the error of the login.
    async fn renew(&self, former: Option<Generation>) -> Result<Generation, Error>;
}

/// Sends no credentials: for calls that obtain them.
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

/// HTTP Basic authentication (UTF-8). After the first 401 no request is sent until [`replace`](Self::replace) is
/// called, because the vendor may lock the account.
pub struct Basic {
    state: RwLock<State>,
}

struct State {
    header: HeaderValue,
    /// Number of replacements.
    generation: u64,
    /// Whether the vendor answered 401 to these credentials.
    latched: bool,
}

impl Basic {
    /// Creates the credentials of one account.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the user name is empty or contains a colon, or if either contains a control
    /// character (RFC 7617; AT-88).
    pub fn new(user: &str, password: &Secret) -> Result<Self, Error> {
        let header = basic(user, password)?;
        Ok(Self { state: RwLock::new(State { header, generation: 0, latched: false }) })
    }

    /// Replaces the credentials. Calls that are running keep the former ones, and a 401 to those is ignored.
    ///
    /// # Errors
    /// As [`new`](Self::new). The former credentials then stay in use.
    pub fn replace(&self, user: &str, password: &Secret) -> Result<(), Error> {
        let header = basic(user, password)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let generation = state.generation + 1;
        *state = State { header, generation, latched: false };
        Ok(())
    }
}

fn basic(user: &str, password: &Secret) -> Result<HeaderValue, Error> {
    let refuse = |detail: &'static str| Err(Error::new(Kind::InvalidInput, detail));
    if user.is_empty() || user.contains(':') {
        return refuse("the user name of HTTP Basic authentication must not be empty or contain a colon");
    }
    if user.chars().chain(password.expose().chars()).any(char::is_control) {
        return refuse("the user name and password of HTTP Basic authentication must not contain control characters");
    }
    basic_header(user, password).map_or_else(|| refuse("the credentials cannot be encoded as a header"), Ok)
}

/// The error of a call whose credentials the vendor refused earlier.
pub(crate) fn refused_before() -> Error {
    Error::new(
        Kind::Authentication,
        "the vendor refused these credentials earlier, so nothing was sent: set new credentials",
    )
    .with_delivery(Delivery::NotSent)
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Basic")
            .field("generation", &state.generation)
            .field("latched", &state.latched)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Authenticator for Basic {
    fn apply(&self, headers: &mut HeaderMap) -> Option<Generation> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.latched {
            return None;
        }
        headers.insert(AUTHORIZATION, state.header.clone());
        Some(Generation(state.generation))
    }

    fn rejected(&self, generation: Generation) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation == generation.0 {
            state.latched = true;
            return false;
        }
        // The credentials were replaced in the meantime.
        true
    }

    async fn renew(&self, _: Option<Generation>) -> Result<Generation, Error> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if !state.latched {
            return Ok(Generation(state.generation));
        }
        Err(refused_before())
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
    async fn the_first_401_stops_all_requests() {
        let basic = Basic::new("user", &Secret::new("wrong")).unwrap();
        assert!(!basic.rejected(Generation(0)));
        let mut headers = HeaderMap::new();
        assert!(basic.apply(&mut headers).is_none() && headers.is_empty());
        assert_eq!(basic.renew(None).await.unwrap_err().kind(), Kind::Authentication);
    }

    #[tokio::test]
    async fn a_late_401_to_replaced_credentials_is_ignored() {
        let basic = Basic::new("user", &Secret::new("old")).unwrap();
        let mut headers = HeaderMap::new();
        let old = basic.apply(&mut headers).unwrap();
        assert!(!basic.rejected(old));
        assert!(basic.replace("a:b", &Secret::new("x")).is_err() && basic.apply(&mut headers).is_none());
        basic.replace("user", &Secret::new("new")).unwrap();
        let new = basic.apply(&mut headers).unwrap();
        assert_ne!(old, new);
        assert!(basic.rejected(old), "a 401 to the former credentials");
        assert_eq!(basic.renew(Some(old)).await.unwrap(), new);
        assert_eq!(basic.apply(&mut headers), Some(new));
    }
}
