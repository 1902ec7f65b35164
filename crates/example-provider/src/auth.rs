//! Credentials of an account, and the login: a token for client credentials (ACME-01).

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use identkit_core::{Advice, CallOptions, Delivery, Error, Kind, Secret, Violation, async_trait};
use identkit_transport::{ClientSettings, Driver, IssuedToken, NoAuth, TokenKey, TokenSession};
use identkit_wire::{AmbiguityPolicy, Decoded, Encoded, Loose, Meta, Operation, Refusal, RetrySafety};
use identkit_wire::{json, message, operation};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Dialect, PROVIDER};

/// The operations of the login.
pub(crate) const OPERATIONS: &[&Meta] = &[Login::META];

/// Idle time after which the client requests a new token. The vendor's expire after 600 seconds (ACME-01).
const IDLE: Duration = Duration::from_secs(540);

/// Credentials of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    client_id: Secret,
    client_secret: Secret,
}

impl Credentials {
    /// Creates credentials from the id and the secret of a client.
    pub fn new(client_id: impl Into<Secret>, client_secret: impl Into<Secret>) -> Self {
        Self { client_id: client_id.into(), client_secret: client_secret.into() }
    }
}

/// Creates the driver of a client. Its session logs in when a call needs a token.
pub(crate) fn driver(settings: &ClientSettings<Dialect>, credentials: &Credentials) -> Result<Driver<Dialect>, Error> {
    let parts = [("client_id", &credentials.client_id), ("client_secret", &credentials.client_secret)];
    let empty = parts.into_iter().filter(|(_, value)| value.is_empty());
    let faults: Vec<_> =
        empty.map(|(field, _)| Violation::new(field, "is required", "ACME-01", Login::META.section)).collect();
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    let login = Arc::new(settings.driver(Arc::new(NoAuth))?);
    let first = ClientLogin {
        driver: Arc::clone(&login),
        credentials: credentials.clone(),
        base_url: settings.base_url.clone(),
    };
    let session = TokenSession::new(Arc::new(first), Arc::clone(login.clock()), IDLE, None);
    Ok(settings.driver(Arc::new(session))?.sharing_connections(&login))
}

/// Obtains a token, and adds it to requests.
struct ClientLogin {
    driver: Arc<Driver<Dialect>>,
    credentials: Credentials,
    base_url: String,
}

#[async_trait]
impl identkit_transport::Login for ClientLogin {
    fn key(&self) -> TokenKey {
        TokenKey::new(&self.base_url, self.credentials.client_id.clone())
    }

    async fn log_in(&self) -> Result<IssuedToken, Error> {
        let Credentials { client_id, client_secret } = self.credentials.clone();
        let response = self.driver.call(&Login::new(client_id, client_secret), &CallOptions::new()).await?;
        let token = response.value.access_token.clone();
        let missing = || Error::new(Kind::Protocol, "the response has no access_token");
        let token = token.filter(|token| !token.is_empty()).ok_or_else(missing);
        let header = token.map(|token| Secret::new(format!("Bearer {}", token.expose())));
        header
            .and_then(|header| IssuedToken::new(header, response))
            .map_err(|error| error.with_operation(Login::META.name).with_delivery(Delivery::Answered))
    }

    fn authorize(&self, token: &HeaderValue, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, token.clone());
    }
}

message! {
    via Loose;
    /// The response to a login.
    pub struct Token {
        /// The token.
        "access_token" => access_token: Secret,
        /// Type of the token: `Bearer`.
        "token_type" => token_type: String,
        /// Seconds after which the token expires.
        "expires_in" => expires_in: u16,
    }
}

/// Requests a token.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Id of the client.
    pub client_id: Secret,
    /// Secret of the client.
    pub client_secret: Secret,
}

impl Login {
    /// Creates the call with the credentials of a client.
    pub fn new(client_id: Secret, client_secret: Secret) -> Self {
        Self { client_id, client_secret }
    }
}

operation! {
    impl Login;
    meta: Meta::new(
        PROVIDER,
        "token",
        Method::POST,
        "/oauth/token",
        RetrySafety::IdempotentByEffect,
        AmbiguityPolicy::Retry(3),
    )
    .section("token")
    .refusals(&[Refusal::new(
        401,
        Kind::Authentication,
        "the vendor does not accept the credentials",
        Advice::CheckCredentials,
    )]),
    output: Token, dialect: Dialect,
    encode: |this, _| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let escape = |text: &Secret| utf8_percent_encode(text.expose(), NON_ALPHANUMERIC).to_string();
        let (id, secret) = (escape(&this.client_id), escape(&this.client_secret));
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        Ok(Encoded::new(headers, body.into_bytes()))
    },
    decode: |_, _, body, _| {
        let token: Decoded<Token> = json::decode_once(body, &["access_token"])?;
        Ok(token)
    },
    request: |_, request| {
        let part = |name| form_value(request.body(), name).map(Secret::new);
        let wrong = |field| Error::invalid(vec![Violation::new(field, "is required", "ACME-01", Self::META.section)]);
        let client_id = part("client_id").ok_or_else(|| wrong("client_id"))?;
        let client_secret = part("client_secret").ok_or_else(|| wrong("client_secret"))?;
        Ok(Self::new(client_id, client_secret))
    },
    respond: |output| json::response(200, &output),
}

/// Returns a value of a form.
#[cfg(feature = "server")]
pub(crate) fn form_value(form: &[u8], name: &str) -> Option<String> {
    let pairs = std::str::from_utf8(form).ok()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
    let value = value.replace('+', " ");
    Some(percent_encoding::percent_decode_str(&value).decode_utf8().ok()?.into_owned())
}
