//! The partner's account: login, sessions, projects, and the URL of webhooks.

use std::collections::BTreeMap;

use http::HeaderMap;
use identkit_core::{Location, Secret, Violation};
use identkit_identify24::messages::{AuthResponse, Project};
use identkit_identify24::operations::Login;
use identkit_wire::encode_base64;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::rules;
use super::settings::Settings;
use crate::rules::Rule;
use crate::{Profile, Rejection, World};

/// Unused sessions are deleted after this time. Then a rejection no longer says that the token has expired.
const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// Minimum time between two searches for sessions to delete.
const SWEEP_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

const MAX_SESSIONS: usize = 10_000;

/// Partner and API key of the document's login example.
const EXAMPLE_PARTNER: &str = "YOUR PARTNER USERNAME";
const EXAMPLE_KEY: &str = "YOUR API KEY";
/// The token of the document's other examples.
const EXAMPLE_TOKEN: &str = "xxx";

#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) settings: Settings,
    pub(super) projects: Vec<Project>,
    /// Time at which each token was last used.
    pub(super) sessions: BTreeMap<String, Timestamp>,
    /// Time of the last search for sessions to delete.
    pub(super) swept: Option<Timestamp>,
    /// Start of the current period of the rate, and the number of requests since.
    pub(super) counted: Option<(Timestamp, u32)>,
}

/// Changes the account's settings, like the partner portal of the vendor.
pub fn configure(world: &mut World, change: impl FnOnce(&mut Settings)) {
    change(&mut world.state::<Account>().settings);
}

impl Account {
    /// Deletes sessions that were unused for long. If the maximum is still reached, deletes the least recently used tenth:
    /// with a stopped clock no session expires.
    fn make_room(&mut self, now: Timestamp) {
        // Search once an hour only: searching at each login would make many logins slow.
        if self.sessions.len() < MAX_SESSIONS && self.swept.is_some_and(|at| now.duration_since(at) < SWEEP_INTERVAL) {
            return;
        }
        self.swept = Some(now);
        self.sessions.retain(|_, used| now.duration_since(*used) < RETENTION);
        if self.sessions.len() < MAX_SESSIONS {
            return;
        }
        let mut used: Vec<(Timestamp, String)> = self.sessions.iter().map(|(token, at)| (*at, token.clone())).collect();
        used.sort_unstable();
        for (_, token) in used.into_iter().take(MAX_SESSIONS / 10) {
            self.sessions.remove(&token);
        }
    }
}

/// Sets the URL of this account's webhooks, like the partner portal of the vendor.
pub fn set_webhook(world: &mut World, url: Option<Secret>) {
    configure(world, |settings| settings.webhook_url = url);
}

pub(super) fn place_examples(world: &mut World) {
    world.state::<Account>().projects = vec![Project::new("6", "911 Internet GmbH", "Active")];
}

/// Creates a token in the shape of a JWT without `exp` (AI-32). The signature is random: only the sandbox checks tokens.
fn create_token(world: &mut World) -> String {
    let url_safe = |bytes: &[u8]| encode_base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_");
    let (mut id, mut signature) = ([0; 16], [0; 32]);
    world.random.fill(&mut id);
    world.random.fill(&mut signature);
    let claims = json!({ "iss": "identkit sandbox", "iat": world.now.as_second(), "jti": url_safe(&id) }).to_string();
    let parts = [br#"{"alg":"HS256","typ":"JWT"}"#.as_slice(), claims.as_bytes(), &signature];
    parts.map(url_safe).join(".")
}

pub(super) fn accepts_examples(world: &World) -> bool {
    world.profile != Profile::Strict && world.enforces(&rules::M_08_EXAMPLES)
}

pub(super) fn log_in(world: &mut World, login: Login) -> Result<AuthResponse, Rejection> {
    let (now, examples) = (world.now, accepts_examples(world));
    let faults: Vec<Violation> = [("PARTNER", &login.0.partner), ("APIKEY", &login.0.api_key)]
        .into_iter()
        .filter(|(_, value)| value.as_ref().is_none_or(Secret::is_empty))
        .map(|(key, _)| rules::AI_10.violation(key, "is required; the key must be in upper case", "[I] auth"))
        .collect();
    if world.enforces(&rules::AI_10) && !faults.is_empty() {
        return Err(Rejection::invalid(faults));
    }
    let checks_key = world.enforces(&rules::I_005);
    let token = create_token(world);
    let account = world.state::<Account>();
    let given = |secret: &Option<Secret>| secret.as_ref().map_or("", Secret::expose).to_owned();
    let (partner, key) = (given(&login.0.partner), given(&login.0.api_key));
    let known = (partner == account.settings.partner && key == account.settings.api_key)
        || (examples && partner == EXAMPLE_PARTNER && key == EXAMPLE_KEY);
    if checks_key && !known {
        return Err(rules::I_005.reject(401, "APIKEY", "partner and API key do not match an account", "[I] auth"));
    }
    account.make_room(now);
    account.sessions.insert(token.clone(), now);
    Ok(AuthResponse::granted(token))
}

/// Rejects the request if the vendor is out of service or the account has exceeded its rate (429).
pub(super) fn check_service(world: &mut World) -> Result<(), Rejection> {
    let (now, rules) = (world.now, world.rules.clone());
    let account = world.state::<Account>();
    if rules.enforce(&rules::R_1_9_SERVICE)
        && let Some(status) = account.settings.out_of_service
    {
        let message = "is out of service (setting out_of_service)";
        return Err(rules::R_1_9_SERVICE.reject(status, "service", message, "[I] Errors").at(Location::Account));
    }
    let Some(rate) = account.settings.rate.clone() else { return Ok(()) };
    let counted = account.counted.get_or_insert((now, 0));
    if now.duration_since(counted.0) >= rate.period {
        *counted = (now, 0);
    }
    counted.1 = counted.1.saturating_add(1);
    if counted.1 <= rate.requests || !rules.enforce(&rules::R_1_9_RATE) {
        return Ok(());
    }
    let message = "too many requests: try again later, with increasing waits";
    Err(rules::R_1_9_RATE.reject(429, "rate", message, "[I] Errors").at(Location::Account))
}

/// Returns the number of seconds after which a request beyond the rate can be repeated.
pub(super) fn retry_after(world: &mut World) -> Option<i64> {
    let now = world.now;
    let account = world.state::<Account>();
    let rate = account.settings.rate.as_ref().filter(|rate| rate.retry_after)?;
    let since = now.duration_since(account.counted?.0);
    Some(rate.period.checked_sub(since)?.as_secs().max(1))
}

/// Checks the partner and the token. Each use renews the token (I-006).
pub(super) fn authenticate(world: &mut World, headers: &HeaderMap) -> Result<(), Rejection> {
    let rules = world.rules.clone();
    let (now, examples) = (world.now, accepts_examples(world));
    let account = world.state::<Account>();
    let idle = account.settings.idle;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let refuse = |field: &'static str, message: &'static str, rule: &Rule| {
        Err(rule.reject(401, field, message, "[I] Authentication").at(Location::Header))
    };
    if rules.enforce(&rules::I_005_PARTNER) && header("x-api-partner") != account.settings.partner {
        return refuse("X-API-PARTNER", "must be the account's partner user name", &rules::I_005);
    }
    let token = header("x-api-token");
    if examples && token == EXAMPLE_TOKEN {
        return Ok(());
    }
    let Some(used) = account.sessions.get_mut(token) else {
        if !rules.enforce(&rules::I_005_TOKEN) {
            return Ok(());
        }
        return refuse("X-API-TOKEN", "is missing or was not issued by auth", &rules::I_005);
    };
    if rules.enforce(&rules::I_006) && now.duration_since(*used) >= idle {
        return refuse("X-API-TOKEN", "has expired because it was unused for too long; log in again", &rules::I_006);
    }
    *used = now;
    Ok(())
}
