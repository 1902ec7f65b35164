//! The login, and the check of the credentials of every other call.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use identkit_core::Location;
use identkit_mock_server::{Login, Rejection, Route, VendorFacts, World};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::rules;
use super::settings::Account;
use crate::auth;

/// The call that exchanges credentials for a token.
pub(super) const LOGIN: Option<Login> =
    Some(Login::new(PATH, &["grant_type", "client_id"], &["token_type", "expires_in"]));

const PATH: &str = "/oauth/token";

/// Lifetime of a token in seconds (ACME-01).
const LIFETIME: u16 = 600;

/// The tokens that were issued, with the time of issue.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tokens(BTreeMap<String, Timestamp>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

/// Whether a path is that of a login.
pub(super) fn is_login(path: &str) -> bool {
    path == PATH
}

pub(super) fn routes(facts: &'static VendorFacts) -> Vec<Route> {
    vec![Route::new::<auth::Login>(facts, |_| None, log_in)]
}

/// The client id of a request. A token begins with it.
pub(super) fn claims(request: &Request<Bytes>) -> Option<String> {
    if is_login(request.uri().path()) {
        return auth::form_value(request.body(), "client_id");
    }
    token(request)?.rsplit_once('.').map(|(id, _)| id.to_owned())
}

fn token(request: &Request<Bytes>) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn log_in(world: &mut World, login: auth::Login) -> Result<auth::Token, Rejection> {
    let now = world.now;
    let settings = world.state::<Account>().0.clone();
    let known =
        login.client_id.expose() == settings.client_id && login.client_secret.expose() == settings.client_secret;
    if !known && world.enforces(&rules::ACME_01) {
        return Err(rules::ACME_01.reject(401, "client_secret", "the client is not known", "token"));
    }
    let random = world.random_text(b"0123456789abcdef", 32);
    let token = format!("{}.{random}", login.client_id.expose());
    let tokens = &mut world.state::<Tokens>().0;
    tokens.retain(|_, issued| is_valid(*issued, now));
    tokens.insert(token.clone(), now);
    Ok(auth::Token::default().access_token(token).token_type("Bearer").expires_in(LIFETIME))
}

fn is_valid(issued: Timestamp, now: Timestamp) -> bool {
    now.duration_since(issued) < SignedDuration::from_secs(LIFETIME.into())
}

/// Checks the credentials of a request that is not a login.
pub(super) fn authenticate(world: &mut World, request: &Request<Bytes>) -> Result<(), Rejection> {
    let now = world.now;
    let tokens = &world.state::<Tokens>().0;
    let valid = token(request).and_then(|token| tokens.get(token)).is_some_and(|issued| is_valid(*issued, now));
    if valid || !world.enforces(&rules::ACME_01) {
        return Ok(());
    }
    let message = "must be a token that is not older than 600 seconds";
    Err(rules::ACME_01.reject(401, "Authorization", message, "security").at(Location::Header))
}
