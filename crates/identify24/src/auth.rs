//! Credentials of a partner, and the login (`[I] Authentication`).

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use identkit_core::{CallOptions, Delivery, Error, Secret, Violation, async_trait};
use identkit_transport::{Driver, IssuedToken, TokenKey};

use crate::Dialect;
use crate::messages::AuthRequest;
use crate::operations::Login;

const PARTNER: HeaderName = HeaderName::from_static("x-api-partner");
const TOKEN: HeaderName = HeaderName::from_static("x-api-token");

/// Idle time after which the client replaces its token. The vendor invalidates a token after 30 idle minutes (I-006).
pub(crate) const IDLE: Duration = Duration::from_secs(28 * 60);

/// Credentials of a partner account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub(crate) partner: Secret,
    pub(crate) api_key: Secret,
}

impl Credentials {
    /// Creates credentials from the partner's user name and API key.
    pub fn new(partner: impl Into<Secret>, api_key: impl Into<Secret>) -> Self {
        Self { partner: partner.into(), api_key: api_key.into() }
    }

    /// Returns the value of `X-API-PARTNER`.
    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        let mut faults = Vec::new();
        for (field, value) in [("PARTNER", &self.partner), ("APIKEY", &self.api_key)] {
            let text = value.expose();
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                faults.push(Violation::new(field, "must be text without control characters", "I-004", "[I] auth"));
            }
        }
        match HeaderValue::from_bytes(self.partner.expose().as_bytes()) {
            Ok(mut header) if faults.is_empty() => {
                header.set_sensitive(true);
                Ok(header)
            }
            _ => Err(Error::invalid(faults)),
        }
    }
}

/// Logs in with one pair of partner and API key, and adds `X-API-PARTNER` and `X-API-TOKEN` to requests.
pub(crate) struct PartnerLogin {
    driver: Arc<Driver<Dialect>>,
    credentials: Credentials,
    partner: HeaderValue,
    base_url: String,
}

impl PartnerLogin {
    /// Creates a login that calls through `driver`, which sends no credentials itself.
    pub(crate) fn new(driver: &Arc<Driver<Dialect>>, credentials: &Credentials, base_url: &str) -> Result<Self, Error> {
        let partner = credentials.header()?;
        Ok(Self {
            driver: Arc::clone(driver),
            credentials: credentials.clone(),
            partner,
            base_url: base_url.to_owned(),
        })
    }
}

#[async_trait]
impl identkit_transport::Login for PartnerLogin {
    fn key(&self) -> TokenKey {
        TokenKey::new(&self.base_url, self.credentials.partner.clone())
    }

    async fn log_in(&self) -> Result<IssuedToken, Error> {
        let Credentials { partner, api_key } = self.credentials.clone();
        let response = self.driver.call(&Login(AuthRequest::new(partner, api_key)), &CallOptions::new()).await?;
        let status = response.status.as_u16();
        let refused = response.value.response_status == Some(401);
        let token = response.value.token().cloned();
        token.and_then(|token| IssuedToken::new(token, response)).map_err(|error| {
            let worse = error.status().unwrap_or(status).max(status);
            error.with_status(if refused { 401 } else { worse }).with_delivery(Delivery::Answered)
        })
    }

    fn authorize(&self, token: &HeaderValue, headers: &mut HeaderMap) {
        headers.insert(PARTNER, self.partner.clone());
        headers.insert(TOKEN, token.clone());
    }
}
